"""Toys in the air: the kernel's Bluetooth, bluetoothd, and a radio whose other end is ours."""

import asyncio
import time

import checks_serial
import toys
from radio_log import connects, drive, last_writes
from toys import EDGE
from polling import Failed, until

RUNNING, RESTING = b"Vibrate1:10;", b"Vibrate1:0;"
# Least time between two writes to a Bluetooth device, in seconds.
GAP = 0.075


async def found(lab):
    """bluetooth: three toys are found, and each is told what its example says of connecting"""
    await lab.session.ask("StartScanning", {}, "Ok")
    lab.toys = {}
    for toy in toys.ALL:
        lab.toys[toy.name] = await lab.session.appears(toy.title)
        await connects(lab, toy, 0, known=False)
    await lab.session.ask("StopScanning", {}, "Ok")
    return f"indexes {lab.toys}"


async def driven(lab):
    """bluetooth: each is told what its example says, and its battery read"""
    return ", ".join([f"{toy.name} {await drive(lab, toy, lab.toys[toy.name])} packets" for toy in toys.ALL])


async def driven_together(lab):
    """bluetooth: all three examples at the same time"""
    await asyncio.gather(*(drive(lab, toy, lab.toys[toy.name]) for toy in toys.ALL))


async def flooded(lab):
    """bluetooth: 150 commands in a row and a stop: no more packets than the gap allows, and none after the stop"""
    start, began, commands = lab.radio.now(), time.monotonic(), 150
    for number in range(commands):
        await lab.session.outputs(lab.toys["edge"], [(0, {"Vibrate": {"Value": number % 20 + 1}})])
    took = time.monotonic() - began
    await lab.session.stop(lab.toys["edge"])
    await asyncio.sleep(1)
    packets = last_writes(lab, EDGE, start, commands)
    if sorted(packets[-2:]) != [b"Vibrate1:0;", b"Vibrate2:0;"]:
        raise Failed(f"the last packets are {packets[-5:]}")
    most = took / GAP + 3
    # Two motors, and nobody confirms: the stop is four packets.
    if not 3 < len(packets) <= most + 4:
        raise Failed(f"{len(packets)} packets in {took:.1f} s, with a gap of {GAP} s")
    return f"{len(packets)} packets in {took:.1f} s"


async def run_edge(lab):
    """Lets the edge vibrate; the place from which on its events are looked at."""
    start = lab.radio.now()
    await lab.session.outputs(lab.toys["edge"], [(0, {"Vibrate": {"Value": 10}})])
    await until(lambda: last_writes(lab, EDGE, start, 1) == [RUNNING], 20, "the edge runs")
    return lab.radio.now()


async def returns(lab, toy, start):
    """A toy connects again, is stopped, and keeps its index."""
    await connects(lab, toy, start)
    index = await lab.session.appears(toy.title)
    if index != lab.toys[toy.name]:
        raise Failed(f"{toy.title} had index {lab.toys[toy.name]} and now has {index}")
    return index


async def blinks(lab):
    """bluetooth: a toy that says goodbye while it runs and is there again at once stays listed, is stopped, then runs on"""
    start, lists = await run_edge(lab), len(lab.session.lists)
    lab.radio.order("edge", "goodbye")
    await returns(lab, EDGE, start)
    await until(lambda: last_writes(lab, EDGE, start, 1) == [RUNNING], 20, "the edge runs again")
    if len(lab.session.lists) != lists:
        raise Failed(f"the list changed: {lab.session.lists[lists:]}")
    await lab.session.stop(lab.toys["edge"])
    await drive(lab, EDGE, lab.toys["edge"])


async def lost(lab):
    """bluetooth: a toy whose link is lost and that is silent vanishes from the list"""
    lab.lost = await run_edge(lab)
    lab.radio.order("edge", "silence")
    lab.radio.order("edge", "lose")
    await lab.session.vanishes(EDGE.title, 30)


async def back(lab):
    """bluetooth: heard again, it comes back under the same index without a scan, and rests"""
    lab.radio.order("edge", "advertise")
    index = await returns(lab, EDGE, lab.lost)
    await asyncio.sleep(0.5)
    if RUNNING in last_writes(lab, EDGE, lab.lost, 99):
        raise Failed(f"it runs, though its client was told that it had gone: {last_writes(lab, EDGE, lab.lost, 99)}")
    await drive(lab, EDGE, index)


async def all_return(lab, start):
    for toy in toys.ALL:
        index = await returns(lab, toy, start)
        await drive(lab, toy, index)


async def daemon_restarted(lab):
    """bluetooth: bluetoothd is killed and started again; the toys come back under the same indexes and are driven"""
    start = lab.radio.now()
    await lab.guest.run("kill_bluetoothd; sleep 1; start_bluetoothd")
    await all_return(lab, start)


async def adapter_lost(lab):
    """bluetooth: the adapter is pulled out; the toys vanish, and what has a cable runs on"""
    lab.lost = lab.radio.now()
    for toy in toys.ALL:
        await lab.session.appears(toy.title)
    lists = len(lab.session.lists)
    await lab.guest.run("detach_radio")
    for toy in toys.ALL:
        await lab.session.vanishes(toy.title, 40)
    if any(checks_serial.TITLE not in names.values() for names in lab.session.lists[lists:]):
        raise Failed(f"the machine with a cable was taken from the list: {lab.session.lists[lists:]}")
    await checks_serial.drive(lab, lab.session.index(checks_serial.TITLE))


async def adapter_back(lab):
    """bluetooth: it is plugged in again; the toys come back under the same indexes and are driven"""
    await lab.guest.run("attach_radio")
    await all_return(lab, lab.lost)


CHECKS = [found, driven, driven_together, flooded, blinks, lost, back, daemon_restarted, adapter_lost, adapter_back]
