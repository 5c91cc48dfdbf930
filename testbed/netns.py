"""Network namespaces: make, enter, remove, and remove what a dead run left behind.

A lab is known by an id that is part of every name it makes (`tern-<id>-upf`) and by a file in
/run/tern-testbed that its owner keeps locked. The lock dies with the owner, so a lab whose file can
be locked by somebody else is a leftover: no process id is compared, none can be mistaken.
"""

import contextlib
import ctypes
import fcntl
import os
import re
import secrets
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from testbed.command import run
from testbed.errors import TestbedError

RUN_DIRECTORY = Path("/run/tern-testbed")
NETNS_DIRECTORY = Path("/run/netns")
PREFIX = "tern"
_OF_A_LAB = re.compile(rf"{PREFIX}-(?P<lab_id>[0-9a-f]{{4}})-")

_CLONE_NEWNET = 0x40000000  # linux/sched.h; os.setns arrives with Python 3.12
_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd: int) -> None:
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))


@contextlib.contextmanager
def entered(namespace: str) -> Iterator[None]:
    """Put the calling thread, and it alone, into the network namespace of that name.

    A socket or TUN device opened inside stays in that namespace when the thread has left it.
    """
    with open("/proc/thread-self/ns/net", "rb") as home:  # noqa: PTH123 - the file is a handle
        try:
            with (NETNS_DIRECTORY / namespace).open("rb") as there:
                _setns(there.fileno())
        except OSError as refused:
            raise TestbedError(
                f"cannot enter network namespace {namespace}: {refused.strerror} (root is needed, "
                "and the lab must be up)"
            ) from refused
        try:
            yield
        finally:
            _setns(home.fileno())


def listed() -> list[str]:
    """Names of all named network namespaces of this host."""
    if not NETNS_DIRECTORY.is_dir():
        return []
    return sorted(entry.name for entry in NETNS_DIRECTORY.iterdir())


def processes_in(namespace: str) -> list[int]:
    """Ids of the processes whose network namespace is that one."""
    return [int(pid) for pid in run("ip", "netns", "pids", namespace).stdout.split()]


def remove(namespace: str, *, grace_s: float = 2.0) -> None:
    """Remove a namespace and end the processes that live in it; does nothing if there is none."""
    if namespace not in listed():
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + grace_s
        pids = [pid for pid in processes_in(namespace) if pid != os.getpid()]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        while pids and processes_in(namespace) and time.monotonic() < deadline:
            time.sleep(0.02)
    run("ip", "netns", "del", namespace)


@contextlib.contextmanager
def _register() -> Iterator[Path]:
    """Hold the directory of lab files: a file must not be swept before its owner has locked it."""
    RUN_DIRECTORY.mkdir(parents=True, exist_ok=True)
    fd = os.open(RUN_DIRECTORY, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield RUN_DIRECTORY
    finally:
        os.close(fd)


class LabId:
    """The id of one lab, held by a locked file for as long as its owner lives."""

    def __init__(self) -> None:
        self.value = secrets.token_hex(2)
        self.path = RUN_DIRECTORY / self.value
        self._fd = -1

    def name(self, room: str) -> str:
        """The name of the namespace that plays `room` in this lab."""
        return f"{PREFIX}-{self.value}-{room}"

    def __enter__(self) -> Self:
        with _register():
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(self._fd, f"{os.getpid()}\n".encode())
        return self

    def __exit__(self, *raised: object) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self._fd)


def namespaces_of(lab_id: str) -> list[str]:
    """Names of the namespaces a lab has made."""
    return [name for name in listed() if name.startswith(f"{PREFIX}-{lab_id}-")]


def _is_abandoned(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:  # its owner has just cleaned up
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def sweep() -> list[str]:
    """Remove the namespaces no living lab owns; return their names."""
    with _register() as directory:
        abandoned = [path for path in directory.iterdir() if _is_abandoned(path)]
        living = {path.name for path in directory.iterdir()} - {path.name for path in abandoned}
        owners = ((name, _OF_A_LAB.match(name)) for name in listed())
        removed = [name for name, owner in owners if owner and owner["lab_id"] not in living]
        for namespace in removed:
            remove(namespace)
        for path in abandoned:
            path.unlink(missing_ok=True)
    return removed
