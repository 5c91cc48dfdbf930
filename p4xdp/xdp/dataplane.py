"""The data plane on Linux: a built program in the kernel, its maps, its ports, and the controller's
packets in and out.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import TYPE_CHECKING, Self

from p4xdp.dataplane import DataplaneError, PacketResult, RefusedError
from p4xdp.xdp import succession
from p4xdp.xdp.copies import CLONE_SESSIONS, Copies, framed
from p4xdp.xdp.digests import Digests
from p4xdp.xdp.errors import LoadError
from p4xdp.xdp.home import Home
from p4xdp.xdp.ports import Mode, Ports, interface_indices
from p4xdp.xdp.programs import (
    CONTROLLER_PROGRAM,
    COPY_PROGRAM,
    PORTS,
    TEST_PROGRAM,
    WIRE_PROGRAM,
    Program,
    Settings,
    num_interfaces_for,
)
from p4xdp.xdp.ring import PacketIns
from p4xdp.xdp.running import inject_frame
from p4xdp.xdp.trials import SHORTEST_FRAME_OCTETS, Trials, switch_drops
from p4xdp.xdp.watch import LinkWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from p4xdp.columns import Numbers
    from p4xdp.dataplane import CloneSession, CounterValue, Entry, MeterConfig
    from p4xdp.metering import CellState
    from p4xdp.xdp.port import Port
    from p4xdp.xdp.programs import Running
    from p4xdp.xdp.tap import Tap

_SURELY_TAKEN_OCTETS = 2048  # of a packet-out; the kernel takes what fits a page beside its own

_logger = logging.getLogger(__name__)


class XdpDataplane:
    """A `p4xdp.dataplane.Dataplane` in the kernel."""

    def __init__(self, program: Program, running: Running, home: Home) -> None:
        self._home = home
        self._build_dir = program.source.parent
        self._settings = program.settings
        self._receiver: Callable[[bytes], None] | None = None
        self._digest_receiver: Callable[[str, tuple[int, ...]], None] | None = None
        self._port_receiver: Callable[[], None] | None = None
        self._use(running)
        links, numbers = (running.loaded.map(f"switch_{name}", 4, 4) for name in ("links", "ports"))
        self._ports = Ports(home, links, numbers, running.num_interfaces)

    def _use(self, running: Running) -> None:
        self._running = running
        self._contents = running.contents
        self._trials = Trials(running.loaded, self._settings)
        self._packet_ins = PacketIns(running.loaded.map("switch_ring", 0, 0).fd)
        has_copies = running.manifest.has_copies
        self._copies = Copies(running.loaded, self._settings.cpu_port) if has_copies else None
        digests = running.manifest.digests
        self._digests = Digests(running.loaded, digests) if digests else None
        if self._receiver is not None:
            self.on_packet_in(self._receiver)
        if self._digest_receiver is not None:
            self.on_digest(self._digest_receiver)

    def _let_go(self) -> None:
        """Give back all that `_use` took."""
        self._packet_ins.close()
        for ring in (self._copies, self._digests):
            if ring is not None:
                ring.close()
        self._trials.close()
        self._running.close()

    @classmethod
    def open(  # noqa: PLR0913  # all but the first two are settings with a default
        cls,
        build_dir: Path,
        ports: Mapping[int, str],
        *,
        cpu_port: int = 192,
        host_port: int = 193,
        sizes: Mapping[str, int] | None = None,
        mode: Mode = "auto",
        testing: bool = False,
        recirculation_ports: Collection[int] = (),
        home: Home | None = None,
    ) -> Self:
        """Load the program in `build_dir` and attach it to the interfaces of `ports`, if any.

        `sizes` changes how many entries tables, and cells counters and meters, have. `testing` lets
        `run` and `measure` work. What the program sends to one of `recirculation_ports` goes
        through it once more, as received there; sent to one again, it is dropped. What an earlier
        process left at `home` is taken over (`p4xdp.xdp.succession`). DataplaneError in one
        sentence if it cannot be.
        """
        home = home or Home.nowhere()
        _require_ports([*ports.items()], (cpu_port, host_port), recirculation_ports)
        settings = Settings(
            cpu_port=cpu_port,
            host_port=host_port,
            recirculation_ports=frozenset(recirculation_ports),
            sizes=tuple(sorted((sizes or {}).items())),
            testing=testing,
            has_ports=bool(ports) or home.pins is not None,
        )
        program = Program.read(build_dir, settings)
        indices = interface_indices(ports.values())
        running = succession.bring_up(program, home, num_interfaces_for(indices))
        try:
            succession.commit(running, program, home)
            dataplane = cls(program, running, home)
        except BaseException:
            running.close()
            raise
        is_first = not dataplane.port_names()
        try:
            dataplane._begin(ports, mode)
        except BaseException:
            if is_first:
                dataplane.remove()
            else:
                dataplane.close()
            raise
        return dataplane

    def _begin(self, ports: Mapping[int, str], mode: Mode) -> None:
        """Have packets dealt with by the program that was brought up."""
        running = self._running
        if running.is_taken_over:
            _logger.info("taking over the program that runs, with its entries")
        for phrase in running.lost:
            _logger.warning("the new program cannot go on with %s", phrase)
        if self._settings.has_ports:
            program_fd = running.loaded.program_fd(WIRE_PROGRAM)
            self._ports.use(program_fd)
            self._ports.open(ports, mode)
        succession.forget_others(running, self._home)

    def replace(self, *, keeps: bool) -> None:
        """Go over to what is in the build directory now."""
        before = self._running
        program = Program.read(self._build_dir, self._settings)
        if program.identity() == before.identity and keeps:
            return
        running = succession.follow(program, before, before.num_interfaces, keeps=keeps)
        if running.lost:
            running.close()
            raise RefusedError("the new program cannot go on with " + ", ".join(running.lost))
        try:
            succession.commit(running, program, self._home)
        except BaseException:
            running.close()
            raise
        if self._settings.has_ports:
            self._ports.use(running.loaded.program_fd(WIRE_PROGRAM))
        self._let_go()
        self._use(running)
        succession.forget_others(running, self._home)
        _logger.info("going over to the program in %s", self._build_dir)

    def held_entries(self, table: str) -> Iterable[Entry]:
        return self._contents.table(table).entries()

    def initial_default(self, table: str) -> tuple[str, tuple[int, ...]] | None:
        return self._contents.table(table).initial_default

    def held_default(self, table: str) -> tuple[str, tuple[int, ...]] | None:
        return self._contents.table(table).default()

    def held_meters(self, meter: str) -> Mapping[int, MeterConfig]:
        return self._contents.meter(meter).configs()

    def held_direct_meters(self, table: str) -> Iterable[tuple[Entry, MeterConfig]]:
        return self._contents.direct_meters(table)

    def insert_entries(self, table: str, entries: Sequence[Entry]) -> None:
        self._contents.table(table).insert(entries)

    def modify_entries(self, table: str, entries: Sequence[Entry]) -> None:
        self._contents.table(table).modify(entries)

    def delete_entries(self, table: str, entries: Sequence[Entry]) -> None:
        self._contents.table(table).delete(entries)

    def set_default(self, table: str, action: str, arguments: tuple[int, ...]) -> None:
        self._contents.table(table).set_default(action, arguments)

    def constant_entries(self) -> Mapping[str, Sequence[Entry]]:
        return self._contents.constant_entries()

    def read_counter(self, counter: str, first: int, count: int) -> list[CounterValue]:
        return self._contents.counter(counter).read(first, count)

    def read_columns(self, counter: str, first: int, count: int) -> tuple[Numbers, Numbers]:
        return self._contents.counter(counter).read_columns(first, count)

    def write_counter(self, counter: str, index: int, value: CounterValue) -> None:
        self._contents.counter(counter).write(index, value)

    def read_direct_counter(self, table: str, entry: Entry) -> CounterValue:
        counter, cell = self._contents.direct_counter(table, entry)
        return counter.read(cell, 1)[0]

    def write_direct_counter(self, table: str, entry: Entry, value: CounterValue) -> None:
        counter, cell = self._contents.direct_counter(table, entry)
        counter.write(cell, value)

    def idle_times(self, table: str, entries: Sequence[Entry]) -> list[int]:
        return self._contents.idle_times(table, entries)

    def write_meter(self, meter: str, index: int, config: MeterConfig | None) -> None:
        self._contents.meter(meter).write(index, config)

    def write_direct_meter(self, table: str, entry: Entry, config: MeterConfig | None) -> None:
        meter, cell = self._contents.direct_meter(table, entry)
        meter.write(cell, config)

    def meter_state(self, meter: str, index: int) -> CellState | None:
        """Return how full the buckets of a cell are, or None if it is not configured."""
        return self._contents.meter(meter).state(index)

    def read_register(self, register: str, first: int, count: int) -> list[tuple[int, ...]]:
        return self._contents.register(register).read(first, count)

    def write_register(self, register: str, index: int, value: tuple[int, ...]) -> None:
        self._contents.register(register).write(index, value)

    def reset_registers(self) -> None:
        self._contents.reset_registers()

    def set_clone_session(self, session: int, clones: CloneSession | None) -> None:
        if self._copies is None:
            raise RefusedError("the program mirrors nothing: it has no clone sessions")
        if not 0 <= session < CLONE_SESSIONS:
            raise RefusedError(f"clone sessions are numbered 0..{CLONE_SESSIONS - 1}")
        for replica in clones.replicas if clones is not None else ():
            self._require_port(replica.port)
        self._copies.set_session(session, clones)

    def _require_port(self, port: int) -> None:
        """Refuse a port that no packet can leave by; one opened for tests has them all."""
        settings, names = self._settings, self._ports.names()
        known = {*names, settings.cpu_port, settings.host_port, *settings.recirculation_ports}
        if not 0 <= port < PORTS or (names and port not in known):
            listed = ", ".join(map(str, sorted(known)))
            raise RefusedError(f"port {port} is none of this switch: it has {listed}")

    def send(self, frame: bytes) -> None:
        if not self._settings.has_ports:
            raise DataplaneError("a packet-out, but the switch has no ports")
        if len(frame) < SHORTEST_FRAME_OCTETS:
            raise DataplaneError(f"a packet-out of {len(frame)} octets is no frame")
        try:
            inject_frame(self._running.loaded.program_fd(CONTROLLER_PROGRAM), frame)
        except LoadError as error:
            if len(frame) <= _SURELY_TAKEN_OCTETS:
                raise
            text = f"a packet-out of {len(frame)} octets is longer than the kernel takes"
            raise RefusedError(text) from error

    def on_packet_in(self, receiver: Callable[[bytes], None]) -> None:
        """Deliver packet-ins to `receiver` from now on, on the running event loop; copies too."""
        self._receiver = receiver
        loop = asyncio.get_running_loop()
        self._packet_ins.deliver_to(receiver, loop)
        if self._copies is not None:
            self._copies.deliver(loop)

    def on_digest(self, receiver: Callable[[str, tuple[int, ...]], None]) -> None:
        self._digest_receiver = receiver
        if self._digests is not None:
            self._digests.deliver_to(receiver, asyncio.get_running_loop())

    def ports(self) -> list[Port]:
        """Return the ports, by number."""
        return self._ports.all()

    def tap(self, port: int, patterns: Sequence[bytes] = ()) -> Tap:
        """Show the frames that a port receives and that hold all `patterns`, until it is closed."""
        return self._ports.tap(port, patterns)

    def attach_port(self, number: int, name: str) -> None:
        """Have one port more."""
        _require_ports([(number, name)], self._own_ports(), self._settings.recirculation_ports)
        self._ports.attach(number, name)
        self._tell_of_ports()

    def detach_port(self, number: int) -> None:
        """Have one port less."""
        if number not in self._ports.names():
            raise DataplaneError(f"there is no port {number}")
        self._ports.detach(number)
        self._tell_of_ports()

    def follow_links(self, loop: asyncio.AbstractEventLoop) -> LinkWatch:
        """Follow what becomes of the ports' interfaces, until what is returned is closed."""
        self._look_at_ports()
        return LinkWatch(loop, self._look_at_ports)

    def _look_at_ports(self) -> None:
        before = self.port_states()
        self._ports.refresh()
        if self.port_states() != before:
            self._tell_of_ports()

    def _tell_of_ports(self) -> None:
        if self._port_receiver is not None:
            self._port_receiver()

    def on_ports(self, receiver: Callable[[], None]) -> None:
        self._port_receiver = receiver

    def port_states(self) -> dict[int, str]:
        settings = self._settings
        own = {*self._own_ports(), *settings.recirculation_ports}
        return dict.fromkeys(own, "up") | {port.number: port.state for port in self._ports.all()}

    def _own_ports(self) -> tuple[int, int]:
        return self._settings.cpu_port, self._settings.host_port

    def port_names(self) -> dict[int, str]:
        return self._ports.names()

    def switch_drops(self) -> dict[str, int]:
        """Return how many packets the switch itself dropped, by reason."""
        found = switch_drops(self._running.loaded)
        found["copy_too_long"] += self._copies.too_long if self._copies is not None else 0
        return found

    def run(self, port: int, frame: bytes, now_ns: int) -> PacketResult:
        """Say what would become of `frame` received on `port` at `now_ns`; opened with `testing`.

        The kernel takes no frame shorter than 14 octets, here or from an interface.
        """
        result = self._trials.run(TEST_PROGRAM, port, frame, now_ns)
        told = tuple(self._digests.waiting()) if self._digests is not None else ()
        result = dataclasses.replace(result, digests=told)
        if self._copies is None:
            return result
        copies = [
            self._trials.run(COPY_PROGRAM, port, framed(replica, copy, is_test=True), now_ns)
            for replica, copy in self._copies.waiting()
        ]
        return dataclasses.replace(result, copies=tuple(copies))

    def measure(self, port: int, frame: bytes, *, repeat: int, now_ns: int = 0) -> float:
        """Return the nanoseconds the program takes for `frame` received on `port`, `repeat` times,
        without those of receiving and sending; opened with `testing`. The frame has at least 128
        octets. To the program it is always `now_ns`, or the real time if that is 0.
        """
        return self._trials.measure(port, frame, repeat, now_ns)

    def close(self) -> None:
        self._ports.close()
        self._let_go()
        self._home.leave()

    def remove(self) -> None:
        """Detach from all interfaces, and leave nothing to a process that follows."""
        self._ports.detach_all()
        self._home.remove()
        self.close()


def _require_ports(
    ports: Sequence[tuple[int, str]], own_ports: tuple[int, int], recirculation: Collection[int]
) -> None:
    for port, name in ports:
        if not 0 <= port < PORTS:
            raise DataplaneError(f"port {port} of {name}: ports are numbered 0..{PORTS - 1}")
        if port in own_ports:
            raise DataplaneError(f"port {port} of {name} is taken by the switch itself")
    if len({name for _, name in ports}) != len(ports):
        raise DataplaneError("an interface cannot be two ports")
    for port in recirculation:
        if not 0 <= port < PORTS or port in own_ports or port in dict(ports):
            raise DataplaneError(f"port {port} cannot recirculate: choose a free one below {PORTS}")
