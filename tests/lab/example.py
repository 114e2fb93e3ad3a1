"""The examples of the definitions (`[[example]]` in device-config/*.toml), as data."""

import re
import tomllib
from pathlib import Path

DEFINITIONS = Path(__file__).parents[2] / "device-config"
OUTPUTS = {"vibrate": "Vibrate", "rotate": "Rotate", "constrict": "Constrict", "oscillate": "Oscillate", "position": "Position"}
ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"|([0-9A-Fa-f]{2})(?:\*(\d+))?')


def definition(protocol):
    return tomllib.loads((DEFINITIONS / f"{protocol}.toml").read_text())


def example(protocol, model=None, place=0):
    """The steps of one example."""
    found = [given for given in definition(protocol)["example"] if given.get("model") == model]
    return [step(line) for line in found[place]["steps"]]


def packet(text):
    """`55 03 00*2 "abc\\n"`, as bytes."""
    made, end = b"", 0
    for item in ITEM.finditer(text):
        quoted, byte, times = item.groups()
        if byte is None:
            made += quoted.encode().decode("unicode_escape").encode("latin-1")
        else:
            made += bytes.fromhex(byte) * int(times or 1)
        if text[end : item.start()].strip():
            raise ValueError(f"not bytes: {text}")
        end = item.end()
    if text[end:].strip():
        raise ValueError(f"not bytes: {text}")
    return made


def step(line):
    """One step, as a tuple: what it is, then its parts."""
    if match := re.fullmatch(r"> (\w+)( ack)?: (.*)", line):
        return "write", match[1], packet(match[3]), bool(match[2])
    if match := re.fullmatch(r"> (subscribe|read) (\w+)", line):
        return {"subscribe": "subscribed", "read": "read"}[match[1]], match[2]
    if match := re.fullmatch(r"< (\w+): (.*)", line):
        return "answer", match[1], packet(match[2])
    if match := re.fullmatch(r"stop", line):
        return ("stop",)
    if match := re.fullmatch(r"wait (\d+)(m?)s", line):
        return "wait", int(match[1]) / (1000 if match[2] else 1)
    if match := re.fullmatch(r"read battery (\d+) -> (\d+)", line):
        return "battery", int(match[1]), int(match[2])
    return "commands", [command(part) for part in line.split(", ")]


def command(text):
    """`vibrate 0 5`, as a feature and the command of an OutputCmd."""
    if match := re.fullmatch(r"hw_position (\d+) (\d+) in (\d+)ms", text):
        return int(match[1]), {"HwPositionWithDuration": {"Value": int(match[2]), "Duration": int(match[3])}}
    kind, feature, value = text.split()
    return int(feature), {OUTPUTS[kind]: {"Value": int(value)}}


def answers(steps):
    """What the hardware says to which write, and the values that are read: as peripheral.py wants them."""
    said, values, asked = {}, {}, None
    for kind, *parts in steps:
        if kind == "write":
            asked = f"{parts[0]} {parts[1].hex()}"
        elif kind == "read":
            asked = parts[0]
        elif kind == "answer" and parts[0] == "value":
            values[asked] = parts[1].hex()
        elif kind == "answer":
            said.setdefault(asked, []).append([parts[0], parts[1].hex()])
    return said, values


def connecting(steps):
    """The steps before the first command of a client."""
    clients = {"commands", "stop", "battery", "wait"}
    first = next(place for place, step in enumerate(steps) if step[0] in clients)
    return steps[:first], steps[first:]
