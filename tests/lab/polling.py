"""Waiting for something, with an end; and what else everything here needs."""

import asyncio
import time


class Failed(Exception):
    """A check that does not hold; the text says what was seen instead."""


# What a process is started with that must not outlive this one, however it ends.
WITH_US = ["setpriv", "--pdeathsig", "KILL"]


async def until(look, seconds, what):
    """Calls `look` until it returns something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if asyncio.iscoroutine(seen):
            seen = await seen
        if seen:
            return seen
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds} s")
        await asyncio.sleep(0.05)
