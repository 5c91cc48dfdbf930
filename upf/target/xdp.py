"""The Linux switch as a child process of ours: the target that needs no other machine."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upf.errors import StartError, TargetError
from upf.target import artifacts, lasting
from upf.target.child import Child
from upf.target.p4rt import P4RuntimeTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOG = logging.getLogger(__name__)

CPU_PORT = 192
# What leaves here comes in again: traffic from UE to UE.
RECIRCULATION_PORT = 191
HOST_PORT = 193  # "this host's own network stack", on the interface the packet came in by

RUN_BASE = Path("/run")
_RUN_DIR_PREFIX = "tern-switch-"
_ABANDONED_S = 300.0


class XdpTarget(P4RuntimeTarget):
    """A `P4RuntimeTarget` that owns its switch. Made by `start`.

    The process of the switch ends with ours, by whatever way. What it runs forwards on if the
    switch has a name, and the next start under that name takes it over.
    """

    _child: Child
    _run_dir: Path
    _name: str | None
    _watch: asyncio.Task[None]

    @classmethod
    async def start(
        cls,
        ports: Mapping[int, str],
        *,
        mode: str = "auto",
        sizes: Mapping[str, int] | None = None,
        build: Path | None = None,
        owner: Path | None = None,
    ) -> XdpTarget:
        """Attach the pipeline to interfaces, by port number, and become its controller.

        `mode` is auto, native or generic; `sizes` sets entries of tables and cells of arrays by
        name. What it runs outlives the process, for the next start with the same `owner`, a file;
        None: it does not. StartError in one line if it cannot be (no such interface, no privilege,
        no XDP).
        """
        directory = build or artifacts.build_dir()
        pipeline = artifacts.p4info(directory)
        run_dir = _private_dir()
        name = None if owner is None else lasting.name_of(owner)
        await asyncio.to_thread(lasting.detach_abandoned)
        try:
            address = f"unix:{run_dir / 'p4rt.sock'}"
            command = _command(directory, ports, address, mode, sizes or {})
            command += ["--unpinned"] if name is None else ["--name", name]
            child = await Child.start(command)
            try:
                if name is not None and owner is not None:
                    lasting.note_owner(name, owner)
                target = await cls.connect(address, pipeline)
            except BaseException:
                await child.stop()
                raise
        except BaseException:
            shutil.rmtree(run_dir, ignore_errors=True)
            raise
        target.own(child, run_dir, name)
        return target

    async def close(self) -> None:
        """Let go of the switch and end its process. One without a name leaves interfaces as they
        were before; another forwards on.
        """
        self._watch.cancel()
        await super().close()
        await self._child.stop()
        shutil.rmtree(self._run_dir, ignore_errors=True)

    async def detach(self) -> None:
        """Close, and leave interfaces as they were before."""
        await self.close()
        if self._name is not None:
            await asyncio.to_thread(lasting.detach, self._name)

    @property
    def pid(self) -> int:
        """Process id of the switch."""
        return self._child.pid

    def own(self, child: Child, run_dir: Path, name: str | None = None) -> None:
        """Take over the switch process and its directory, to end and remove them in `close`."""
        self._child = child
        self._name = name
        self._run_dir = run_dir
        self._watch = asyncio.create_task(self._watch_child())

    async def _watch_child(self) -> None:
        how = await self._child.wait()
        _LOG.error("the switch process ended by %s", how)
        self._session.lose(TargetError(f"the switch process ended by {how}"))


def _command(
    build: Path, ports: Mapping[int, str], address: str, mode: str, sizes: Mapping[str, int]
) -> list[str]:
    command: list[Any] = [sys.executable, "-m", "p4xdp", "switch", build, "--listen", address]
    for number, interface in ports.items():
        command += ["--port", f"{number}={interface}"]
    for name, size in sizes.items():
        command += ["--size", f"{name}={size}"]
    command += ["--recirculation-port", RECIRCULATION_PORT]
    command += ["--cpu-port", CPU_PORT, "--host-port", HOST_PORT]
    command += ["--mode", mode, "--die-with-parent"]
    return [str(word) for word in command]


def _private_dir() -> Path:
    """Make a directory only we can enter, so that nobody else reaches the socket in it."""
    base = RUN_BASE if os.access(RUN_BASE, os.W_OK) else Path(tempfile.gettempdir())
    remove_abandoned(base, time.time())
    try:
        return Path(tempfile.mkdtemp(prefix=_RUN_DIR_PREFIX, dir=base))
    except OSError as error:
        raise StartError(f"cannot make a directory for the switch: {error}") from error


def remove_abandoned(base: Path, now: float) -> None:
    """Remove empty directories of killed runs; that of a live one is young or holds a socket."""
    for directory in base.glob(f"{_RUN_DIR_PREFIX}*"):
        with suppress(OSError):  # not empty, not ours, or somebody was faster
            if now - directory.stat().st_mtime > _ABANDONED_S:
                directory.rmdir()
