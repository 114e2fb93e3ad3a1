"""The toys in the air: who they are, taken from their definitions and an example of each."""

from dataclasses import dataclass

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
                if uuid == self.service or (len(uuid) == 4 and not self.protocol == "lovense"):
                    services[uuid] = [
                        {"endpoint": name, "uuid": characteristic, "kinds": self.kinds(name)}
                        for name, characteristic in endpoints.items()
                    ]
        return {
            "name": self.name, "advertised": self.advertised, "address": self.address, "services": services,
            "answers": said, "values": values,
        }

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
