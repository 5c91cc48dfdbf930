"""The data plane on Linux: a built program in the kernel, its maps, its ports, and the controller's
packets in and out.
"""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Self

from p4xdp.dataplane import DataplaneError, PacketResult
from p4xdp.xdp.build import object_for
from p4xdp.xdp.cells import COUNTER_CELL_SIZE, METER_CELL_SIZE, XdpCounter, XdpMeter
from p4xdp.xdp.errors import LoadError
from p4xdp.xdp.layout import ARRAY_CELL_HEAD, LARGEST_SCAN
from p4xdp.xdp.manifest import Manifest, TableInfo, read_manifest
from p4xdp.xdp.objects import Fence, Object, RunResult, inject_frame, run_program
from p4xdp.xdp.ports import Mode, Ports, interface_index
from p4xdp.xdp.ring import Ring
from p4xdp.xdp.rules import BANKS_SIZE, RuleBanks, RuleTable
from p4xdp.xdp.tables import CellArray, Entries, XdpTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from p4xdp.dataplane import CounterValue, Entry, MeterConfig

_LARGEST_PORT = 511
_SHORTEST_FRAME_OCTETS = 14
_WIRE_PROGRAM = "from_wire"
_CONTROLLER_PROGRAM = "from_controller"
_TEST_PROGRAM = "from_test"
_BENCHMARK_PROGRAM = "from_benchmark"
_INJECTED_HEAD = 128
_INJECTION = struct.Struct(f"<QIi{_INJECTED_HEAD}sI4x")  # struct switch_injection

# enum switch_drop, negated.
_SWITCH_DROPS = {
    2: "no_ingress_port",
    3: "no_egress_port",
    4: "controller_busy",
    5: "too_long_for_controller",
    6: "no_headroom",
    7: "internal",
}


