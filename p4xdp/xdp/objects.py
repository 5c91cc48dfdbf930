"""A BPF object on its way into the kernel, and there: its maps and its programs."""

from __future__ import annotations

import ctypes
import errno
from typing import TYPE_CHECKING, Protocol

from p4xdp.xdp.errors import LoadError
from p4xdp.xdp.libbpf import check, last_error, library
from p4xdp.xdp.maps import Map, form_of

if TYPE_CHECKING:
    from pathlib import Path


class Loaded(Protocol):
    """Maps and programs that are in the kernel."""

    def map(self, name: str, key_size: int, value_size: int, *, is_per_cpu: bool = False) -> Map:
        """Return a map; LoadError if there is none of that name."""

    def map_fd(self, name: str) -> int:
        """Return the file descriptor of a map; LoadError if there is none of that name."""

    def program_fd(self, name: str) -> int:
        """Return the file descriptor of a program; LoadError if there is none of that name."""

    def close(self) -> None:
        """Let go of maps and programs. The kernel keeps what links and pins still use."""


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

    def share(self, name: str, map_fd: int) -> bool:
        """Use a map that is in the kernel already, if it has the form of ours; before loading."""
        pointer, calls = self._map(name), self._calls
        own = (
            calls.bpf_map__type(pointer),
            calls.bpf_map__key_size(pointer),
            calls.bpf_map__value_size(pointer),
            calls.bpf_map__max_entries(pointer),
            calls.bpf_map__map_flags(pointer),
        )
        if form_of(map_fd) != own:
            return False
        check(calls.bpf_map__reuse_fd(pointer, map_fd), f"taking over map {name}")
        return True

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
        return Map(name, self.map_fd(name), key_size, value_size, cpus)

    def map_fd(self, name: str) -> int:
        """Return the file descriptor of a map; after loading."""
        return check(self._calls.bpf_map__fd(self._map(name)), f"map {name}")

    def map_names(self) -> set[str]:
        """Return the names of all maps."""
        names: set[str] = set()
        pointer = self._calls.bpf_object__next_map(self._pointer, None)
        while pointer:
            names.add(self._calls.bpf_map__name(pointer).decode())
            pointer = self._calls.bpf_object__next_map(self._pointer, pointer)
        return names

    def program_fd(self, name: str) -> int:
        """Return the file descriptor of a program that was wanted; after loading."""
        return check(self._calls.bpf_program__fd(self._program(name)), f"program {name}")

    def close(self) -> None:
        """Give back maps and programs. The kernel keeps what links still use."""
        if self._pointer:
            self._calls.bpf_object__close(self._pointer)
            self._pointer = 0
