"""The file system where the kernel keeps maps, programs and links that no process holds."""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from p4xdp.xdp.libbpf import check, last_error, library
from p4xdp.xdp.maps import Map

if TYPE_CHECKING:
    from collections.abc import Iterator

SYSTEM_MOUNT = Path("/sys/fs/bpf")
OWN_MOUNT = "bpf"  # under the run directory
_SUBDIRECTORY = "p4xdp"

_logger = logging.getLogger(__name__)


def pin(fd: int, path: Path) -> None:
    """Have the kernel keep a map, program or link; LoadError."""
    # Dots are for the file system itself.
    check(library().calls.bpf_obj_pin(fd, os.fsencode(path)), f"pinning {path}")


def opened(path: Path) -> int:
    """Return a file descriptor of what is pinned at `path`; LoadError."""
    return check(library().calls.bpf_obj_get(os.fsencode(path)), f"opening the pinned {path}")


class Pinned:
    """Maps and programs that an earlier process loaded. A `p4xdp.xdp.objects.Loaded`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._fds: dict[str, int] = {}

    def map(self, name: str, key_size: int, value_size: int, *, is_per_cpu: bool = False) -> Map:
        """Return a map."""
        cpus = library().calls.libbpf_num_possible_cpus() if is_per_cpu else 0
        return Map(name, self.map_fd(name), key_size, value_size, check(cpus, "counting CPUs"))

    def map_fd(self, name: str) -> int:
        """Return the file descriptor of a map."""
        return self._fd(map_pin(self._directory, name))

    def program_fd(self, name: str) -> int:
        """Return the file descriptor of a program."""
        return self._fd(program_pin(self._directory, name))

    def _fd(self, path: Path) -> int:
        if path.name not in self._fds:
            self._fds[path.name] = opened(path)
        return self._fds[path.name]

    def close(self) -> None:
        """Let go of maps and programs."""
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()


def map_pin(directory: Path, name: str) -> Path:
    """Return where a map is pinned."""
    return directory / f"map_{name.replace('.', '_')}"


def program_pin(directory: Path, name: str) -> Path:
    """Return where a program is pinned."""
    return directory / f"program_{name}"


def remove(directory: Path) -> None:
    """Remove a directory of pins with what is in it; the kernel frees what nobody else uses."""
    if not directory.is_dir():
        return
    for path in directory.iterdir():
        if path.is_dir():
            remove(path)
        else:
            path.unlink()
    directory.rmdir()


def directory_for(name: str, run_directory: Path) -> Path | None:
    """Return the directory in which a switch of that name pins, made if need be.

    It is in the system's BPF file system if that is mounted, else in one mounted for us under
    `run_directory`. None, and a warning that says why, if there can be none.
    """
    own = run_directory / OWN_MOUNT
    mounts = [path for path in (SYSTEM_MOUNT, own) if is_mounted(path)]
    if not mounts:
        try:
            _mount(own)
        except OSError as error:
            _logger.warning(
                "no BPF file system (%s): mount one with `mount -t bpf bpf %s`. Until then traffic "
                "stops with this process",
                error.strerror,
                SYSTEM_MOUNT,
            )
            return None
        mounts = [own]
    places = [_under(mount) / name for mount in mounts]
    directory = next((place for place in places if place.is_dir()), places[0])
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _under(mount: Path) -> Path:
    return mount / _SUBDIRECTORY if mount == SYSTEM_MOUNT else mount


def unmount_if_empty(run_directory: Path) -> None:
    """Remove the file system mounted for us, when nothing is pinned there any more."""
    own = run_directory / OWN_MOUNT
    # The kernel puts files of its own there, with a dot in their names.
    if is_mounted(own) and not any("." not in path.name for path in own.iterdir()):
        ctypes.CDLL(None, use_errno=True).umount(os.fsencode(own))


def is_mounted(path: Path) -> bool:
    """Return whether a BPF file system is mounted at `path`."""
    return any(point == str(path.resolve()) for point in _mount_points())


def _mount_points() -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        described, _, kind = line.partition(" - ")
        if kind.split()[0] == "bpf":
            yield described.split()[4].encode().decode("unicode_escape")


def _mount(path: Path) -> None:
    """Mount a BPF file system. OSError.

    `ip netns exec` gives a command mounts of its own, which end with it: so mount in those of the
    first process, and for us alone only if that does not reach us.
    """
    path.mkdir(parents=True, exist_ok=True)
    if _has_own_mounts():
        command = ["nsenter", "--target", "1", "--mount", "mount", "-t", "bpf", "bpf", str(path)]
        subprocess.run(command, check=False, capture_output=True)
        if is_mounted(path):
            return
        _logger.warning(
            "the BPF file system at %s is seen in this mount namespace alone, and ends with the "
            "last process in it; mount one outside: mount -t bpf bpf %s",
            path,
            path,
        )
    mount = ctypes.CDLL(None, use_errno=True).mount
    mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
    if mount(b"bpf", os.fsencode(path), b"bpf", 0, b"mode=0700") != 0:
        raise last_error()


def _has_own_mounts() -> bool:
    try:
        first = Path("/proc/1/ns/mnt").stat().st_ino
    except OSError:
        return False  # nobody tells
    return Path("/proc/self/ns/mnt").stat().st_ino != first
