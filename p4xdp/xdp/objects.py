"""A BPF object in the kernel: its maps as mappings of octets, its programs to run and attach."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4xdp.xdp.errors import LoadError
from p4xdp.xdp.libbpf import (
    BatchOptions,
    LinkOptions,
    MapOptions,
    TestRunOptions,
    check,
    last_error,
    library,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NO_EXIST = 1
_EXIST = 2
_ATTACH_TYPE_XDP = 37  # enum bpf_attach_type
_MAP_TYPE_ARRAY = 2  # enum bpf_map_type
_MAP_TYPE_ARRAY_OF_MAPS = 12
_RUN_LIVE_FRAMES = 1 << 1  # BPF_F_TEST_XDP_LIVE_FRAMES
_LARGEST_FRAME = 16384


class MapFullError(Exception):
    """The kernel has no room for another entry."""


@dataclass(frozen=True, slots=True)
class Map:
    """A map. Sizes are in octets; `cpus` is 0 unless every CPU has values of its own."""

    name: str
    fd: int
    key_size: int
    value_size: int
    cpus: int = 0

    def lookup(self, key: bytes) -> bytes | None:
        """Return the value, or None."""
        size = self.value_size * (self.cpus or 1)
        value = ctypes.create_string_buffer(size)
        if library().calls.bpf_map_lookup_elem(self.fd, key, value) == 0:
            return value.raw
        if last_error().errno == errno.ENOENT:
            return None
        raise LoadError(f"lookup in {self.name}: {last_error().strerror}")

    def insert(self, key: bytes, value: bytes) -> None:
        """Add an entry; MapFullError if there is no room."""
        self._update(key, value, _NO_EXIST)

    def replace(self, key: bytes, value: bytes) -> None:
        """Change an entry that is there."""
        self._update(key, value, _EXIST)

    def put(self, key: bytes, value: bytes) -> None:
        """Set an entry, whether it is there or not."""
        self._update(key, value, 0)

    def _update(self, key: bytes, value: bytes, flags: int) -> None:
        if library().calls.bpf_map_update_elem(self.fd, key, value, flags) == 0:
            return
        self._raise(f"update of {self.name}", last_error())

    @staticmethod
    def _raise(what: str, error: OSError) -> None:
        if error.errno in (errno.E2BIG, errno.ENOSPC, errno.ENOMEM):
            raise MapFullError(f"{what}: {error.strerror}")
        raise LoadError(f"{what}: {error.strerror}")

    def delete(self, key: bytes) -> None:
        """Remove an entry that is there."""
        check(library().calls.bpf_map_delete_elem(self.fd, key), f"delete in {self.name}")

    def put_many(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Set entries that are not there, all or none; MapFullError if there is no room."""
        count = ctypes.c_uint32(len(keys))
        options = BatchOptions(ctypes.sizeof(BatchOptions), 0, 0)
        result = library().calls.bpf_map_update_batch(
            self.fd, b"".join(keys), b"".join(values), ctypes.byref(count), options
        )
        if result == 0:
            return
        error = last_error()
        for key in keys:
            if self.lookup(key) is not None:
                self.delete(key)
        self._raise(f"insertion into {self.name}", error)

    def read_array(self, first: int, count: int) -> bytes:
        """Return the values of `count` cells of an array, from `first` on."""
        stride = self.value_size * (self.cpus or 1)
        values = ctypes.create_string_buffer(stride * count)
        keys = (ctypes.c_uint32 * count)()
        before = ctypes.c_uint32(first - 1)
        after = ctypes.c_uint32()
        got = ctypes.c_uint32(count)
        options = BatchOptions(ctypes.sizeof(BatchOptions), 0, 0)
        result = library().calls.bpf_map_lookup_batch(
            self.fd,
            ctypes.byref(before) if first else None,
            ctypes.byref(after),
            keys,
            values,
            ctypes.byref(got),
            options,
        )
        if result < 0 and last_error().errno != errno.ENOENT:  # ENOENT: that was the last cell
            raise LoadError(f"reading {self.name}: {last_error().strerror}")
        return values.raw

    def mapped(self, cells: int = 1) -> mmap.mmap:
        """Return the cells of a BPF_F_MMAPABLE array as memory shared with the kernel."""
        return mmap.mmap(self.fd, self.value_size * cells)


class Fence:
    """Lets a writer wait until no program runs that began before.

    The kernel does so itself whenever an entry of a map of maps changes.
    """

    def __init__(self) -> None:
        self._inner = self._create(_MAP_TYPE_ARRAY, MapOptions(ctypes.sizeof(MapOptions)))
        options = MapOptions(ctypes.sizeof(MapOptions), inner_map_fd=self._inner)
        try:
            self._outer = self._create(_MAP_TYPE_ARRAY_OF_MAPS, options)
        except LoadError:
            os.close(self._inner)
            raise

    @staticmethod
    def _create(kind: int, options: MapOptions) -> int:
        created = library().calls.bpf_map_create(kind, b"fence", 4, 4, 1, options)
        return check(created, "making a map")

    def wait(self) -> None:
        """Return when all programs that were running have ended."""
        inner = self._inner.to_bytes(4, "little")
        done = library().calls.bpf_map_update_elem(self._outer, bytes(4), inner, 0)
        check(done, "waiting for running programs")

    def close(self) -> None:
        """Give the maps back."""
        os.close(self._outer)
        os.close(self._inner)


