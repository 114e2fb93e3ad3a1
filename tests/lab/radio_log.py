"""What the toys in the air are told, held against the examples of their definitions."""

import asyncio
import itertools

from example import connecting
from polling import Failed, until

# How long the end of an example is watched for writes that it does not have.
QUIET = 0.4


def told(lab, toy, start):
    """What a toy has been told since then: writes, subscriptions and reads, in the form of an example's steps."""
    steps, last = [], None
    for place, event in enumerate(lab.radio.events()):
        if event.get("toy") != toy.name:
            continue
        match event["event"]:
            case "write":
                step = ("write", event["endpoint"], bytes.fromhex(event["data"]), event["confirmed"])
            case "subscribed" | "read":
                step = (event["event"], event["endpoint"])
            case _:
                continue
        # The same packet again is what keeps some toys awake.
        if place >= start and not (toy.repeats and step == last):
            steps.append(step)
        last = step
    return steps


def as_wanted(lab, toy, start, wanted):
    """Whether all that is wanted was told; anything else is a failure at once."""
    steps = told(lab, toy, start)
    if steps != wanted[: len(steps)]:
        raise Failed(f"{toy.name} was told {steps}, not {wanted}")
    return len(steps) == len(wanted)


async def connects(lab, toy, start, known=True):
    """Waits until a toy is connected and was told what its example says of that, and, if the server knows it from
    before, to stop; returns the place of that event."""
    event = await lab.radio.happens(toy.name, "connected", start)
    place = start + lab.radio.events(start=start).index(event)
    wanted = [step for step in connecting(toy.steps)[0] if step[0] != "answer"]
    if known:
        wanted += stops(toy)
    await until(lambda: len(told(lab, toy, place)) >= len(wanted), 60, f"{toy.name} is told {wanted}")
    if told(lab, toy, place)[: len(wanted)] != wanted:
        raise Failed(f"{toy.name} was told {told(lab, toy, place)}, not {wanted}")
    return place


def stops(toy):
    """What the example says of a stop."""
    after = toy.steps[[step[0] for step in toy.steps].index("stop") + 1 :]
    return twice(toy, itertools.takewhile(lambda step: step[0] == "write", after))


def twice(toy, writes):
    """A stop as it is sent: the packets that nobody confirms come twice, where that can be seen."""
    writes = list(writes)
    return writes if toy.repeats else writes + [write for write in writes if not write[3]]


def as_sent(toy, steps):
    """Steps of an example with its stops as they are sent."""
    sent, rest = [], list(steps)
    while rest:
        sent.append(rest.pop(0))
        if sent[-1][0] == "stop":
            writes = list(itertools.takewhile(lambda step: step[0] == "write", rest))
            sent, rest = sent + twice(toy, writes), rest[len(writes) :]
    return sent


async def drive(lab, toy, index):
    """Plays the example from the first command of a client on, through the session; returns how many packets it has."""
    start, wanted = lab.radio.now(), []
    for kind, *parts in [*as_sent(toy, connecting(toy.steps)[1]), ("end",)]:
        if kind == "write":
            wanted.append((kind, *parts))
            continue
        # The next thing a client does waits until the packets of the one before are there.
        await until(lambda: as_wanted(lab, toy, start, wanted), 20, f"{toy.name} is told {wanted}")
        match kind:
            case "commands":
                await lab.session.outputs(index, parts[0])
            case "stop":
                await lab.session.stop(index)
            case "battery":
                level = await lab.session.battery(index, parts[0])
                if level != parts[1]:
                    raise Failed(f"the battery of {toy.name} is at {level}, not {parts[1]}")
            case "wait":
                await asyncio.sleep(parts[0])
    await asyncio.sleep(QUIET)
    as_wanted(lab, toy, start, wanted)
    return len(wanted)


def last_writes(lab, toy, start, count):
    """The last packets that a toy was told."""
    return [step[2] for step in told(lab, toy, start) if step[0] == "write"][-count:]
