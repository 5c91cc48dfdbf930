"""Finding where a CPU is, many times a second, while frames take their way."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import platform
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Self

from p4xdp.xdp.build import INCLUDE_DIR
from testbed.bench.forwarding.image import image_of
from testbed.bench.forwarding.measuring import FILTERED, HOT, RANDOM
from testbed.bench.forwarding.stages import Attribution, Breakdown
from testbed.errors import TestbedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from testbed.bench.forwarding.measuring import Case
    from testbed.bench.forwarding.path import Paths

SCENARIOS = (HOT, FILTERED, RANDOM)
PERIOD_US = 250  # noting takes microseconds itself: more often would distort
_UNSAMPLED_ROUNDS = 3
_WARMING = 20_000  # frames

# linux/perf_event.h
_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}
_HARDWARE, _SOFTWARE = 0, 1
_CACHE_MISSES, _CPU_CLOCK = 3, 0
_SAMPLE_IP_AND_TID = 1 << 0 | 1 << 1
_DISABLED, _EXCLUDE_USER, _EXCLUDE_HYPERVISOR = 1 << 0, 1 << 4, 1 << 6
_ATTRIBUTES = struct.Struct("<IIQQQQQIIQ")
_ENABLE, _DISABLE = 0x2400, 0x2401
_RECORD_SAMPLE = 9
_RING_PAGES = 1024
_DATA_HEAD_AT = 1024
_HEADER, _SAMPLE = struct.Struct("<IHH"), struct.Struct("<QII")
_NOT_COUNTED = (errno.ENOENT, errno.EOPNOTSUPP, errno.ENODEV)


def _open_event(kind: int, config: int, cpu: int, period: int) -> int:
    flags = _DISABLED | _EXCLUDE_USER | _EXCLUDE_HYPERVISOR
    attributes = ctypes.create_string_buffer(
        _ATTRIBUTES.pack(
            *(kind, _ATTRIBUTES.size, config, period, _SAMPLE_IP_AND_TID, 0, flags, 0, 0, 0)
        )
    )
    call = ctypes.CDLL(None, use_errno=True).syscall
    every_process, no_group = -1, -1
    number = _PERF_EVENT_OPEN.get(platform.machine())
    if number is None:
        raise TestbedError(f"sampling is not known on {platform.machine()}")
    fd: int = call(number, attributes, every_process, cpu, no_group, 0)
    if fd < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"perf_event_open: {os.strerror(code)} (run as root)")
    return fd


class Samples:
    """The addresses in the kernel at which `cpu` works for `threads`, in a `with` block."""

    def __init__(self, cpu: int, threads: Collection[int]) -> None:
        self._threads = threads
        self._fd = _open_event(_SOFTWARE, _CPU_CLOCK, cpu, 1000 * PERIOD_US)
        self._size = _RING_PAGES * mmap.PAGESIZE
        self.addresses: list[int] = []

    def __enter__(self) -> Self:
        self._ring = mmap.mmap(self._fd, mmap.PAGESIZE + self._size)
        fcntl.ioctl(self._fd, _ENABLE, 0)
        return self

    def __exit__(self, *raised: object) -> None:
        fcntl.ioctl(self._fd, _DISABLE, 0)
        with self._ring:
            self._read()
        os.close(self._fd)

    def _read(self) -> None:
        # The kernel stops at the end of the ring, which is never given back: it does not wrap.
        (end,) = struct.unpack_from("<Q", self._ring, _DATA_HEAD_AT)
        at = 0
        while at < end:
            kind, _, octets = _HEADER.unpack_from(self._ring, mmap.PAGESIZE + at)
            if kind == _RECORD_SAMPLE:
                where = mmap.PAGESIZE + at + _HEADER.size
                address, _, thread = _SAMPLE.unpack_from(self._ring, where)
                if thread in self._threads:
                    self.addresses.append(address)
            at += octets


class CacheMisses:
    """How many there are on `cpu` in the kernel, in a `with` block: `count`, or None where the
    machine does not say, as virtual ones do not.
    """

    count: int | None = None

    def __init__(self, cpu: int) -> None:
        self._fd: int | None = None
        try:
            self._fd = _open_event(_HARDWARE, _CACHE_MISSES, cpu, 0)
        except OSError as error:
            if error.errno not in _NOT_COUNTED:
                raise

    def __enter__(self) -> Self:
        if self._fd is not None:
            fcntl.ioctl(self._fd, _ENABLE, 0)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._fd is not None:
            fcntl.ioctl(self._fd, _DISABLE, 0)
            self.count = int.from_bytes(os.read(self._fd, 8), "little")
            os.close(self._fd)


def break_down(
    paths: Paths, attribution: Attribution, case: Case, sessions: int, frames: int
) -> Breakdown:
    """Send `frames` frames through Tern to time them, and as many to see where the time goes."""
    paths.prepare(case.frames(sessions))
    paths.ns_per_frame("tern", case.port, min(frames, _WARMING))
    ns = min(
        paths.ns_per_frame("tern", case.port, frames // _UNSAMPLED_ROUNDS)
        for _ in range(_UNSAMPLED_ROUNDS)
    )
    samples, misses = Samples(paths.cpu, paths.threads), CacheMisses(paths.cpu)
    with samples, misses:
        paths.ns_per_frame("tern", case.port, frames)
    shares = attribution.shares(samples.addresses)
    missed = None if misses.count is None else misses.count / frames
    return Breakdown(case, ns, len(samples.addresses), shares, missed)


def attribution_of(build: Path, program_id: int) -> Attribution:
    """Return what says the stages of the loaded program that was made from `build`."""
    files = (*build.glob("*.bpf.c"), *INCLUDE_DIR.glob("*.h"))
    sources = {one.name: one.read_text(encoding="utf-8") for one in files}
    symbols = []
    for line in Path("/proc/kallsyms").read_text(encoding="ascii").splitlines():
        address, kind, name = line.split()[:3]
        if kind in "tTwW":
            symbols.append((int(address, 16), name))
    return Attribution(image_of(program_id), sources, symbols)
