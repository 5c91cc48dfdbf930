"""A switch as our child process: started, watched, listened to, ended by its own id."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import deque
from typing import TYPE_CHECKING

from upf.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOG = logging.getLogger(__name__)

START_TIMEOUT_S = 60.0  # the first start compiles the data plane
STOP_TIMEOUT_S = 10.0

_LINES_KEPT = 20
_COMPLAINT = "p4xdp: "
_PIPE_BYTES = 1 << 20


class Child:
    """A process that says `READY ...` on stdout and logs `LEVEL text` on stderr."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._last_lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._complaint: str | None = None
        self._relay = asyncio.create_task(self._relay_log())

    @classmethod
    async def start(cls, command: Sequence[str], *, timeout_s: float = START_TIMEOUT_S) -> Child:
        """Start a command and wait until it is ready; StartError carries its last words."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_PIPE_BYTES,
                start_new_session=True,  # Ctrl-C is for us; we end the child when we are done
            )
        except OSError as error:
            raise StartError(f"cannot start the switch: {error}") from error
        child = cls(process)
        try:
            async with asyncio.timeout(timeout_s):
                await child._wait_ready()
        except TimeoutError:
            await child.stop()
            raise StartError(f"the switch was not ready after {timeout_s:.0f} s") from None
        except BaseException:
            await child.stop()
            raise
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> str:
        """Wait for the process to end; says how it ended."""
        code = await self._process.wait()
        await self._end_relay()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"
        last = self._last_lines[-1] if self._last_lines else "it said nothing"
        return f"{how}: {last}"

    async def stop(self) -> None:
        """End the process: politely, then by force."""
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await self._process.wait()
            except TimeoutError:
                _LOG.warning("the switch (pid %d) does not end, killing it", self.pid)
                self._process.kill()
                await self._process.wait()
        await self._end_relay()

    async def _end_relay(self) -> None:
        """Wait for the last lines, but not for a compiler the process may have left behind."""
        await asyncio.wait([self._relay], timeout=1)
        self._relay.cancel()

    async def _wait_ready(self) -> None:
        if self._process.stdout is None:
            raise StartError("the switch has no stdout")
        while line := (await self._process.stdout.readline()).decode(errors="replace"):
            if line.startswith("READY"):
                return
        await self._process.wait()
        await self._end_relay()
        last = self._last_lines[-1] if self._last_lines else "it said nothing"
        raise StartError(self._complaint or last)

    async def _relay_log(self) -> None:
        """Log what the child logs, at the level it gives."""
        if self._process.stderr is None:
            return
        while raw := await self._process.stderr.readline():
            line = raw.decode(errors="replace").rstrip()
            self._last_lines.append(line)
            if line.startswith(_COMPLAINT):
                # What a library or the kernel says to it comes in the lines after.
                self._complaint = line.removeprefix(_COMPLAINT)
            word, _, text = line.partition(" ")
            level = logging.getLevelNamesMapping().get(word)
            if level is None:
                _LOG.info("switch: %s", line)
            else:
                _LOG.log(level, "switch: %s", text)
