"""A switch as an operator runs it, to be killed."""

import signal
import subprocess
import sys
from pathlib import Path

from testbed.command import PROJECT, run
from testbed.errors import PeerError


class SwitchProcess:
    """`p4xdp switch` over `ports`, its socket and what outlives it in `directory`."""

    def __init__(self, build: Path, ports: dict[int, str], directory: Path) -> None:
        self.address = f"unix:{directory / 'p4rt.sock'}"
        self.log = directory / "switch.log"
        self._common = ["--name", "faulty", "--run-dir", str(directory / "run")]
        self._arguments = [str(build), "--listen", self.address, *self._common]
        for number, interface in ports.items():
            self._arguments += ["--port", f"{number}={interface}"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it serves. PeerError carries its last line."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                _command(*self._arguments),
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=PROJECT,
            )
        assert self._process.stdout is not None
        if not self._process.stdout.readline().startswith(b"READY"):
            self.kill()
            last = self.log.read_text().splitlines()[-1:]
            raise PeerError(f"the switch does not start: {''.join(last)}")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send it a signal that ends it, and wait for the end."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def detach(self) -> None:
        """End it if it runs, and free its ports."""
        run(*_command("--detach", *self._common), check=False)
        self.kill()


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "p4xdp", "switch", *arguments]