class XdpDataplane:
    """A `p4xdp.dataplane.Dataplane` in the kernel."""

    def __init__(self, loaded: Object, manifest: Manifest, sizes: Mapping[str, int]) -> None:
        self._object = loaded
        self._fence: Fence | None = None
        self._tables = {
            name: self._table_of(loaded, info, sizes.get(name, info.layout.size))
            for name, info in manifest.tables.items()
        }
        self._counters = {
            name: XdpCounter(
                info,
                loaded.map(info.symbol, 4, COUNTER_CELL_SIZE, is_per_cpu=True),
                sizes.get(name, info.size),
            )
            for name, info in manifest.counters.items()
        }
        self._meters = {
            name: XdpMeter(
                info, loaded.map(info.symbol, 4, METER_CELL_SIZE), sizes.get(name, info.size)
            )
            for name, info in manifest.meters.items()
        }
        self._ring = Ring(loaded.map("switch_ring", 0, 0).fd)
        self._injection = loaded.map(".data.switch", 4, _INJECTION.size).mapped()
        self._ports = Ports()
        self._port_names: dict[int, str] = {}
        self._cpu_port = self._host_port = 0

    @classmethod
    def open(  # all but the first two are settings with a default
        cls,
        build_dir: Path,
        ports: Mapping[int, str],
        *,
        cpu_port: int = 192,
        host_port: int = 193,
        sizes: Mapping[str, int] | None = None,
        mode: Mode = "auto",
        testing: bool = False,
    ) -> Self:
        """Load the program in `build_dir` and attach it to the interfaces of `ports`, if any.

        `sizes` changes how many entries tables, and cells counters and meters, have. `testing` lets
        `run` and `measure` work. DataplaneError in one sentence if it cannot be.
        """
        _require_ports(ports, cpu_port, host_port)
        indices = {port: interface_index(name) for port, name in ports.items()}
        source, manifest = _built(build_dir)
        loaded = Object(object_for(source))
        try:
            _resize(loaded, manifest, sizes or {}, max(indices.values(), default=0))
            settings = struct.pack("<III", cpu_port, host_port, int(testing))
            loaded.set_constants(".rodata.switch", settings)
            for program in (_WIRE_PROGRAM, _CONTROLLER_PROGRAM) if ports else ():
                loaded.want_program(program)
            if testing:
                loaded.want_program(_TEST_PROGRAM)
                loaded.want_program(_BENCHMARK_PROGRAM)
            loaded.load()
            dataplane = cls(loaded, manifest, sizes or {})
        except BaseException:
            loaded.close()
            raise
        dataplane._cpu_port, dataplane._host_port = cpu_port, host_port
        try:
            dataplane._attach(dict(ports), indices, mode)
        except BaseException:
            dataplane.close()
            raise
        return dataplane

    def _attach(self, ports: dict[int, str], indices: dict[int, int], mode: Mode) -> None:
        links = self._object.map("switch_links", 4, 4)
        numbers = self._object.map("switch_ports", 4, 4)
        for port, ifindex in indices.items():
            links.put(port.to_bytes(4, "little"), ifindex.to_bytes(4, "little"))
            numbers.put(ifindex.to_bytes(4, "little"), (port + 1).to_bytes(4, "little"))
        self._ports.attach(ports.values(), self._object.program_fd(_WIRE_PROGRAM), mode)
        self._port_names = ports

    def insert_entries(self, table: str, entries: Sequence[Entry]) -> None:
        self._table(table).insert(entries)

    def modify_entries(self, table: str, entries: Sequence[Entry]) -> None:
        self._table(table).modify(entries)

    def delete_entries(self, table: str, entries: Sequence[Entry]) -> None:
        self._table(table).delete(entries)

    def set_default(self, table: str, action: str, arguments: tuple[int, ...]) -> None:
        self._table(table).set_default(action, arguments)

    def read_counter(self, counter: str, first: int, count: int) -> list[CounterValue]:
        return self._counter(counter).read(first, count)

    def write_counter(self, counter: str, index: int, value: CounterValue) -> None:
        self._counter(counter).write(index, value)

    def read_direct_counter(self, table: str, entry: Entry) -> CounterValue:
        raise DataplaneError(f"{table} has no direct counter for {entry.matches}")

    def write_direct_counter(self, table: str, entry: Entry, value: CounterValue) -> None:
        raise DataplaneError(f"{table} has no direct counter for {entry.matches} to set to {value}")

    def write_meter(self, meter: str, index: int, config: MeterConfig | None) -> None:
        found = self._meters.get(meter)
        if found is None:
            raise DataplaneError(f"the program has no meter {meter}")
        found.write(index, config)

    def write_direct_meter(self, table: str, entry: Entry, config: MeterConfig | None) -> None:
        raise DataplaneError(f"{table} has no direct meter for {entry.matches} to take {config}")

    def send(self, frame: bytes) -> None:
        if not self._port_names:
            raise DataplaneError("a packet-out, but the switch has no ports")
        if len(frame) < _SHORTEST_FRAME_OCTETS:
            raise DataplaneError(f"a packet-out of {len(frame)} octets is no frame")
        inject_frame(self._object.program_fd(_CONTROLLER_PROGRAM), frame)

    def on_packet_in(self, receiver: Callable[[bytes], None]) -> None:
        """Deliver packet-ins to `receiver` from now on, on the running event loop."""
        self._ring.deliver_to(receiver, asyncio.get_running_loop())

    def port_names(self) -> dict[int, str]:
        return dict(self._port_names)

    def switch_drops(self) -> dict[str, int]:
        """Return how many packets the switch itself dropped, by reason."""
        drops = self._object.map("switch_drops", 4, 8, is_per_cpu=True)
        words = memoryview(drops.read_array(0, max(_SWITCH_DROPS) + 1)).cast("Q")
        return {
            reason: sum(words[index * drops.cpus : (index + 1) * drops.cpus])
            for index, reason in _SWITCH_DROPS.items()
        }

    def run(self, port: int, frame: bytes, now_ns: int) -> PacketResult:
        """Say what would become of `frame` received on `port` at `now_ns`; opened with `testing`.

        The kernel takes no frame shorter than 14 octets, here or from an interface.
        """
        if len(frame) < _SHORTEST_FRAME_OCTETS:
            raise DataplaneError(f"{len(frame)} octets are no frame")
        result, outcome = self._run(_TEST_PROGRAM, port, frame, now_ns)
        if outcome < 0:
            return PacketResult("drop", None, b"")
        if outcome == self._cpu_port:
            return PacketResult("controller", outcome, result.frame)
        return PacketResult(
            "host" if outcome == self._host_port else "forward", outcome, result.frame
        )

    def measure(self, port: int, frame: bytes, *, repeat: int) -> float:
        """Return the nanoseconds the program takes for `frame` received on `port`, without those of
        receiving and sending; opened with `testing`. The frame has at least 128 octets.
        """
        if len(frame) < _INJECTED_HEAD:
            raise DataplaneError(f"a frame of {len(frame)} octets, not at least {_INJECTED_HEAD}")
        result, _ = self._run(_BENCHMARK_PROGRAM, port, frame, 0, repeat=repeat)
        return result.duration_ns

    def _run(
        self, program: str, port: int, frame: bytes, now_ns: int, *, repeat: int = 1
    ) -> tuple[RunResult, int]:
        head = frame[:_INJECTED_HEAD]
        self._injection[:] = _INJECTION.pack(now_ns, port, 0, head, len(frame))
        result = run_program(self._object.program_fd(program), frame, repeat=repeat)
        return result, _INJECTION.unpack(self._injection[:])[2]

    def close(self) -> None:
        self._ports.detach()
        self._ring.close()
        self._injection.close()
        for table in self._tables.values():
            table.close()
        for meter in self._meters.values():
            meter.close()
        if self._fence is not None:
            self._fence.close()
        self._object.close()

    def _table_of(self, loaded: Object, info: TableInfo, size: int) -> XdpTable:
        layout = info.layout
        defaults = None
        if layout.defaults is not None:
            defaults = loaded.map(layout.defaults, 4, layout.value_size)
        if layout.kind == "scan":
            if self._fence is None:
                self._fence = Fence()
            rules = loaded.map(layout.symbol, 4, layout.rule_size)
            state = loaded.map(f"{layout.symbol}_banks", 4, BANKS_SIZE)
            return RuleTable(info, RuleBanks(rules, state, size, self._fence), defaults, size)
        entries: Entries | None = None
        if layout.kind == "array":
            cell_size = ARRAY_CELL_HEAD + 2 * layout.value_size
            entries = CellArray(loaded.map(layout.symbol, 4, cell_size), layout.cells)
        elif layout.kind != "keyless":
            entries = loaded.map(layout.symbol, layout.key_size, layout.value_size)
        return XdpTable(info, entries, defaults, size)

    def _table(self, name: str) -> XdpTable:
        try:
            return self._tables[name]
        except KeyError:
            raise DataplaneError(f"the program has no table {name}") from None

    def _counter(self, name: str) -> XdpCounter:
        try:
            return self._counters[name]
        except KeyError:
            raise DataplaneError(f"the program has no counter {name}") from None


