"""A controller that writes at random, remembers every entry it got an answer for, and compares."""

import queue
import random
from typing import Any

import grpc
from finsy.proto import U128, p4r, p4r_grpc

_ELECTION_ID = 7
_MOST_UPDATES = 24
_TIMEOUT_S = 20.0
_METER_CELLS = 64


class Ledger:
    """`entries` are what the switch must hold, meter cells among them: key -> message."""

    def __init__(self, info: Any, seed: int) -> None:
        self._random = random.Random(seed)
        self._tables = {t.preamble.alias: t for t in info.tables}
        self._actions = {a.preamble.alias: a.preamble.id for a in info.actions}
        self._meter = info.meters[0].preamble.id
        self._counter = info.counters[0].preamble.id
        self.entries: dict[bytes, Any] = {}
        self._in_flight: list[tuple[bytes, Any, Any]] = []
        self.writes = 0

    def connect(self, address: str) -> None:
        """Become the primary of a switch that has just begun to serve."""
        self.channel = grpc.insecure_channel(
            address, options=[("grpc.use_local_subchannel_pool", 1)]
        )
        self.stub = p4r_grpc.P4RuntimeStub(self.channel)
        bid = p4r.StreamMessageRequest()
        bid.arbitration.device_id = 1
        bid.arbitration.election_id.CopyFrom(U128.encode(_ELECTION_ID))
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._requests.put(bid)
        self._stream = self.stub.StreamChannel(iter(self._requests.get, None))
        assert next(self._stream).arbitration.status.code == 0

    def wire(self, ports: dict[int, int]) -> None:
        """Forward from port to port."""
        updates = []
        for port, to in ports.items():
            entry = self._entry("wires", [port.to_bytes(2, "big")], ["exact"])
            entry.action.action.action_id = self._actions["send"]
            value = to.to_bytes(1, "big")
            entry.action.action.params.add(param_id=1, value=value)
            updates.append((p4r.Update.INSERT, entry))
        self._write(updates)

    def write_something(self) -> None:
        """Send one batch. What it changes is only sure when the answer is there."""
        updates = {}
        for _ in range(self._random.randrange(1, _MOST_UPDATES)):
            kind, entry = self._update()
            updates[_key(entry)] = (kind, entry)
        meter = self._random.randrange(_METER_CELLS), self._random.randrange(1, 1 << 40)
        self._write(list(updates.values()), meter)

    def hang_up(self) -> None:
        """Close the channel."""
        self._requests.put(None)
        self.channel.close()

    def settle(self) -> None:
        """After a lost answer: whatever was in flight must be as before it or as after it. Metadata
        may be that of the other moment: it is not in the map that tells whether the entry is there.
        """
        held = self._held()
        for key, before, after in self._in_flight:
            found = held.get(key)
            known = [_without_metadata(each) for each in (before, after)]
            assert _without_metadata(found) in known, f"neither old nor new: {found}"
            self._set(key, found)
        self._in_flight = []

    def compare(self) -> None:
        """Require the switch to hold exactly what was written. AssertionError says what differs."""
        held = self._held()
        missing = [e for k, e in self.entries.items() if k not in held]
        strange = [e for k, e in held.items() if k not in self.entries]
        changed = [(e, held[k]) for k, e in self.entries.items() if held.get(k, e) != e]
        assert not missing, f"written, but not there: {missing[:3]}"
        assert not strange, f"there, but never written: {strange[:3]}"
        assert not changed, f"written, and read back: {changed[:3]}"

    def received(self, port: int) -> tuple[int, int]:
        """Return packets and octets received on a port, and sent by its direct counter."""
        query = p4r.CounterEntry(counter_id=self._counter)
        query.index.index = port
        cell = self._read(counter_entry=query)[0].counter_entry.data
        table = p4r.TableEntry(table_id=self._tables["wires"].preamble.id)
        table.counter_data.SetInParent()
        sent = sum(
            e.table_entry.counter_data.packet_count
            for e in self._read(table_entry=table)
            if int.from_bytes(e.table_entry.match[0].exact.value, "big") == port
        )
        return cell.packet_count, sent

    # --- what is written ------------------------------------------------------------------------

    def _update(self) -> tuple[int, Any]:
        entry = self._some_entry()
        before = self.entries.get(_key(entry))
        if before is None:
            return p4r.Update.INSERT, entry
        return self._random.choice((p4r.Update.MODIFY, p4r.Update.DELETE)), entry

    def _some_entry(self) -> Any:
        draw = self._random
        address = draw.randrange(200).to_bytes(1, "big")
        table = draw.choice(["stations", "vendors", "filters", "rules"])
        if table == "stations":
            entry = self._entry(table, [address], ["exact"])
        elif table == "vendors":
            entry = self._entry(table, [], [])
            match = entry.match.add(field_id=1).lpm
            match.prefix_len = draw.randrange(1, 12)
            bits = draw.getrandbits(match.prefix_len) << (48 - match.prefix_len)
            match.value = _shortest(bits)
        else:
            entry = self._entry(table, [], [])
            entry.priority = draw.randrange(1, 3)
            if table == "rules":
                entry.match.add(field_id=1).exact.value = _shortest(draw.randrange(6))
            ternary = entry.match.add(field_id=2 if table == "rules" else 1).ternary
            mask = draw.choice((0x3F, 0x38, 0x07))  # so few keys that they fit the table
            ternary.mask, ternary.value = _shortest(mask), _shortest(draw.randrange(64) & mask)
        entry.action.action.action_id = self._actions["mark"]
        value = _shortest(draw.randrange(256))
        entry.action.action.params.add(param_id=1, value=value)
        if draw.random() < 0.3:
            entry.metadata = draw.randbytes(6)
        return entry

    def _entry(self, table: str, values: list[bytes], kinds: list[str]) -> Any:
        entry = p4r.TableEntry(table_id=self._tables[table].preamble.id)
        for number, (value, kind) in enumerate(zip(values, kinds, strict=True), start=1):
            getattr(entry.match.add(field_id=number), kind).value = value.lstrip(b"\0") or b"\0"
        return entry

    def _write(self, updates: list[tuple[int, Any]], meter: tuple[int, int] | None = None) -> None:
        request = p4r.WriteRequest(device_id=1)
        request.election_id.CopyFrom(U128.encode(_ELECTION_ID))
        for kind, entry in updates:
            request.updates.add(type=kind).entity.table_entry.CopyFrom(entry)
            key = _key(entry)
            after = None if kind == p4r.Update.DELETE else entry
            self._in_flight.append((key, self.entries.get(key), after))
        if meter is not None:
            index, rate = meter
            cell = p4r.MeterEntry(meter_id=self._meter)
            cell.index.index = index
            config = p4r.MeterConfig(cir=rate, cburst=rate // 3, pir=rate * 2, pburst=rate)
            cell.config.CopyFrom(config)
            request.updates.add(type=p4r.Update.MODIFY).entity.meter_entry.CopyFrom(cell)
            key = _meter_key(index)
            self._in_flight.append((key, self.entries.get(key), cell))
        self.stub.Write(request, timeout=_TIMEOUT_S)
        for key, _, after in self._in_flight:
            self._set(key, after)
        self._in_flight = []
        self.writes += 1

    def _set(self, key: bytes, entry: Any) -> None:
        if entry is None:
            self.entries.pop(key, None)
        else:
            self.entries[key] = entry

    # --- what is read ---------------------------------------------------------------------------

    def _held(self) -> dict[bytes, Any]:
        held = {}
        for entity in self._read(table_entry=p4r.TableEntry()):
            entry = entity.table_entry
            held[_key(entry)] = entry
        for entity in self._read(meter_entry=p4r.MeterEntry(meter_id=self._meter)):
            cell = entity.meter_entry
            if cell.HasField("config"):
                held[_meter_key(cell.index.index)] = cell
        return held

    def _read(self, **entity: Any) -> list[Any]:
        request = p4r.ReadRequest(device_id=1)
        request.entities.add(**entity)
        return [e for r in self.stub.Read(request, timeout=_TIMEOUT_S) for e in r.entities]


def _key(entry: Any) -> bytes:
    key = p4r.TableEntry(table_id=entry.table_id, priority=entry.priority, match=entry.match)
    octets: bytes = key.SerializeToString(deterministic=True)
    return octets


def _without_metadata(message: Any) -> Any:
    copy = None if message is None else type(message).FromString(message.SerializeToString())
    if isinstance(copy, p4r.TableEntry):
        copy.ClearField("metadata")
    return copy


def _meter_key(index: int) -> bytes:
    return f"meter {index}".encode()


def _shortest(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8 or 1, "big")
