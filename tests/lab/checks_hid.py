"""A HID device and a gamepad: the kernel's usbhid on one side, gadgets on the other."""

import asyncio
import base64

from example import connecting, example
from polling import Failed, until

JOYCON, GAMEPAD = "Nintendo Joy-Con", "Gamepad"
# What the kernel's driver for this gamepad (hid-dr) makes of force feedback: strong and weak as bytes, "play", "stop".
LEVELS, PLAY, STOP = "51006600ff0000", "fafe0000000000", "f3000000000000"
LENGTH = {"joycon": 64, "gamepad": 7}


def steps():
    return example("nintendo-joycon")


async def reports(lab, name, start=0):
    """The output reports that a gadget was sent, each once in a row, without the first ones."""
    text = await lab.guest.run(f"base64 /run/{name}.reports")
    data, length = base64.b64decode(text), LENGTH[name]
    if len(data) % length:
        raise Failed(f"{name} was sent {len(data)} bytes, which are no reports of {length}")
    every = [data[place : place + length] for place in range(0, len(data), length)]
    return [report for place, report in enumerate(every) if place == 0 or report != every[place - 1]][start:]


async def is_told(lab, name, start, wanted):
    """Waits until a gadget was told what is wanted; anything else is a failure."""

    async def all_there():
        seen = await reports(lab, name, start)
        if seen != wanted[: len(seen)]:
            raise Failed(f"{name} was told {shown(seen)}, not {shown(wanted)}")
        return len(seen) == len(wanted)

    await until(all_there, 20, f"{name} is told {shown(wanted)}")


def shown(packets):
    return [packet.hex().rstrip("0") + "..." for packet in packets]


async def drive_joycon(lab, index):
    """Plays the definition's example; the same report again is how such a controller is kept going."""
    start, wanted = len(await reports(lab, "joycon")), []
    for kind, *parts in [*connecting(steps())[1], ("end",)]:
        if kind == "write":
            if wanted[-1:] != [parts[1]]:
                wanted.append(parts[1])
            continue
        await is_told(lab, "joycon", start, wanted)
        if kind == "commands":
            await lab.session.outputs(index, parts[0])
        elif kind == "stop":
            await lab.session.stop(index)
    await asyncio.sleep(0.5)
    await is_told(lab, "joycon", start, wanted)
    return f"{len(wanted)} reports as in the example"


async def found(lab):
    """hid: a Joy-Con is found, told what its example says of connecting, and driven"""
    await lab.session.ask("StartScanning", {}, "Ok")
    await lab.guest.run("plug joycon")
    lab.joycon = await lab.session.appears(JOYCON)
    await is_told(lab, "joycon", 0, [step[2] for step in connecting(steps())[0]])
    return await drive_joycon(lab, lab.joycon)


async def replugged(lab):
    """hid: unplugged while it rumbles, it vanishes; plugged in again, it has the same index without a scan, and rests"""
    await lab.session.ask("StopScanning", {}, "Ok")
    await lab.session.outputs(lab.joycon, [(0, {"Vibrate": {"Value": 1000}})])
    await lab.guest.run("unplug joycon")
    await lab.session.vanishes(JOYCON, 30)
    start = len(await reports(lab, "joycon"))
    await lab.guest.run("plug joycon")
    await same_index(lab, JOYCON, lab.joycon)
    resting = steps()[[step[0] for step in steps()].index("stop") + 1][2]
    await asyncio.sleep(1)
    seen = (await reports(lab, "joycon", start))
    strange = [packet for packet in seen if packet[0] == 0x10 and packet != resting]
    if strange:
        raise Failed(f"it rumbles, though its client was told that it had gone: {shown(seen)}")
    return await drive_joycon(lab, lab.joycon)


async def same_index(lab, title, known):
    index = await lab.session.appears(title, 30)
    if index != known:
        raise Failed(f"{title} had index {known} and now has {index}")


async def gamepad_found(lab):
    """hid: a gamepad is found and rumbles, through the kernel's force feedback"""
    await lab.session.ask("StartScanning", {}, "Ok")
    await lab.guest.run("plug gamepad")
    lab.gamepad = await lab.session.appears(GAMEPAD)
    await lab.session.ask("StopScanning", {}, "Ok")
    return await drive_gamepad(lab)


async def drive_gamepad(lab):
    start = len(await reports(lab, "gamepad"))
    values = [(0, {"Vibrate": {"Value": 65535}}), (1, {"Vibrate": {"Value": 26214}})]
    await lab.session.outputs(lab.gamepad, values)
    levels = [bytes.fromhex(text) for text in (LEVELS, PLAY)]
    await until(lambda: sent(lab, start, levels), 20, f"the gamepad is told {shown(levels)}")
    # Longer than one effect lasts: it has to be played again and again.
    await asyncio.sleep(2)
    if bytes.fromhex(STOP) in await reports(lab, "gamepad", start):
        raise Failed(f"it stopped by itself: {shown(await reports(lab, 'gamepad', start))}")
    await lab.session.stop(lab.gamepad)
    await until(lambda: sent(lab, start, [bytes.fromhex(STOP)]), 20, "the gamepad is stopped")
    await asyncio.sleep(1)
    seen = await reports(lab, "gamepad", start)
    if seen[-1] != bytes.fromhex(STOP):
        raise Failed(f"it was told something after the stop: {shown(seen)}")


async def sent(lab, start, wanted):
    """Whether the last reports are these."""
    return (await reports(lab, "gamepad", start))[-len(wanted) :] == wanted


async def gamepad_replugged(lab):
    """hid: the gamepad is unplugged and plugged in again; it has the same index without a scan, and is driven"""
    await lab.guest.run("unplug gamepad")
    await lab.session.vanishes(GAMEPAD, 30)
    await lab.guest.run("plug gamepad")
    await same_index(lab, GAMEPAD, lab.gamepad)
    await drive_gamepad(lab)


CHECKS = [found, replugged, gamepad_found, gamepad_replugged]
