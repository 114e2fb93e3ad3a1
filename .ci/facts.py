"""Compares the built-in library with the published devices: facts.py DEVICES.json HAPTICD

Every published model must be there under its name, with its identifiers, outputs and ranges, and its inputs. What differs on
purpose is in DIFFERENT, with the reason; an entry that is no longer needed is an error, too.
"""
import json
import subprocess
import sys

NO_BYTES = "nobody has published its bytes, so it is known by name and has no outputs"
DIFFERENT = {
    "cueme": "not there yet: its motors have to take turns",
    "umove": "not there yet: two outputs share an axis, and a limit of one must hold for both",
    "fmachine": "its one button starts and stops, so no stop is certain; it is known by name and has no outputs",
    "galaku/V415": "that name is advertised by galaku-pump alone, where it is",
    "lovense-connect-service": "left out: the vendor's service is being retired",
    "muse": NO_BYTES,
    "patoo": "its identifiers are beginnings of names, and are written so (PTVEA*)",
    "realtouch": NO_BYTES,
    "rez-trancevibrator": "USB control requests have no bus here; it is known by name and has no outputs",
    "sayberx": NO_BYTES,
    "sdl-gamepad": "the kernel tells two motors of a gamepad, no triggers and no battery",
    "xinput": "gamepads are those of sdl-gamepad",
}

facts, hapticd = sys.argv[1:]
published = json.load(open(facts))
ours = {}
for line in subprocess.check_output([hapticd, "devices", "--json"], text=True).splitlines():
    model = json.loads(line)
    ours.setdefault(model["protocol"], []).append(model)


def outputs(features):
    """Feature, kind, least and greatest value, and the times of a move."""
    found = set()
    for at, feature in enumerate(features):
        for kind, of in (feature.get("out") or {}).items():
            kind = {"hw_position_with_duration": "hw_position"}.get(kind, kind)
            span = of if isinstance(of, list) else of.get("position") or of.get("value") or of["range"]
            times = tuple(of["duration_ms"]) if "duration_ms" in of else None
            found.add((feature.get("index", at), kind, *span, times))
    return found


def inputs(features):
    return {(feature.get("index", at), kind) for at, feature in enumerate(features) for kind in feature.get("in") or {}}


def of_ours(model):
    given = {(o["feature"], o["output"], o["min"], o["max"], tuple(o["duration_ms"]) if o["duration_ms"] else None) for o in model["outputs"]}
    return given, {(i["feature"], i["input"]) for i in model["inputs"]}


wrong, used = [], set()


def differs(key, text):
    reasons = {key, key.split("/")[0]} & DIFFERENT.keys()
    if reasons:
        used.update(reasons)
    else:
        wrong.append(f"{key}: {text}")


for protocol, entry in published.items():
    if protocol not in ours:
        differs(protocol, "is not there")
        continue
    default = entry.get("default") or {}
    wanted = [(default, [])] if default else []
    # Of entries with one identifier the later one counts.
    models = {}
    for model in entry.get("models", []):
        for identifier in model["match"]:
            models[identifier] = model
    wanted += [(model, [identifier]) for identifier, model in models.items()]
    for model, identifiers in wanted:
        name = model.get("name", default.get("name"))
        key = f"{protocol}/{identifiers[0] if identifiers else name}"
        found = [own for own in ours[protocol] if set(identifiers) <= set(own["identifiers"]) and (identifiers or not own["identifiers"])]
        if not found:
            differs(key, "is not there")
            continue
        own = found[0]
        if own["name"] != name:
            differs(key, f"is called {own['name']!r}, published as {name!r}")
        features = model.get("features", default.get("features", []))
        given, measured = of_ours(own)
        if given != outputs(features):
            differs(key, f"has {sorted(given - outputs(features), key=str)} and lacks {sorted(outputs(features) - given, key=str)}")
        if not inputs(features) <= measured:
            differs(key, f"lacks the inputs {sorted(inputs(features) - measured)}")

wrong += [f"{key}: is among those that differ on purpose, and does not" for key in DIFFERENT.keys() - used]
print("\n".join(wrong) or f"{sum(map(len, ours.values()))} models of {len(ours)} protocols agree with what is published, but for what differs on purpose ({len(DIFFERENT)})")
sys.exit(bool(wrong))
