"""The UPF under test as an operator runs it: `upf run -c upf.toml` in its namespace."""

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from testbed.command import run, spawn, stop
from testbed.errors import PeerError, TestbedError
from testbed.rest import REST
from upf.config import load
from upf.target import lasting

if TYPE_CHECKING:
    import subprocess

#: What an operator would write for the lab's topology, with an N6 for whatever network it is.
WITH_ANY_N6 = """\
[n4]
address = "10.100.4.2"

[rest]
listen = "127.0.0.1:8080"

[[interface]]
name = "n3"
role = "access"

[[interface]]
name = "n6"
role = "core"
"""

#: The same with an N6 for one data network.
CONFIGURATION = f'{WITH_ANY_N6}network_instance = "internet"\n'

_READY_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 15.0
_POLL_S = 0.1
_LOG_LINES_TOLD = 8
_FAULT = re.compile(r"Traceback|\b(ERROR|CRITICAL)\b")


class UPFProcess:
    """Runs the UPF for the length of a `with` block, from ready to stopped by SIGTERM.

    `log` is the file its output goes to, in `directory`, beside its configuration.
    """

    def __init__(self, namespace: str, directory: Path, configuration: str = CONFIGURATION) -> None:
        self.namespace = namespace
        self.rest = REST(namespace)
        self.log = directory / "upf.log"
        self.exit_status: int | None = None
        self._configuration = directory / "upf.toml"
        self._configuration.write_text(configuration, encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def _start(self) -> None:
        upf = Path(sys.executable).with_name("upf")
        if not upf.exists():
            raise TestbedError(f"{upf} is not there: install the project (make .venv/installed)")
        with self.log.open("ab") as log:
            self._process = spawn(
                [str(upf), "run", "-c", str(self._configuration)],
                namespace=self.namespace,
                stdout=log,
                stderr=log,
            )
        try:
            self.await_ready()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *raised: object) -> None:
        was_killed = self._process is None and self.exit_status is None
        self.stop()
        if was_killed:
            self.detach()

    def detach(self) -> None:
        """Take the data plane that a killed UPF left behind off its interfaces."""
        owner = load(self._configuration).state.file
        assert owner is not None
        name = lasting.name_of(owner)
        argv = (sys.executable, "-m", "p4xdp", "switch", "--detach", "--name", name or "")
        run(*argv, namespace=self.namespace)

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return None if self._process is None else self._process.pid

    @property
    def switch_pid(self) -> int:
        """Process id of the switch it started, its only child."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return int(children.read_text(encoding="ascii").split()[0])

    def kill(self) -> None:
        """End it as a fault would: at once, with no time to clean up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def start(self) -> None:
        """Start it again after `kill` or `stop`, and wait until it is ready."""
        self._start()

    def stop(self) -> int | None:
        """Stop it as an operator would; return its exit status. Does nothing the second time."""
        if self._process is not None:
            self.exit_status = stop(self._process, _STOP_TIMEOUT_S)
            self._process = None
        return self.exit_status

    def faults(self) -> list[str]:
        """Lines of its log that tell of a fault of its own: tracebacks and errors."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if _FAULT.search(line)]

    def await_ready(self) -> None:
        """Wait until it is ready. PeerError if it ends or takes too long."""
        process = self._process
        assert process is not None
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while process.poll() is None:
            try:
                self.rest.get("/health")
            except PeerError as unready:
                if time.monotonic() > deadline:
                    raise PeerError(
                        f"the UPF is not ready after {_READY_TIMEOUT_S:g} s ({unready}): "
                        f"{self._last_words()}"
                    ) from unready
                time.sleep(_POLL_S)
            else:
                return
        raise PeerError(f"the UPF ended with {process.returncode}: {self._last_words()}")

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_LOG_LINES_TOLD:]) or "it logged nothing"
