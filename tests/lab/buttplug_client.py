"""A Buttplug client, protocol version 4: one session, and what disturbs it."""

import asyncio
import json
from pathlib import Path

import jsonschema
import websockets

from polling import Failed, until

SCHEMA = Path(__file__).parents[2] / "schema/messages-v4.json"


class Session:
    """Connected until `close`. Everything the server says is held against the schema, and kept."""

    def __init__(self):
        schema = json.loads(SCHEMA.read_text())
        schema.pop("oneOf")
        schema["$ref"] = "#/$defs/fromServer"
        self.schema = jsonschema.Draft202012Validator(schema)
        self.devices, self.lists, self.replies, self.troubles = {}, [], {}, []
        self.next_id, self.closing = 1, False

    async def open(self, port):
        # Its own pings are off: what the server does about its clients is seen without them.
        self.socket = await websockets.connect(f"ws://127.0.0.1:{port}", ping_interval=None, open_timeout=20)
        self.reading = asyncio.ensure_future(self.read())
        hello = {"ClientName": "lab", "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0}
        await self.ask("RequestServerInfo", hello, "ServerInfo")
        self.devices = (await self.ask("RequestDeviceList", {}, "DeviceList"))["Devices"]

    async def read(self):
        try:
            async for frame in self.socket:
                messages = json.loads(frame)
                for error in self.schema.iter_errors(messages):
                    self.troubles.append(f"{frame} is not as the schema says: {error.message}")
                for message in messages:
                    (name, body), = message.items()
                    self.take(name, body)
        except websockets.ConnectionClosed:
            pass
        if not self.closing:
            self.troubles.append(f"the session was closed: {self.socket.close_code} {self.socket.close_reason}")

    def take(self, name, body):
        if name == "DeviceList":
            self.devices = body["Devices"]
            self.lists.append({index: device["DeviceName"] for index, device in self.devices.items()})
        if body["Id"] in self.replies:
            self.replies.pop(body["Id"]).set_result((name, body))
        elif name == "Error":
            self.troubles.append(f"an error out of turn: {body}")

    async def ask(self, name, body, answer, seconds=15):
        """Sends a message, whose reply must be an `answer`; returns what it says."""
        return (await self.ask_all([(name, body)], answer, seconds))[0]

    async def ask_all(self, messages, answer, seconds=15):
        """Sends messages in one frame, whose replies must all be an `answer`; returns what they say."""
        self.undisturbed()
        frame, replies = [], []
        for name, body in messages:
            id, self.next_id = self.next_id, self.next_id + 1
            self.replies[id] = asyncio.get_running_loop().create_future()
            replies.append(self.replies[id])
            frame.append({name: {"Id": id, **body}})
        await self.socket.send(json.dumps(frame))
        try:
            said = await asyncio.wait_for(asyncio.gather(*replies), seconds)
        except TimeoutError:
            raise Failed(f"{frame} is not answered within {seconds} s; {self.troubles}") from None
        for kind, body in said:
            if kind != answer:
                raise Failed(f"{frame} is answered with {kind} {body}")
        return [body for _, body in said]

    async def outputs(self, device, commands):
        """Sets features, all at once."""
        bodies = [{"DeviceIndex": device, "FeatureIndex": feature, "Command": command} for feature, command in commands]
        await self.ask_all([("OutputCmd", body) for body in bodies], "Ok")

    async def stop(self, device):
        await self.ask("StopCmd", {"DeviceIndex": device}, "Ok")

    async def battery(self, device, feature):
        question = {"DeviceIndex": device, "FeatureIndex": feature, "Type": "Battery", "Command": "Read"}
        return (await self.ask("InputCmd", question, "InputReading"))["Reading"]["Battery"]["Value"]

    def index(self, name):
        """The index of the device with this name, or None."""
        found = [int(index) for index, device in self.devices.items() if device["DeviceName"] == name]
        if len(found) > 1:
            raise Failed(f"{name} is there {len(found)} times: {found}")
        return found[0] if found else None

    async def appears(self, name, seconds=60):
        """Waits for a device; returns its index."""
        await until(lambda: self.undisturbed() or self.index(name) is not None, seconds, f"{name} appears")
        return self.index(name)

    async def vanishes(self, name, seconds=60):
        await until(lambda: self.undisturbed() or self.index(name) is None, seconds, f"{name} vanishes")

    def undisturbed(self):
        if self.troubles:
            raise Failed("; ".join(self.troubles))

    async def close(self):
        self.closing = True
        await self.socket.close()
        self.reading.cancel()
