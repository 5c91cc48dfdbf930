"""A small pipeline with every kind of table, a data plane in memory, and a client of gRPC alone."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import grpc
import pytest
from finsy.proto import U128, p4i, p4r, p4r_grpc, rpc_status
from google.protobuf import text_format

from p4xdp.columns import of_values
from p4xdp.dataplane import CounterValue, DataplaneError, RefusedError, TableFullError
from p4xdp.runtime import serve

P4INFO = Path(__file__).with_name("small.p4info.txtpb")


class FakeDataplane:
    """Keeps what it is told; `capacity` per table, `broken` makes every write to a table fail."""

    def __init__(self):
        self.tables = {}
        self.defaults = {}
        self.counters = {}
        self.meters = {}
        self.direct_counters = {}
        self.direct_meters = {}
        self.capacity = {}
        self.broken = set()
        self.calls = []
        self.sent = []
        self.receiver = None
        self.constant = {}
        self.registers = {}
        self.clones = {}
        self.idle = {}  # by table, when all its entries were hit
        self.inserted_ns = {}
        self.ports = {1: "up", 2: "up", 192: "up"}

    def replace(self, *, keeps):
        if "replace" in self.broken:
            raise RefusedError("entries would be lost")
        if not keeps:
            self.tables.clear()
            self.defaults.clear()
            self.meters.clear()

    def held_entries(self, table):
        return [*self.constant.get(table, ()), *self._held(table).values()]

    def initial_default(self, table):
        return None

    def held_default(self, table):
        return self.defaults.get(table)

    def held_meters(self, meter):
        return {i: c for (name, i), c in self.meters.items() if name == meter and c is not None}

    def held_direct_meters(self, table):
        keys = {key: config for (name, key), config in self.direct_meters.items() if name == table}
        return [(e, keys[k]) for k, e in self._held(table).items() if keys.get(k) is not None]

    def _held(self, table):
        return self.tables.setdefault(table, {})

    @staticmethod
    def _key(entry):
        return (entry.matches, entry.priority)

    def _check(self, kind, table, entries):
        self.calls.append((kind, table, len(entries)))
        if table in self.broken:
            raise DataplaneError(f"{table} is out of order")

    def insert_entries(self, table, entries):
        self._check("insert", table, entries)
        held = self._held(table)
        if len(held) + len(entries) > self.capacity.get(table, 1 << 30):
            raise TableFullError(f"{table} is full")
        for entry in entries:
            assert self._key(entry) not in held
            self.inserted_ns[table, self._key(entry)] = time.monotonic_ns()
        held.update((self._key(entry), entry) for entry in entries)

    def modify_entries(self, table, entries):
        self._check("modify", table, entries)
        held = self._held(table)
        for entry in entries:
            assert self._key(entry) in held
        held.update((self._key(entry), entry) for entry in entries)

    def delete_entries(self, table, entries):
        self._check("delete", table, entries)
        for entry in entries:
            del self._held(table)[self._key(entry)]
            self.direct_counters.pop((table, self._key(entry)), None)
            self.direct_meters.pop((table, self._key(entry)), None)

    def set_default(self, table, action, arguments):
        self.defaults[table] = (action, arguments)

    def read_counter(self, counter, first, count):
        cells = self.counters.setdefault(counter, {})
        return [cells.get(i, CounterValue(0, 0)) for i in range(first, first + count)]

    def read_columns(self, counter, first, count):
        return of_values(self.read_counter(counter, first, count))

    def write_counter(self, counter, index, value):
        self.counters.setdefault(counter, {})[index] = value

    def read_direct_counter(self, table, entry):
        return self.direct_counters.get((table, self._key(entry)), CounterValue(0, 0))

    def write_direct_counter(self, table, entry, value):
        self.direct_counters[table, self._key(entry)] = value

    def idle_times(self, table, entries):
        began = [self.inserted_ns[table, self._key(entry)] for entry in entries]
        return [time.monotonic_ns() - self.idle.get(table, at) for at in began]

    def write_meter(self, meter, index, config):
        if meter in self.broken:
            raise DataplaneError(f"{meter} is out of order")
        self.meters[meter, index] = config

    def write_direct_meter(self, table, entry, config):
        if "direct meters" in self.broken:
            raise DataplaneError("the direct meters are out of order")
        self.direct_meters[table, self._key(entry)] = config

    def read_register(self, register, first, count):
        cells = self.registers.setdefault(register, {})
        zero = (0, 0) if register == "Ingress.quotas" else (0,)
        return [cells.get(i, zero) for i in range(first, first + count)]

    def write_register(self, register, index, value):
        self.registers.setdefault(register, {})[index] = value

    def reset_registers(self):
        self.registers.clear()

    def set_clone_session(self, session, clones):
        wanted = () if clones is None else clones.replicas
        if any(replica.port not in (1, 2, 192) for replica in wanted):
            raise RefusedError("there are ports 1, 2 and 192")
        self.clones.pop(session, None)
        if clones is not None:
            self.clones[session] = clones

    def send(self, frame):
        if "send" in self.broken:
            raise DataplaneError("cannot send")
        self.sent.append(frame)

    def on_packet_in(self, receiver):
        self.receiver = receiver

    def on_digest(self, receiver):
        self.digest_receiver = receiver

    def port_names(self):
        return {number: f"n{number}" for number in self.ports if number < 192}

    def port_states(self):
        return dict(self.ports)

    def on_ports(self, receiver):
        self.port_receiver = receiver

    def close(self):
        pass


class Client:
    """One controller: a channel, a stream and the ids to sign with."""

    def __init__(self, address, election_id=1, device_id=1, role=""):
        options = [("grpc.max_metadata_size", 1 << 20), ("grpc.use_local_subchannel_pool", 1)]
        self.channel = grpc.aio.insecure_channel(address, options=options)
        self.stub = p4r_grpc.P4RuntimeStub(self.channel)
        self.stream = self.stub.StreamChannel()
        self.election_id, self.device_id, self.role = election_id, device_id, role

    async def bid(self, election_id="same", device_id=None, role=None):
        if election_id != "same":
            self.election_id = election_id
        message = p4r.StreamMessageRequest()
        message.arbitration.device_id = self.device_id if device_id is None else device_id
        if role if role is not None else self.role:
            message.arbitration.role.name = self.role if role is None else role
        if self.election_id is not None:
            message.arbitration.election_id.CopyFrom(U128.encode(self.election_id))
        await self.stream.write(message)

    async def receive(self):
        return await asyncio.wait_for(self.stream.read(), 5)

    async def notice(self):
        update = (await self.receive()).arbitration
        highest = U128.decode(update.election_id) if update.HasField("election_id") else None
        return update.status.code, highest

    async def become_primary(self):
        await self.bid()
        assert (await self.notice())[0] == 0
        return self

    async def stream_code(self):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.receive()
        return caught.value.code()

    async def write(self, *updates, atomicity=0, **changes):
        request = p4r.WriteRequest(device_id=self.device_id, role=self.role, atomicity=atomicity)
        if self.election_id is not None:
            request.election_id.CopyFrom(U128.encode(self.election_id))
        for kind, entity in updates:
            field = re.sub(r"\B(?=[A-Z])", "_", entity.DESCRIPTOR.name).lower()
            request.updates.add(type=kind, entity=p4r.Entity(**{field: entity}))
        for name, value in changes.items():
            setattr(request, name, value)
        return await self.stub.Write(request)

    async def codes(self, *updates, **options):
        """Codes of a write that fails, one per update."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.write(*updates, **options)
        return [code for code, _ in details(caught.value)]

    async def read(self, **entity):
        request = p4r.ReadRequest(device_id=self.device_id)
        request.entities.add(**entity)
        return [e async for r in self.stub.Read(request) for e in r.entities]

    async def entries(self, **fields):
        found = await self.read(table_entry=p4r.TableEntry(**fields))
        return [e.table_entry for e in found]

    async def close(self):
        self.stream.cancel()
        await self.channel.close()


