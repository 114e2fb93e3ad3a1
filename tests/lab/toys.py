"""The toys in the air: who they are, taken from their definitions and an example of each."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

import example


@dataclass
class Toy:
    name: str  # for the lab
    title: str  # as the server calls it
    protocol: str
    advertised: str
    address: str
    service: str  # of several, the one it has
    steps: list  # of the example it plays
    repeats: bool = False  # whether the last packet comes again and again

    def spec(self):
        """As peripheral.py wants it."""
        said, values = example.answers(self.steps)
        services = {}
        for match in example.definition(self.protocol)["match"]:
            for uuid, endpoints in match.get("services", {}).items():
                # Of a UUID with open digits, the toy has one.
                real = self.service if fnmatchcase(self.service, uuid) else uuid
                if real == self.service or (len(uuid) == 4 and not self.protocol == "lovense"):
                    services[real] = [
                        {"endpoint": name, "uuid": self.closed(characteristic), "kinds": self.kinds(name)}
                        for name, characteristic in endpoints.items()
                    ]
        return {
            "name": self.name, "advertised": self.advertised, "address": self.address, "services": services,
            "answers": said, "values": values,
        }

    def closed(self, uuid):
        """The open digits of a characteristic are those of its service."""
        return "".join(mine if open == "?" else open for open, mine in zip(uuid, self.service)) if "?" in uuid else uuid

    @staticmethod
    def kinds(endpoint):
        if endpoint.startswith("rx"):
            return ["notify"] if endpoint == "rx" else ["read"]
        return ["write"]


EDGE = Toy(
    "edge", "Lovense Edge", "lovense", "LVS-P37", "F0:F1:F2:F3:F4:01",
    "50300001-0023-4bd4-bbd5-a6920e4c5653", example.example("lovense", "P"),
)
VIVI = Toy("vivi", "Aneros Vivi", "aneros", "Massage Demo", "F0:F1:F2:F3:F4:02", "ff00", example.example("aneros"))
SATISFYER = Toy(
    "satisfyer", "Satisfyer Double Desire", "satisfyer", "SF Lab", "F0:F1:F2:F3:F4:03",
    "51361500-c5e7-47c7-8a6e-47ebc99d80e8", example.example("satisfyer", "10160"), repeats=True,
)
ALL = [EDGE, VIVI, SATISFYER]