class Object:
    """An object file: opened, given sizes and settings, then loaded."""

    def __init__(self, path: Path) -> None:
        self._calls = library().calls
        library().log.clear()
        self._pointer = self._calls.bpf_object__open(str(path).encode())
        if not self._pointer:
            raise LoadError(f"{path} is no BPF object: {last_error().strerror}")

    def _map(self, name: str) -> int:
        pointer: int | None = self._calls.bpf_object__find_map_by_name(self._pointer, name.encode())
        if not pointer:
            raise LoadError(f"the BPF object has no map {name}; build it again")
        return pointer

    def _program(self, name: str) -> int:
        pointer: int | None = self._calls.bpf_object__find_program_by_name(
            self._pointer, name.encode()
        )
        if not pointer:
            raise LoadError(f"the BPF object has no program {name}; build it again")
        return pointer

    def set_size(self, name: str, max_entries: int) -> None:
        """Give a map another size; before loading."""
        what = f"{max_entries} entries in {name}"
        check(self._calls.bpf_map__set_max_entries(self._map(name), max_entries), what)

    def want_program(self, name: str) -> None:
        """Load a program too that is not loaded unless wanted."""
        check(self._calls.bpf_program__set_autoload(self._program(name), True), name)  # noqa: FBT003

    def set_constants(self, section: str, values: bytes) -> None:
        """Set the first octets of a section of constants; before loading."""
        size = ctypes.c_size_t()
        address = self._calls.bpf_map__initial_value(self._map(section), ctypes.byref(size))
        if not address or size.value < len(values):
            raise LoadError(f"the BPF object has no section {section}; build it again")
        ctypes.memmove(address, values, len(values))

    def load(self) -> None:
        """Hand everything to the kernel; LoadError carries the end of the verifier's log."""
        if self._calls.bpf_object__load(self._pointer) == 0:
            return
        error = last_error()
        if error.errno in (errno.EPERM, errno.EACCES) and not library().log:
            raise LoadError("loading the BPF object: not permitted; run as root")
        log = "\n".join(library().log[-40:])
        hint = ""
        if error.errno == errno.EPERM:
            hint = " (run as root or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON)"
        elif error.errno == errno.ENOSYS:
            hint = " (use a kernel with CONFIG_BPF_SYSCALL; let seccomp allow bpf)"
        raise LoadError(f"the kernel refuses the BPF object: {error.strerror}{hint}\n{log}")

    def map(self, name: str, key_size: int, value_size: int, *, is_per_cpu: bool = False) -> Map:
        """Return a map; after loading."""
        cpus = check(self._calls.libbpf_num_possible_cpus(), "counting CPUs") if is_per_cpu else 0
        return Map(name, self._calls.bpf_map__fd(self._map(name)), key_size, value_size, cpus)

    def program_fd(self, name: str) -> int:
        """Return the file descriptor of a program; after loading."""
        fd: int = self._calls.bpf_program__fd(self._program(name))
        return fd

    def close(self) -> None:
        """Give back maps and programs. The kernel keeps what links still use."""
        if self._pointer:
            self._calls.bpf_object__close(self._pointer)
            self._pointer = 0


@dataclass(frozen=True, slots=True)
class RunResult:
    """What BPF_PROG_TEST_RUN says: the program's return value, the frame after it, and the mean
    time of one run in nanoseconds.
    """

    verdict: int
    frame: bytes
    duration_ns: int


def run_program(program_fd: int, frame: bytes, *, repeat: int = 1) -> RunResult:
    """Run an XDP program on `frame`."""
    out = ctypes.create_string_buffer(_LARGEST_FRAME)
    data = ctypes.create_string_buffer(frame, len(frame))
    options = TestRunOptions(
        sz=ctypes.sizeof(TestRunOptions),
        data_in=ctypes.addressof(data),
        data_size_in=len(frame),
        data_out=ctypes.addressof(out),
        data_size_out=_LARGEST_FRAME,
        repeat=repeat,
    )
    check(library().calls.bpf_prog_test_run_opts(program_fd, options), "running a frame")
    return RunResult(options.retval, out.raw[: options.data_size_out], options.duration)


def inject_frame(program_fd: int, frame: bytes) -> None:
    """Run an XDP program on `frame` for real: redirected frames leave (kernel 5.18)."""
    data = ctypes.create_string_buffer(frame, len(frame))
    options = TestRunOptions(
        sz=ctypes.sizeof(TestRunOptions),
        data_in=ctypes.addressof(data),
        data_size_in=len(frame),
        flags=_RUN_LIVE_FRAMES,
        repeat=1,
    )
    check(library().calls.bpf_prog_test_run_opts(program_fd, options), "sending a frame")


def link_xdp(program_fd: int, ifindex: int, flags: int) -> int:
    """Attach an XDP program to an interface; return the link, which closing detaches. OSError."""
    options = LinkOptions(sz=ctypes.sizeof(LinkOptions), flags=flags)
    link: int = library().calls.bpf_link_create(program_fd, ifindex, _ATTACH_TYPE_XDP, options)
    if link < 0:
        raise last_error()
    return link
