"""A TCode machine on a USB serial port: the kernel's cdc-acm on one side, its gadget on the other."""

from example import example
from polling import Failed, until

TITLE = "TCode v0.3 (Single Linear Axis)"
STEPS = example("tcode-v03")


async def told(lab):
    """What the machine has been told, line by line."""
    text = await lab.guest.run("cat /run/serial.told 2>/dev/null || true")
    return [line.split(" ", 1)[1] for line in text.splitlines()]


async def drive(lab, index):
    """Plays the definition's example; the machine must be told exactly that."""
    start, wanted = len(await told(lab)), []
    for kind, *parts in STEPS:
        if kind == "commands":
            await lab.session.outputs(index, parts[0])
        elif kind == "write":
            wanted += parts[1].decode().splitlines()
            await until(lambda: arrived(lab, start, wanted), 10, f"the machine is told {wanted}")
    if not wanted:
        raise Failed("the example has no lines")
    return f"{len(wanted)} lines as in the example"


async def arrived(lab, start, wanted):
    lines = (await told(lab))[start:]
    if lines[: len(wanted)] != wanted[: len(lines)]:
        raise Failed(f"the machine was told {lines}, not {wanted}")
    return len(lines) >= len(wanted)


async def found(lab):
    """serial: the machine is found"""
    await lab.session.ask("StartScanning", {}, "Ok")
    lab.machine = await lab.session.appears(TITLE)
    return f"index {lab.machine}"


async def driven(lab):
    """serial: it is told what the definition's example says"""
    return await drive(lab, lab.machine)


async def blinks(lab):
    """serial: unplugged and plugged in again at once, it stays listed and is driven"""
    lists = len(lab.session.lists)
    await lab.guest.run("unplug serial; sleep 0.5; plug serial")
    await until(lambda: lab.says("[ -c /dev/ttyACM0 ]"), 10, "/dev/ttyACM0 is back")
    note = await until_driven(lab)
    if any(TITLE not in names.values() for names in lab.session.lists[lists:]):
        raise Failed(f"a list without it was sent: {lab.session.lists[lists:]}")
    return note


async def until_driven(lab):
    """Opening the port anew takes a while, in which commands are accepted and kept: so the newest is waited for."""
    start = len(await told(lab))
    await lab.session.outputs(lab.machine, [(0, {"HwPositionWithDuration": {"Value": 321, "Duration": 100}})])
    await until(lambda: ends(lab, start, "L0321I100"), 30, "the machine is told L0321I100")
    return await drive(lab, lab.machine)


async def ends(lab, start, line):
    return line in (await told(lab))[start:]


async def unplugged(lab):
    """serial: unplugged, it vanishes from the list"""
    await lab.guest.run("unplug serial")
    await lab.session.vanishes(TITLE, 30)


async def plugged_in(lab):
    """serial: plugged in again, it comes back under the same index without a scan, and is driven"""
    await lab.session.ask("StopScanning", {}, "Ok")
    await lab.guest.run("plug serial")
    index = await lab.session.appears(TITLE, 30)
    if index != lab.machine:
        raise Failed(f"it had index {lab.machine} and now has {index}")
    return await drive(lab, index)


CHECKS = [found, driven, blinks, unplugged, plugged_in]
