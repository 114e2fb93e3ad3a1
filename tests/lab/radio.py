"""The radio and its toys, as a process of its own (peripheral.py)."""

import json
import subprocess
import sys
from pathlib import Path

from polling import WITH_US, Failed, until


class Radio:
    """Commands go to its stdin, events come in a file."""

    def __init__(self, folder, toys):
        self.folder = Path(folder)
        (self.folder / "toys.json").write_text(json.dumps(toys))
        self.log = self.folder / "events.jsonl"
        self.log.touch()
        self.process = subprocess.Popen(
            [*WITH_US, sys.executable, Path(__file__).with_name("peripheral.py"), self.folder / "radio.sock",
             self.folder / "toys.json", self.log],
            stdin=subprocess.PIPE, stdout=(self.folder / "radio.log").open("wb"), stderr=subprocess.STDOUT,
        )

    async def ready(self):
        await until(lambda: any(event["event"] == "ready" for event in self.events()), 30, "the radio starts")

    def events(self, toy=None, start=0):
        """What has happened, oldest first; `start` counts events of all toys."""
        if self.process.poll() is not None:
            raise Failed(f"the radio has ended: {(self.folder / 'radio.log').read_text()[-2000:]}")
        lines = self.log.read_text().splitlines()
        return [event for event in map(json.loads, lines[start:]) if toy is None or event.get("toy") == toy]

    def now(self):
        return len(self.events())

    async def happens(self, toy, event, start, seconds=60):
        """Waits for an event of a toy."""
        seen = lambda: [found for found in self.events(toy, start) if found["event"] == event]
        return (await until(seen, seconds, f"{toy}: {event}"))[0]

    def order(self, toy, do, **more):
        self.process.stdin.write(json.dumps({"toy": toy, "do": do, **more}).encode() + b"\n")
        self.process.stdin.flush()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
