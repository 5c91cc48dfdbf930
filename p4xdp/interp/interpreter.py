"""The switch around the program: a packet's way through both gresses, and the door for control.

A packet goes through ingress parser, control and deparser; the bytes that come out, through the
egress's, unless ingress set `bypass_egress`. Bit 0 of `drop_ctl` drops it, in either gress. Copies
go through egress when the packet has left.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4xdp.columns import of_values
from p4xdp.dataplane import (
    CounterValue,
    PacketResult,
    RefusedError,
    Replica,
    require_cells,
)
from p4xdp.interp.machine import Machine
from p4xdp.interp.parser import PARSER_ERROR_OK, parse
from p4xdp.interp.statements import ExitControl, execute
from p4xdp.interp.store import Store
from p4xdp.profiles import lowered
from p4xdp.walk import mirrors

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from p4xdp import ir
    from p4xdp.columns import Numbers
    from p4xdp.dataplane import CloneSession, Entry, MeterConfig
    from p4xdp.interp.observer import Observer
    from p4xdp.metering import CellState

_DROPPED = PacketResult("drop", None, b"")
_NO_COPY = 0b100  # of egress's drop_ctl
_DROP_REASONS = ("recirculated_twice", "no_clone_session", "mirrored_twice")


@dataclass(frozen=True, slots=True)
class _Copy:
    """A copy on its way to a clone session: `header`, as mirrored, in front of `frame`."""

    session: int
    header: bytes
    frame: bytes


class Interpreter:
    """A data plane (`p4xdp.dataplane.ServedDataplane`) that interprets `program`.

    `cpu_port` is the controller's, `host_port` stands for the host's own network stack. Packets
    enter by `run`, which only answers, or by `receive`, which delivers as well: packet-ins to the
    receiver of `on_packet_in`, other frames to `transmit(port, frame)`. `clock` gives nanoseconds.
    `observer` is told what packets undergo. A packet sent to one of `recirculation_ports` goes
    through the program once more, as received on that port; sent to one again, it is dropped and
    counted in `switch_drops`.
    """

    def __init__(  # noqa: PLR0913  # all but the first are settings with a default
        self,
        program: ir.Program,
        *,
        cpu_port: int = 192,
        host_port: int = 193,
        ports: Mapping[int, str] | None = None,
        transmit: Callable[[int, bytes], None] = lambda _port, _frame: None,
        clock: Callable[[], int] = time.monotonic_ns,
        observer: Observer | None = None,
        recirculation_ports: Collection[int] = (),
    ) -> None:
        self._program = program = lowered(program)
        self._cpu_port = cpu_port
        self._host_port = host_port
        self._ports = dict(ports or {})
        self._transmit = transmit
        self._clock = clock
        self._observer = observer
        self._recirculation_ports = frozenset(recirculation_ports)
        self._drops = dict.fromkeys(_DROP_REASONS, 0)
        self._clone_sessions: dict[int, CloneSession] = {}
        self._digests: list[tuple[str, tuple[int, ...]]] = []  # of the packet at hand
        self._digest_receiver: Callable[[str, tuple[int, ...]], None] = lambda _name, _values: None
        self._receiver: Callable[[bytes], None] = lambda _frame: None
        self._store = Store(program)

    def run(self, port: int, frame: bytes, now_ns: int) -> PacketResult:
        """Return what becomes of `frame` received on `port` (packet_out first on the CPU port)."""
        made: list[_Copy] = []
        self._digests = []
        result = self._pass_through(port, frame, now_ns, made)
        result = self._recirculated(result, now_ns, made)
        copies = [one for copy in made for one in self._replicated(copy, now_ns)]
        return dataclasses.replace(result, copies=tuple(copies), digests=tuple(self._digests))

    def _recirculated(self, result: PacketResult, now_ns: int, made: list[_Copy]) -> PacketResult:
        """Return what becomes of a packet that has left, if it left to come back."""
        if result.port is None or result.port not in self._recirculation_ports:
            return result
        result = self._pass_through(result.port, result.frame, now_ns, made)
        if result.port not in self._recirculation_ports:
            return result
        self._drops["recirculated_twice"] += 1
        return _DROPPED

    def _replicated(self, copy: _Copy, now_ns: int) -> Iterator[PacketResult]:
        """Yield what becomes of every replica of a copy. None of them is copied again."""
        clones = self._clone_sessions.get(copy.session)
        if clones is None:
            self._drops["no_clone_session"] += 1
            return
        frame = copy.header + copy.frame[: clones.most_octets or None]
        for replica in clones.replicas:
            made: list[_Copy] = []
            result = self._pass_egress(replica, frame, now_ns, made)
            yield self._recirculated(result, now_ns, made)
            self._drops["mirrored_twice"] += len(made)

    def switch_drops(self) -> dict[str, int]:
        """Return how many packets the switch itself dropped, by reason."""
        return dict(self._drops)

    def _pass_through(
        self, port: int, frame: bytes, now_ns: int, made: list[_Copy]
    ) -> PacketResult:
        device = {"ingress_port": port, "ingress_mac_tstamp": now_ns}
        ingress = Machine(
            self._program.ingress, self._store, frame, now_ns, device, observer=self._observer
        )
        between = _run_gress(ingress, drops_on_parser_error=not ingress.gress.reads_parser_error)
        made += [_Copy(session, header, frame) for session, header in ingress.mirrored]
        self._digests += ingress.digests
        if between is None:
            return _DROPPED
        egress_port = ingress.role("ucast_egress_port")
        if ingress.role("bypass_egress"):
            return self._leave(egress_port, between)
        return self._pass_egress(Replica(egress_port), between, now_ns, made)

    def _pass_egress(
        self, to: Replica, between: bytes, now_ns: int, made: list[_Copy]
    ) -> PacketResult:
        device = {
            "egress_port": to.port,
            "egress_rid": to.instance,
            "pkt_length": len(between),
        }
        egress = Machine(
            self._program.egress, self._store, between, now_ns, device, observer=self._observer
        )
        # Tofino's egress parser hands on what it could not parse to the end.
        leaving = _run_gress(egress, drops_on_parser_error=False)
        if egress.mirrored and not egress.role("drop_ctl") & _NO_COPY:
            frame = egress.deparsed()
            made += [_Copy(session, header, frame) for session, header in egress.mirrored]
        return _DROPPED if leaving is None else self._leave(to.port, leaving)

    def _leave(self, port: int, frame: bytes) -> PacketResult:
        if port == self._cpu_port:
            return PacketResult("controller", port, frame)
        return PacketResult("host" if port == self._host_port else "forward", port, frame)

    def receive(self, port: int, frame: bytes) -> PacketResult:
        """Run `frame` now and deliver what comes of it."""
        result = self.run(port, frame, self._clock())
        for one in (result, *result.copies):
            if one.verdict == "controller":
                self._receiver(one.frame)
            elif one.port is not None:
                self._transmit(one.port, one.frame)
        for digest in result.digests:
            self._digest_receiver(*digest)
        return result

    def insert_entries(self, table: str, entries: Sequence[Entry]) -> None:
        self._store.table(table).insert(entries)

    def modify_entries(self, table: str, entries: Sequence[Entry]) -> None:
        self._store.table(table).modify(entries)

    def delete_entries(self, table: str, entries: Sequence[Entry]) -> None:
        self._store.table(table).delete(entries)

    def set_default(self, table: str, action: str, arguments: tuple[int, ...]) -> None:
        store = self._store.table(table)
        store.default_action, store.default_arguments = action, arguments

    def constant_entries(self) -> Mapping[str, Sequence[Entry]]:
        gresses = (self._program.ingress, self._program.egress)
        tables = [table for gress in gresses for table in gress.tables.values()]
        return {table.name: table.entries for table in tables if table.entries is not None}

    def held_entries(self, table: str) -> Sequence[Entry]:
        return list(self._store.table(table).entries.values())

    def initial_default(self, table: str) -> tuple[str, tuple[int, ...]]:
        declared = self._store.table(table).table
        return declared.default_action, declared.default_arguments

    def held_default(self, table: str) -> tuple[str, tuple[int, ...]]:
        store = self._store.table(table)
        return store.default_action, store.default_arguments

    def held_meters(self, meter: str) -> Mapping[int, MeterConfig]:
        return self._store.configured(meter)

    def held_direct_meters(self, table: str) -> Sequence[tuple[Entry, MeterConfig]]:
        store = self._store.table(table)
        return [(store.entries[key], cell.config) for key, cell in store.meters.items()]

    def read_counter(self, counter: str, first: int, count: int) -> list[CounterValue]:
        cells = range(first, first + count)
        return [self._store.counter_cell(counter, index).value() for index in cells]

    def read_columns(self, counter: str, first: int, count: int) -> tuple[Numbers, Numbers]:
        return of_values(self.read_counter(counter, first, count))

    def write_counter(self, counter: str, index: int, value: CounterValue) -> None:
        cell = self._store.counter_cell(counter, index)
        cell.packets, cell.octets = value.packets, value.octets

    def read_direct_counter(self, table: str, entry: Entry) -> CounterValue:
        return self._store.table(table).counter(entry).value()

    def write_direct_counter(self, table: str, entry: Entry, value: CounterValue) -> None:
        cell = self._store.table(table).counter(entry)
        cell.packets, cell.octets = value.packets, value.octets

    def idle_times(self, table: str, entries: Sequence[Entry]) -> list[int]:
        now_ns, store = self._clock(), self._store.table(table)
        return [store.idle_time(entry, now_ns) for entry in entries]

    def write_meter(self, meter: str, index: int, config: MeterConfig | None) -> None:
        self._store.set_meter(meter, index, config)

    def write_direct_meter(self, table: str, entry: Entry, config: MeterConfig | None) -> None:
        self._store.set_direct_meter(table, entry, config)

    def meter_state(self, meter: str, index: int) -> CellState | None:
        """Return how full the buckets of a cell are, or None if it is not configured."""
        cell = self._store.meter(meter, index, None)
        return None if cell is None else cell.state

    def read_register(self, register: str, first: int, count: int) -> list[tuple[int, ...]]:
        cells = self._store.register(register)
        require_cells(register, first, count, len(cells))
        return cells[first : first + count]

    def write_register(self, register: str, index: int, value: tuple[int, ...]) -> None:
        cells = self._store.register(register)
        require_cells(register, index, 1, len(cells))
        cells[index] = value

    def reset_registers(self) -> None:
        self._store.reset_registers()

    def set_clone_session(self, session: int, clones: CloneSession | None) -> None:
        if not any(map(mirrors, (self._program.ingress, self._program.egress))):
            raise RefusedError("the program mirrors nothing: it has no clone sessions")
        self._clone_sessions.pop(session, None)
        if clones is not None:
            self._clone_sessions[session] = clones

    def send(self, frame: bytes) -> None:
        self.receive(self._cpu_port, frame)

    def on_packet_in(self, receiver: Callable[[bytes], None]) -> None:
        self._receiver = receiver

    def on_digest(self, receiver: Callable[[str, tuple[int, ...]], None]) -> None:
        self._digest_receiver = receiver

    def port_names(self) -> dict[int, str]:
        return dict(self._ports)

    def port_states(self) -> dict[int, str]:
        """Return that all ports are up: there is nothing that could be down."""
        return dict.fromkeys(self._ports, "up")

    def on_ports(self, receiver: Callable[[], None]) -> None:
        """Do nothing: no port ever changes."""

    def close(self) -> None:
        """Nothing is held."""


def _run_gress(machine: Machine, *, drops_on_parser_error: bool) -> bytes | None:
    """Return the packet as it leaves the deparser, or None if it is dropped."""
    if machine.observer is not None:
        machine.observer.begins(machine)
    machine.set_role("global_tstamp", machine.now_ns)
    error = parse(machine)
    machine.set_role("parser_err", error)
    if machine.observer is not None:
        machine.observer.parsed(machine, error)
    is_refused = error != PARSER_ERROR_OK and drops_on_parser_error
    leaving = None if is_refused else _after_parser(machine)
    if machine.observer is not None:
        machine.observer.ends(machine, leaving)
    return leaving


def _after_parser(machine: Machine) -> bytes | None:
    with contextlib.suppress(ExitControl):
        execute(machine.gress.control, machine)
    is_dropped = bool(machine.role("drop_ctl") & 1)
    if is_dropped and not machine.role("mirror_type") and not machine.role("digest_type"):
        return None
    execute(machine.gress.deparser, machine)
    return None if is_dropped else machine.deparsed()
