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
from p4xdp.xdp.contents import Contents, resize
from p4xdp.xdp.errors import LoadError
from p4xdp.xdp.manifest import Manifest, read_manifest
from p4xdp.xdp.objects import Object
from p4xdp.xdp.ports import Mode, Ports, interface_index
from p4xdp.xdp.ring import Ring
from p4xdp.xdp.running import RunResult, inject_frame, run_program

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from p4xdp.dataplane import CounterValue, Entry, MeterConfig
    from p4xdp.metering import CellState

PORTS = 512
_SHORTEST_FRAME_OCTETS = 14
_WIRE_PROGRAM = "from_wire"
_CONTROLLER_PROGRAM = "from_controller"
_RECIRCULATION_PROGRAM = "from_recirculation"
_TEST_PROGRAM = "from_test"
_BENCHMARK_PROGRAM = "from_benchmark"
_INJECTED_HEAD = 128
_SETTINGS = struct.Struct(f"<II{PORTS // 8}sII")  # struct switch_settings
_INJECTION = struct.Struct(f"<QIi{_INJECTED_HEAD}sI4x")  # struct switch_injection

# enum switch_drop, negated.
_SWITCH_DROPS = {
    2: "no_ingress_port",
    3: "no_egress_port",
    4: "controller_busy",
    5: "too_long_for_controller",
    6: "no_headroom",
    7: "internal",
    8: "register_busy",
    9: "recirculated_twice",
    10: "misparsed",
}


class XdpDataplane:
    """A `p4xdp.dataplane.Dataplane` in the kernel."""

    def __init__(self, loaded: Object, manifest: Manifest, sizes: Mapping[str, int]) -> None:
        self._object = loaded
        self._contents = Contents(loaded, manifest, sizes)
        self._ring = Ring(loaded.map("switch_ring", 0, 0).fd)
        self._injection = loaded.map(".data.switch", 4, _INJECTION.size).mapped()
        self._ports = Ports()
        self._port_names: dict[int, str] = {}
        self._cpu_port = self._host_port = 0

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
    ) -> Self:
        """Load the program in `build_dir` and attach it to the interfaces of `ports`, if any.

        `sizes` changes how many entries tables, and cells counters and meters, have. `testing` lets
        `run` and `measure` work. What the program sends to one of `recirculation_ports` goes
        through it once more, as received there; sent to one again, it is dropped. DataplaneError in
        one sentence if it cannot be.
        """
        _require_ports([*ports.items()], (cpu_port, host_port), recirculation_ports)
        indices = {port: interface_index(name) for port, name in ports.items()}
        source, manifest = _built(build_dir)
        loaded = Object(object_for(source))
        try:
            resize(loaded, manifest, sizes or {})
            loaded.set_size("switch_ports", max(indices.values(), default=0) + 1)
            recirculates = sum(1 << port for port in set(recirculation_ports))
            settings = _SETTINGS.pack(
                cpu_port,
                host_port,
                recirculates.to_bytes(PORTS // 8, "little"),
                recirculates != 0,
                testing,
            )
            loaded.set_constants(".rodata.switch", settings)
            for program in (_WIRE_PROGRAM, _CONTROLLER_PROGRAM) if ports else ():
                loaded.want_program(program)
            if testing:
                loaded.want_program(_TEST_PROGRAM)
                loaded.want_program(_BENCHMARK_PROGRAM)
            if recirculates:
                loaded.want_program(_RECIRCULATION_PROGRAM)
            loaded.load()
            if recirculates:
                again = loaded.program_fd(_RECIRCULATION_PROGRAM)
                programs = loaded.map("switch_programs", 4, 4)
                programs.put((0).to_bytes(4, "little"), again.to_bytes(4, "little"))
            dataplane = cls(loaded, manifest, sizes or {})
        except BaseException:
            loaded.close()
            raise
        dataplane._cpu_port, dataplane._host_port = cpu_port, host_port
        try:
            if ports:
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

    def write_counter(self, counter: str, index: int, value: CounterValue) -> None:
        self._contents.counter(counter).write(index, value)

    def read_direct_counter(self, table: str, entry: Entry) -> CounterValue:
        counter, cell = self._contents.direct_counter(table, entry)
        return counter.read(cell, 1)[0]

    def write_direct_counter(self, table: str, entry: Entry, value: CounterValue) -> None:
        counter, cell = self._contents.direct_counter(table, entry)
        counter.write(cell, value)

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
        reason = _SWITCH_DROPS.get(-outcome)
        if reason in ("internal", "misparsed"):
            raise DataplaneError(f"the switch itself drops this packet: {reason}")
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
        self._contents.close()
        self._object.close()


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


def _built(build_dir: Path) -> tuple[Path, Manifest]:
    """Return the C and the manifest of the one program in `build_dir`."""
    sources = sorted(Path(build_dir).glob("*.bpf.c"))
    if len(sources) != 1:
        raise LoadError(f"{build_dir} holds {len(sources)} programs (*.bpf.c), not one")
    manifest = sources[0].with_name(sources[0].name.removesuffix(".bpf.c") + ".json")
    return sources[0], read_manifest(manifest)
