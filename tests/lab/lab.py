"""Runs the checks, see `run`: lab.py CACHE FOLDER [--times N] [--keep] [--only WORD]."""

import argparse
import asyncio
import re
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

import checks_bluetooth
import checks_shutdown
import checks_hid
import checks_serial
import toys
from guest import Guest
from radio import Radio
from buttplug_client import Session
from polling import Failed, until

CHECKS = checks_serial.CHECKS + checks_bluetooth.CHECKS + checks_hid.CHECKS + checks_shutdown.CHECKS


class Lab:
    """What a check works with."""

    def __init__(self, cache, image, folder):
        self.folder = Path(folder)
        self.radio = Radio(folder, [toy.spec() for toy in toys.ALL])
        self.guest = Guest(cache, image, folder)
        self.session = Session()

    async def start(self):
        await self.radio.ready()
        await self.guest.start()
        await until(lambda: self.says("powered"), 60, "bluetoothd powers the adapter")
        await self.guest.run("start_hapticd")
        await until(self.listens, 60, "hapticd listens")
        await self.session.open(self.guest.server_port)

    async def listens(self):
        if await self.says("[ -e /run/hapticd.exit ]"):
            raise Failed("hapticd has ended")
        return await self.says("nc -w 1 127.0.0.1 12345 </dev/null")

    async def says(self, script):
        """Whether a command in the guest ends with 0."""
        return (await self.guest.attempt(script))[0] == 0

    def stop(self):
        self.guest.stop()
        self.radio.stop()


async def timed(what, work):
    """Runs one part, and prints a line about it; whether it went well."""
    start = time.monotonic()
    try:
        note, good = await work or "", True
    except Exception as error:
        # Whatever it is, the other checks are still worth a look.
        note, good = f"{type(error).__name__}: {error}", False
        if not isinstance(error, Failed):
            note += "\n" + traceback.format_exc()
    print(f"{'ok  ' if good else 'FAIL'} {time.monotonic() - start:6.1f} s  {what}{': ' + note if note else ''}", flush=True)
    return good


async def undisturbed(check, lab):
    """A check is good if it also left the session alone."""
    note = await check(lab)
    lab.session.undisturbed()
    return note


def show_logs(folder):
    for name in ("qemu", "radio", "services", "console", "server"):
        path = folder / f"{name}.log"
        if path.exists():
            # The guest takes these files for terminals.
            lines = re.sub(r"\r|\x1b\[[0-9;?]*[A-Za-z]|\x1bc", "", path.read_text(errors="replace")).splitlines()
            print(f"--- {name}.log, the last of {len(lines)} lines")
            print("\n".join(lines[-120 if name == "server" else -25 :]))
    events = (folder / "events.jsonl").read_text().splitlines()
    print(f"--- events.jsonl, the last of {len(events)} lines")
    print("\n".join(events[-60:]))


async def once(given, folder):
    """Runs every check in a guest of its own; whether all held."""
    folder.mkdir()
    lab, good = Lab(given.cache, given.folder / "guest.cpio", folder), True
    try:
        good = await timed("the guest boots, hapticd listens, a client opens its session", lab.start())
        for check in CHECKS if good else []:
            if given.only in check.__doc__ and not (given.skip and given.skip in check.__doc__):
                good &= await timed(check.__doc__.rstrip("."), undisturbed(check, lab))
    finally:
        lab.stop()
        if not good:
            show_logs(folder)
    return good


async def main():
    arguments = argparse.ArgumentParser(prog="run", description="Checks hapticd in a guest with real drivers.")
    arguments.add_argument("cache", type=Path, help=argparse.SUPPRESS)
    arguments.add_argument("folder", type=Path, help=argparse.SUPPRESS)
    arguments.add_argument("--times", type=int, default=1, help="how often, each in a guest of its own")
    arguments.add_argument("--keep", action="store_true", help="keep the logs of good runs, too")
    arguments.add_argument("--only", default="", help="only checks whose line contains this")
    arguments.add_argument("--skip", default="", help="not those whose line contains this")
    given = arguments.parse_args()
    # Ended from outside, it still ends what it started.
    me = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    good, kept = 0, given.keep
    try:
        for time_number in range(1, given.times + 1):
            start = time.monotonic()
            held = await once(given, given.folder / str(time_number))
            good += held
            result = "all held" if held else "NOT all held"
            print(f"{result}, time {time_number} of {given.times}, {time.monotonic() - start:.0f} s", flush=True)
        kept |= good < given.times
    finally:
        if kept:
            print(f"logs: {given.folder}")
        else:
            shutil.rmtree(given.folder)
    return 0 if good == given.times else 1


try:
    sys.exit(asyncio.run(main()))
except (asyncio.CancelledError, KeyboardInterrupt):
    sys.exit("lab ended from outside")
