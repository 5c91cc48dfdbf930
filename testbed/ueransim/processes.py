"""Programs that run for the length of the lab: started in a namespace, logged, watched, stopped."""

import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from testbed.command import spawn, stop
from testbed.errors import PeerError

_POLL_S = 0.1
_LINES_TOLD = 8


class Process:
    """A program in a namespace for the length of a `with` block; its output goes to `log`."""

    def __init__(
        self, name: str, argv: Sequence[str], namespace: str | None, directory: Path
    ) -> None:
        self.name, self.argv, self.namespace = name, tuple(argv), namespace
        self.log = directory / f"{name}.log"
        self._running: subprocess.Popen[bytes] | None = None
        self._begins_at = 0  # of the log, what it says since it was last started

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self._begins_at = log.tell()
            self._running = spawn(self.argv, namespace=self.namespace, stdout=log, stderr=log)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._running is not None and self._running.poll() is None:
            stop(self._running)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._running is not None, f"{self.name} was not started"
        return self._running.pid

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._running is not None and self._running.poll() is None

    def await_end(self, timeout_s: float) -> bool:
        """Wait for it to end by itself; say whether it did."""
        assert self._running is not None, f"{self.name} was not started"
        try:
            self._running.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def await_line(self, pattern: str, timeout_s: float) -> str:
        """Wait until it logs a line in which `pattern` is found; return the line.

        Raises PeerError with the log's last lines if it ends before, or takes longer.
        """
        wanted = re.compile(pattern)
        deadline = time.monotonic() + timeout_s
        while True:
            was_alive = self.is_alive
            for line in self.lines():
                if wanted.search(line):
                    return line
            if not was_alive:
                raise PeerError(f"{self.name} ended before it was ready: {self.last_words()}")
            if time.monotonic() > deadline:
                raise PeerError(
                    f"{self.name} did not log {pattern!r} within {timeout_s:g} s: "
                    f"{self.last_words()}"
                )
            time.sleep(_POLL_S)

    def kill(self) -> None:
        """End it as a fault would, with no time to clean up."""
        assert self._running is not None, f"{self.name} was not started"
        self._running.kill()
        self._running.wait()

    def start(self) -> None:
        """Start it again after it ended."""
        self.__enter__()

    def lines(self) -> list[str]:
        """What it has logged since it was started."""
        octets = self.log.read_bytes()[self._begins_at :]
        return octets.decode("utf-8", "replace").splitlines()

    def last_words(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.lines()[-_LINES_TOLD:]) or "it logged nothing"