def _require_ports(ports: Mapping[int, str], cpu_port: int, host_port: int) -> None:
    for port, name in ports.items():
        if not 0 <= port <= _LARGEST_PORT:
            raise DataplaneError(f"port {port} of {name}: ports are numbered 0..{_LARGEST_PORT}")
        if port in (cpu_port, host_port):
            raise DataplaneError(f"port {port} of {name} is taken by the switch itself")
    if len(set(ports.values())) != len(ports):
        raise DataplaneError("an interface cannot be two ports")


def _built(build_dir: Path) -> tuple[Path, Manifest]:
    """Return the C and the manifest of the one program in `build_dir`."""
    sources = sorted(Path(build_dir).glob("*.bpf.c"))
    if len(sources) != 1:
        raise LoadError(f"{build_dir} holds {len(sources)} programs (*.bpf.c), not one")
    manifest = sources[0].with_name(sources[0].name.removesuffix(".bpf.c") + ".json")
    return sources[0], read_manifest(manifest)


def _resize(
    loaded: Object, manifest: Manifest, sizes: Mapping[str, int], largest_ifindex: int
) -> None:
    symbols = {name: info.layout.symbol for name, info in manifest.tables.items()}
    # An array has a cell for every key, however few entries it may hold.
    fixed = {name for name, info in manifest.tables.items() if info.layout.kind == "array"}
    scanned = {name for name, info in manifest.tables.items() if info.layout.kind == "scan"}
    symbols |= {name: info.symbol for name, info in manifest.counters.items()}
    symbols |= {name: info.symbol for name, info in manifest.meters.items()}
    for name, size in sizes.items():
        if name not in symbols:
            raise LoadError(f"a size for {name}, which the program does not have")
        if name in scanned:
            if size > LARGEST_SCAN:
                raise LoadError(f"{name} can have at most {LARGEST_SCAN} entries, not {size}")
            loaded.set_size(symbols[name], 2 * size)
        elif name not in fixed:
            loaded.set_size(symbols[name], size)
    loaded.set_size("switch_ports", largest_ifindex + 1)
