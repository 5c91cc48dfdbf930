"""The ways frames take: into a veth pair, through a program at its near end, out by another pair.

    far 1 ==== near 1 [program under test] near 2 ==== far 2

Once with the program under test and once with a bare forwarder, alike in all else. Frames are
sent by a program of ours in the kernel, and all of it happens on the CPU that sends: what is
measured is the time that CPU spends on a frame's whole way, the sending of it included, and not
what it spends on other processes in between.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from p4xdp.xdp import XdpDataplane
from p4xdp.xdp.build import object_for
from p4xdp.xdp.links import link_xdp
from p4xdp.xdp.objects import Object
from p4xdp.xdp.running import inject_frame
from testbed import netns
from testbed.command import run
from testbed.errors import TestbedError
from testbed.topology import Lab, Topology

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SOURCE = Path(__file__).with_name("traffic.bpf.c")
_ROOM = "upf"
_FIRST_LINK = {"tern": 3, "bare": 5}
_PORTS = (1, 2)
_NATIVE = 1 << 2  # XDP_FLAGS_DRV_MODE
LONG_HEAD, SHORT_HEAD = 120, 72  # octets, as in traffic.bpf.c
_TRAFFIC = struct.Struct("<QQQQ32x")  # of each CPU
_MOST_CPUS = 64
_LARGEST_BURST = 65_536  # frames sent in one call of the kernel


def _near(way: str, port: int) -> str:
    return f"{way}{port}"


def _far(way: str, port: int) -> str:
    return f"{way}{port}far"


def _link(way: str, port: int) -> int:
    return _FIRST_LINK[way] + port - 1


class Paths:
    """Both ways, in a namespace of their own, for the length of a `with` block, in which this
    process runs on `cpu` alone. `build` holds the program under test, whose ports 1 and 2 are the
    near ends.
    """

    dataplane: XdpDataplane

    def __init__(self, build: Path, sizes: Mapping[str, int], cpu: int) -> None:
        self._build = build
        self._sizes = sizes
        self._cpu = cpu
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as building:
            building.enter_context(_as_before())
            self.go_to(self._cpu)
            lab = building.enter_context(Lab(Topology(rooms=(_ROOM,), links=(), routes=())))
            namespace = lab.namespace(_ROOM)
            self._namespace = namespace
            _silence(namespace)
            for way in _FIRST_LINK:
                for port in _PORTS:
                    _make_pair(namespace, _near(way, port), _far(way, port))
            with netns.entered(namespace):
                self._open(building)
            self._cleanup = building.pop_all()
        return self

    def __exit__(self, *raised: object) -> None:
        self._cleanup.close()

    def go_to(self, cpu: int) -> None:
        """Run on another CPU from now on; a process that was forked may, beside this one."""
        os.sched_setaffinity(0, {cpu})
        self._cpu = cpu
        self._helper = _schedule_of(f"ksoftirqd/{cpu}")

    @property
    def cpu(self) -> int:
        """Return where everything happens."""
        return self._cpu

    @property
    def threads(self) -> set[int]:
        """Return the threads that frames are sent and received by."""
        return {os.getpid(), int(self._helper.parent.name)}

    @property
    def program_id(self) -> int:
        """Return the kernel's number of Tern's program."""
        near = _near("tern", 1)
        said = run("ip", "-n", self._namespace, "-json", "link", "show", near).stdout
        return int(json.loads(said)[0]["xdp"]["prog"]["id"])

    def _open(self, building: contextlib.ExitStack) -> None:
        self._traffic = Object(object_for(_SOURCE))
        building.callback(self._traffic.close)
        self._traffic.load()
        self._heads = self._traffic.map("heads", 4, LONG_HEAD)
        self._links = self._traffic.map("links", 4, 4)
        counts = self._traffic.map(".data.traffic", 4, _TRAFFIC.size * _MOST_CPUS)
        self._counts = counts.mapped()
        building.callback(self._counts.close)
        self._indices = {name: index for index, name in socket.if_nameindex()}
        for way in _FIRST_LINK:
            for port in _PORTS:
                self._point(_link(way, port), _far(way, port))
                building.callback(os.close, self._attach("arrive", _far(way, port)))
        for port, other in ((1, 2), (2, 1)):
            building.callback(os.close, self._attach(f"redirect_{other}", _near("bare", port)))
            self._point(port, _near("bare", port))
        ports = {port: _near("tern", port) for port in _PORTS}
        self.dataplane = XdpDataplane.open(
            self._build, ports, sizes=self._sizes, mode="native", testing=True
        )
        building.callback(self.dataplane.close)

    def _attach(self, program: str, interface: str) -> int:
        return link_xdp(self._traffic.program_fd(program), self._indices[interface], _NATIVE)

    def _point(self, link: int, interface: str) -> None:
        index = self._indices[interface]
        self._links.put(link.to_bytes(4, "little"), index.to_bytes(4, "little"))

    def prepare(self, frames: Sequence[bytes], *, first: int = 0) -> None:
        """Take the frames that `ns_per_frame` sends, chosen at random. They are equally long, and
        differ in their first 120 octets (of frames shorter than that, 72). They are kept from place
        `first` on, so that two CPUs may send different ones.
        """
        head = LONG_HEAD if len(frames[0]) >= LONG_HEAD else SHORT_HEAD
        self._sender = self._traffic.program_fd("send_long" if head == LONG_HEAD else "send_short")
        self._frame, self._frames, self._first = frames[0], len(frames), first
        with contextlib.closing(self._heads.mapped(first + len(frames))) as memory:
            for number, frame in enumerate(frames, start=first):
                memory[number * LONG_HEAD : number * LONG_HEAD + head] = frame[:head]

    def ns_per_frame(self, way: str, port: int, count: int) -> float:
        """Send `count` frames into `port` of a way ("tern" or "bare") and return the mean time of
        one. TestbedError if not all of them come out at the other end.
        """
        took_ns, arrived = self.send(way, port, count)
        if arrived != count:
            raise TestbedError(
                f"{arrived} of {count} frames came out of {way}: {self.dataplane.switch_drops()}"
            )
        return took_ns / count

    def send(
        self, way: str, port: int, count: int, *, at_once: int = _LARGEST_BURST
    ) -> tuple[int, int]:
        """Send `count` frames into `port` of a way, so many in a call of the kernel; return how
        many nanoseconds that took, and how many frames came out at the other end.
        """
        at = self._cpu * _TRAFFIC.size
        told = (self._frames, self._first, _link(way, port), 0)
        _TRAFFIC.pack_into(self._counts, at, *told)
        began_ns = self._spent_ns()
        for first in range(0, count, at_once):
            burst = min(at_once, count - first)
            inject_frame(self._sender, self._frame, repeat=burst)
        took_ns = self._spent_ns() - began_ns
        *_, arrived = _TRAFFIC.unpack_from(self._counts, at)
        return took_ns, arrived

    def _spent_ns(self) -> int:
        """Return the time this CPU has spent on us and on what we left it to finish."""
        helper_ns = int(self._helper.read_text(encoding="ascii").split()[0])
        return time.thread_time_ns() + helper_ns


def _schedule_of(name: str) -> Path:
    """Return where the kernel tells how long its thread of that name has run."""
    for comm in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):  # it has ended
            if comm.read_text(encoding="utf-8").strip() == name:
                return comm.with_name("schedstat")
    raise TestbedError(f"the kernel has no thread {name}; choose a CPU that there is")


@contextlib.contextmanager
def _as_before() -> Iterator[None]:
    """Let this process run in the end where it may now."""
    before = os.sched_getaffinity(0)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _silence(namespace: str) -> None:
    """Let the kernel send nothing of its own there: only our frames are counted."""
    with netns.entered(namespace):
        for which in ("all", "default"):
            Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6").write_text("1", encoding="ascii")


def _make_pair(namespace: str, near: str, far: str) -> None:
    ip = ("ip", "-n", namespace)
    run(*ip, "link", "add", near, "type", "veth", "peer", "name", far)
    for name in (near, far):
        run(*ip, "link", "set", name, "up")
