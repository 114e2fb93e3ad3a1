"""A radio and the toys around it: peripheral.py HCI-SOCKET TOYS.json EVENTS.jsonl

Bumble plays both ends of the air: a controller that speaks HCI with the guest through a Unix socket, and one controller
for each toy. What happens to the toys is written to EVENTS, a JSON object a line; commands come on stdin, likewise.
A toy does as TOYS says: its services, what it advertises, and what it answers to which write.
"""

import asyncio
import json
import sys
import time
from contextvars import ContextVar

import bumble.logging
from bumble import hci
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData, PhysicalTransport
from bumble.device import Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address, LeFeatureMask
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport import open_transport
from bumble.transport.common import AsyncPipeSink

PROPERTIES = {
    "write": Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
    "notify": Characteristic.Properties.NOTIFY,
    "read": Characteristic.Properties.READ,
}
CONFIRMED = ContextVar("confirmed")
LINK_LOSS = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR


class Air(LocalLink):
    """Bumble 0.0.236 sends LE data as from the sender's random address; BlueZ connects with its public one. So the
    address is used with which the connection was made."""

    def send_acl_data(self, sender_controller, destination_address, transport, data):
        connection = sender_controller.le_connections.get(destination_address)
        if transport != PhysicalTransport.LE or connection is None:
            return super().send_acl_data(sender_controller, destination_address, transport, data)
        receiver = self.find_le_controller(destination_address)
        if receiver is not None:
            loop = asyncio.get_running_loop()
            loop.call_soon(receiver.on_link_acl_data, connection.self_address, transport, data)


