"""How it ends: killed, and asked to end."""

import asyncio

from radio_log import last_writes
from checks_bluetooth import RESTING, RUNNING, run_edge
from buttplug_client import Session
from toys import EDGE
from polling import Failed, until


async def killed(lab):
    """end: hapticd is killed while a toy runs; started again, it stops the toy before any client comes"""
    start = await run_edge(lab)
    lab.session.closing = True
    await lab.guest.run("kill -9 $(cat /run/hapticd.pid)")
    await until(lambda: lab.says("[ -e /run/hapticd.exit ]"), 10, "hapticd has ended")
    await lab.guest.run("start_hapticd")
    await until(lambda: last_writes(lab, EDGE, start, 2)[:1] == [RESTING] or last_writes(lab, EDGE, start, 1) == [RESTING],
                60, "the edge is stopped")
    await until(lab.listens, 60, "hapticd listens")
    lab.session = Session()
    await lab.session.open(lab.guest.server_port)
    index = await lab.session.appears(EDGE.title)
    if index != lab.toys["edge"]:
        raise Failed(f"the edge had index {lab.toys['edge']} and now has {index}")
    if RUNNING in last_writes(lab, EDGE, start, 99):
        raise Failed(f"it ran on: {last_writes(lab, EDGE, start, 99)}")


async def asked_to_end(lab):
    """end: asked to end (SIGTERM) while a toy runs, hapticd stops it, closes the session and ends with status 0"""
    start = await run_edge(lab)
    lab.session.closing = True
    await lab.guest.run("kill -TERM $(cat /run/hapticd.pid)")
    await until(lambda: RESTING in last_writes(lab, EDGE, start, 99), 20, "the edge is stopped")
    await asyncio.wait_for(lab.session.reading, 20)
    await until(lambda: lab.says("[ -e /run/hapticd.exit ]"), 20, "hapticd has ended")
    status = (await lab.guest.run("cat /run/hapticd.exit")).strip()
    if status != "0":
        raise Failed(f"it ended with status {status}")
    await lab.radio.happens("edge", "disconnected", start, 20)


CHECKS = [killed, asked_to_end]