def details(error):
    """(code, message) of every p4.v1.Error that comes with an UNKNOWN status."""
    assert error.code() is grpc.StatusCode.UNKNOWN
    status = rpc_status.Status()
    status.ParseFromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    result = []
    for detail in status.details:
        p4_error = p4r.Error()
        assert detail.Unpack(p4_error)
        result.append((p4_error.canonical_code, p4_error.message))
    return result


def parse(text, message_type=p4r.TableEntry):
    return text_format.Parse(text, message_type())


@pytest.fixture
def client_type():
    return Client


@pytest.fixture
def table_entry():
    return parse


@pytest.fixture
def error_details():
    return details


@pytest.fixture
def p4info():
    return parse(P4INFO.read_text(), p4i.P4Info)


@pytest.fixture
def p4info_with_profiles(p4info):
    info = p4i.P4Info()
    info.CopyFrom(p4info)
    info.MergeFrom(parse(P4INFO.with_name("profiles.p4info.txtpb").read_text(), p4i.P4Info))
    return info


@pytest.fixture
def dataplane():
    return FakeDataplane()


@pytest.fixture
async def server(dataplane, p4info):
    running = await serve(dataplane, p4info, listen="127.0.0.1:0", device_config=b"manifest")
    yield running
    await running.stop(0)


@pytest.fixture
async def new_client(server):
    clients = []

    def make(election_id=1, **options):
        clients.append(Client(server.address, election_id, **options))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
async def client(new_client):
    return await new_client().become_primary()
