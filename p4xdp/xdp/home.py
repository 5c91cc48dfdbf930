"""Where a switch lives: its directory, which one process at a time holds, what is kept there, and
where its maps, programs and links are pinned.

    /run/p4xdp/NAME/lock        held while a process serves the switch; its id is inside
    /run/p4xdp/NAME/kept.sqlite what the maps do not tell
    /sys/fs/bpf/p4xdp/NAME/     links/PORT, and for each program a directory of maps and programs
                                (or /run/p4xdp/bpf/NAME, where no BPF file system is mounted)
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from p4xdp.dataplane import DataplaneError
from p4xdp.kept import FileKept, Kept, MemoryKept
from p4xdp.xdp import bpffs

RUN_DIRECTORY = Path("/run/p4xdp")
DEFAULT_NAME = "switch"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_POLL_S = 0.05

_logger = logging.getLogger(__name__)


class HomeError(DataplaneError):
    """The directory cannot be had; the message says why and what to do."""


@dataclass(slots=True)
class Home:
    """`directory` is None for a switch of which nothing outlives its process; `pins` is None where
    the maps do not.
    """

    name: str
    directory: Path | None
    kept: Kept
    pins: Path | None
    _lock: int | None = None

    @classmethod
    def nowhere(cls) -> Home:
        """A home that ends with the process."""
        return cls("", None, MemoryKept(), None)

    @classmethod
    def enter(cls, name: str, run_directory: Path = RUN_DIRECTORY, *, wait_s: float = 10.0) -> Home:
        """Take a switch over, waiting for a process that is about to end. HomeError."""
        directory = directory_of(name, run_directory)
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = _locked(directory, wait_s)
        except OSError as error:
            raise HomeError(f"cannot use {directory}: {error.strerror}; run as root") from error
        pins = bpffs.directory_for(name, run_directory)
        path = directory / "kept.sqlite"
        if pins is None or not any(pins.iterdir()):
            # Without its maps nothing of an earlier life is worth anything (a restart of the host).
            for stale in directory.glob("kept.sqlite*"):
                stale.unlink()
        return cls(name, directory, MemoryKept() if pins is None else FileKept(path), pins, lock)

    def leave(self) -> None:
        """Let another process have it; what is kept and pinned stays. If nothing is pinned, nothing
        of it is worth keeping.
        """
        self.kept.close()
        if self._lock is None:
            return
        if self.directory is not None and (self.pins is None or not any(self.pins.iterdir())):
            self._clear()
        self._unlock()

    def remove(self) -> None:
        """Leave, and remove what is kept and pinned. The kernel detaches what was only pinned."""
        self.kept.close()
        if self._lock is not None:
            self._clear()
        self._unlock()

    def _clear(self) -> None:
        if self.pins is not None:
            bpffs.remove(self.pins)
            self.pins = None
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
            bpffs.unmount_if_empty(self.directory.parent)
            self.directory = None

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def directory_of(name: str, run_directory: Path = RUN_DIRECTORY) -> Path:
    """Return the directory of the switch of that name; HomeError if that is no name."""
    if not _NAME.fullmatch(name) or name == bpffs.OWN_MOUNT:
        raise HomeError(f"'{name}' is no name for a switch: up to 64 of A-Z, a-z, 0-9, _ and -")
    return run_directory / name


def process_of(directory: Path) -> int | None:
    """Return the id of the process that serves the switch in `directory`, if one does."""
    try:
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(lock, 32) or b"0") or None
    finally:
        os.close(lock)
    return None


def _locked(directory: Path, wait_s: float) -> int:
    deadline = time.monotonic() + wait_s
    is_told = False
    while True:
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = int(os.read(lock, 32) or b"0")
            os.close(lock)
            if time.monotonic() >= deadline:
                raise HomeError(
                    f"the switch {directory.name} is served by process {holder}: stop that "
                    "(p4xdp switch --stop), or give this one another --name"
                ) from None
            if not is_told:
                _logger.info("waiting for process %d to leave the switch", holder)
                is_told = True
            time.sleep(_POLL_S)
            continue
        if not _is_still(directory / "lock", lock):  # the switch was removed meanwhile
            os.close(lock)
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            continue
        os.ftruncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        return lock


def _is_still(path: Path, fd: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(fd).st_ino
    except FileNotFoundError:
        return False
