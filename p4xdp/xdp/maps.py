"""Maps of the kernel as mappings of octets."""

from __future__ import annotations

import ctypes
import errno
import functools
import mmap
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from p4xdp.xdp.errors import LoadError
from p4xdp.xdp.libbpf import BatchOptions, MapInfo, MapOptions, check, last_error, library

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_EXIST = 1
_EXIST = 2
_MAP_TYPE_ARRAY = 2  # enum bpf_map_type
_MAP_TYPE_ARRAY_OF_MAPS = 12
_ITEMS_A_READ = 4096


class MapFullError(Exception):
    """The kernel has no room for another entry."""


def pieces(octets: bytes, size: int) -> list[bytes]:
    """Cut octets into pieces of `size`."""
    return [octets[at : at + size] for at in range(0, len(octets), size)]


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

    def items(self) -> list[tuple[bytes, bytes]]:
        """Return all entries of a map of hashes or prefixes, while nobody else changes it."""
        before, count = None, _ITEMS_A_READ
        found: list[tuple[bytes, bytes]] = []
        while True:
            part, after = self._some_items(before, count)
            if part is None:  # more of them share a hash than there was room for
                count *= 2
                continue
            found += part
            if after is None:
                return found
            before = after

    def _some_items(
        self, before: Any, count: int
    ) -> tuple[list[tuple[bytes, bytes]] | None, Any | None]:
        """Return at most `count` entries behind the cursor `before`, and the next cursor if there
        may be more. No entries at all if `count` is too few.
        """
        keys = ctypes.create_string_buffer(self.key_size * count)
        values = ctypes.create_string_buffer(self.value_size * count)
        after = ctypes.create_string_buffer(max(self.key_size, 4))
        got = ctypes.c_uint32(count)
        options = BatchOptions(ctypes.sizeof(BatchOptions), 0, 0)
        result = library().calls.bpf_map_lookup_batch(
            self.fd, before, after, keys, values, ctypes.byref(got), options
        )
        error = ctypes.get_errno() if result < 0 else 0
        if error == errno.ENOSPC:
            return None, None
        if error not in (0, errno.ENOENT):
            raise LoadError(f"reading {self.name}: {os.strerror(error)}")
        part = zip(
            pieces(keys.raw, self.key_size)[: got.value],
            pieces(values.raw, self.value_size),
            strict=False,
        )
        return list(part), None if error else after

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


@functools.cache
def num_cpus() -> int:
    """Return how many CPUs there may ever be: their numbers are smaller."""
    last = Path("/sys/devices/system/cpu/possible").read_text().strip()
    return int(re.split("[-,]", last)[-1]) + 1


def form_of(map_fd: int) -> tuple[int, int, int, int, int]:
    """Return type, octets of keys, octets of values, number of entries and flags of a map."""
    info = MapInfo()
    size = ctypes.c_uint32(ctypes.sizeof(info))
    asked = library().calls.bpf_obj_get_info_by_fd(map_fd, ctypes.byref(info), ctypes.byref(size))
    check(asked, "asking for a map")
    return info.type, info.key_size, info.value_size, info.max_entries, info.map_flags


class Waiting(Protocol):
    """What a writer waits for before it uses memory again that packets may have come to."""

    def wait(self) -> None:
        """Return when all programs that were running have ended."""


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
        """Give the maps back; once."""
        for fd in (self._outer, self._inner):
            if fd >= 0:
                os.close(fd)
        self._outer = self._inner = -1