class Radio(Controller):
    """The guest's adapter, with what Bumble's controller leaves out and Linux relies on."""

    def __init__(self, transport, air, log):
        self.log = log
        super().__init__(
            "radio", host_source=transport.source, host_sink=transport.sink, link=air, public_address="C0:11:EC:7A:B0:01"
        )
        # With these Linux waits for the *enhanced* Connection Complete, which Bumble does not send: it would cancel
        # after 4 s and leave the link in limbo.
        self.le_features &= ~(LeFeatureMask.LL_PRIVACY | LeFeatureMask.LE_EXTENDED_ADVERTISING)

    def on_hci_le_set_scan_enable_command(self, command):
        self.log({"event": "listens" if command.le_scan_enable else "listens no more"})
        return super().on_hci_le_set_scan_enable_command(command)

    def on_hci_reset_command(self, command):
        """An adapter that is switched off and on has lost its links: Bumble's keeps them."""
        for connection in list(self.le_connections.values()):
            lose(self, connection)
        self.pending_le_connection = None
        self.le_scan_enable = False
        return super().on_hci_reset_command(command)

    def on_hci_le_create_connection_cancel_command(self, command):
        """Bumble's says yes and goes on connecting."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        cancelled = hci.HCI_LE_Connection_Complete_Event(
            status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR, connection_handle=0, role=hci.Role.CENTRAL,
            peer_address_type=pending.peer_address_type, peer_address=pending.peer_address, connection_interval=0,
            peripheral_latency=0, supervision_timeout=0, central_clock_accuracy=0,
        )
        asyncio.get_running_loop().call_soon(self.send_hci_packet, cancelled)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)


def lose(radio, connection):
    """Both ends find after a while that the other is gone, and neither has said goodbye."""
    for controller in radio.link.controllers - {radio}:
        other = controller.le_connections.get(connection.self_address)
        if other is not None and other.self_address == connection.peer_address:
            controller.on_le_disconnected(other, LINK_LOSS)
    radio.on_le_disconnected(connection, LINK_LOSS)


class Toy:
    """One peripheral."""

    def __init__(self, spec, air, log):
        self.spec, self.log = spec, log
        self.wanted, self.connection = True, None
        self.controller = Controller(spec["name"], link=air, public_address=spec["address"])
        address = Address(spec["address"])
        self.device = Device(name=spec["advertised"], address=address, host=Host(self.controller, AsyncPipeSink(self.controller)))
        self.endpoints = {}
        services = []
        for uuid, characteristics in spec["services"].items():
            made = []
            for characteristic in characteristics:
                endpoint = self.endpoint(characteristic)
                self.endpoints[characteristic["endpoint"]] = endpoint
                made.append(endpoint)
            services.append(Service(UUID(uuid), made))
        self.device.add_services(services)
        self.device.on("connection", self.on_connection)
        for kind, confirmed in (("on_att_write_request", True), ("on_att_write_command", False)):
            self.note_kind(kind, confirmed)

    def note_kind(self, kind, confirmed):
        """Whether a write asks to be confirmed is lost before a characteristic hears of it."""
        inner = getattr(self.device.gatt_server, kind)

        def outer(bearer, request):
            # Bumble handles each write in a task of its own, which takes this along.
            CONFIRMED.set(confirmed)
            return inner(bearer, request)

        setattr(self.device.gatt_server, kind, outer)

    def endpoint(self, spec):
        name = spec["endpoint"]
        properties = Characteristic.Properties(0)
        for kind in spec["kinds"]:
            properties |= PROPERTIES[kind]

        def on_write(connection, value):
            self.event("write", endpoint=name, data=bytes(value).hex(), confirmed=CONFIRMED.get())
            for endpoint, answer in self.spec["answers"].get(f"{name} {bytes(value).hex()}", []):
                characteristic = self.endpoints[endpoint]
                asyncio.ensure_future(self.device.notify_subscribers(characteristic, bytes.fromhex(answer)))

        def on_read(connection):
            self.event("read", endpoint=name)
            return bytes.fromhex(self.spec["values"].get(name, ""))

        made = Characteristic(
            UUID(spec["uuid"]), properties, Characteristic.READABLE | Characteristic.WRITEABLE,
            CharacteristicValue(read=on_read, write=on_write),
        )
        made.on("subscription", lambda connection, on, _: self.event("subscribed" if on else "unsubscribed", endpoint=name))
        return made

    def event(self, event, **more):
        self.log({"toy": self.spec["name"], "event": event, **more})

    def on_connection(self, connection):
        self.connection = connection
        self.event("connected", peer=str(connection.peer_address))
        connection.on("disconnection", self.on_disconnection)

    def on_disconnection(self, reason):
        self.connection = None
        self.event("disconnected", reason=reason)
        if self.wanted:
            asyncio.ensure_future(self.advertise())

    async def advertise(self):
        self.wanted = True
        if self.connection is None and not self.device.is_advertising:
            head = [(AdvertisingData.FLAGS, bytes([6])), (AdvertisingData.COMPLETE_LOCAL_NAME, self.spec["advertised"].encode())]
            if "manufacturer" in self.spec:
                company, data = self.spec["manufacturer"]
                head.append((AdvertisingData.MANUFACTURER_SPECIFIC_DATA, company.to_bytes(2, "little") + bytes.fromhex(data)))
            uuids = b"".join(bytes(UUID(uuid)) for uuid in self.spec["services"] if len(uuid) > 4)
            more = [(AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, uuids)] if uuids else []
            await self.device.start_advertising(
                advertising_data=bytes(AdvertisingData(head)), scan_response_data=bytes(AdvertisingData(more)),
                advertising_interval_min=100, advertising_interval_max=100,
            )
            self.event("advertising")

    async def silence(self):
        self.wanted = False
        if self.device.is_advertising:
            await self.device.stop_advertising()
        self.event("silent")


async def obey(command, toys, radio):
    toy = toys[command["toy"]]
    match command["do"]:
        case "advertise":
            await toy.advertise()
        case "silence":
            await toy.silence()
        case "goodbye":
            if toy.connection is not None:
                await toy.connection.disconnect()
        case "lose":
            for connection in list(radio.le_connections.values()):
                if connection.peer_address == Address(toy.spec["address"]):
                    lose(radio, connection)
        case "notify":
            await toy.device.notify_subscribers(toy.endpoints[command["endpoint"]], bytes.fromhex(command["data"]))
        case unknown:
            raise ValueError(f"no such command: {unknown}")


async def main(socket, specs, events):
    bumble.logging.setup_basic_logging("WARNING")
    out = open(events, "a", buffering=1)

    def log(event):
        print(json.dumps({"at": round(time.time(), 3), **event}), file=out)

    air = Air()
    transport = await open_transport(f"unix-server:{socket}")
    radio = Radio(transport, air, log)
    with open(specs) as file:
        toys = {spec["name"]: Toy(spec, air, log) for spec in json.load(file)}
    for toy in toys.values():
        await toy.device.power_on()
        await toy.advertise()
    log({"event": "ready"})
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        await obey(json.loads(line), toys, radio)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
