"""What nr-cli tells of a gNB or UE, and what it can be asked to do.

nr-cli finds its nodes in one folder for the whole machine. Each program of the lab gets a folder of
its own, mounted where it alone sees it, so that several labs, and whatever else runs UERANSIM here,
do not see each other's nodes.
"""

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from testbed.command import run
from testbed.errors import PeerError
from testbed.ueransim.processes import Process

_PROCESS_TABLE = Path("/tmp/UERANSIM.proc-table")
_FIELD = re.compile(r"^[\s-]*(?P<name>[A-Za-z][\w .-]*):\s*(?P<value>\S.*)$")
_POLL_S = 0.2


def with_own_nodes(argv: Sequence[str]) -> list[str]:
    """The command line that starts a program of UERANSIM with a process table of its own."""
    _PROCESS_TABLE.mkdir(exist_ok=True)
    mount = f'mount -t tmpfs tern-lab {_PROCESS_TABLE} && exec "$@"'
    return ["unshare", "--mount", "--", "sh", "-c", mount, "sh", *argv]


class Node:
    """A gNB or UE by its name, in the process it is part of."""

    def __init__(self, name: str, process: Process, cli: str) -> None:
        self.name, self.process, self._cli = name, process, cli

    def ask(self, command: str) -> str:
        """Give a command; return what nr-cli prints. Raises CommandError if it is refused."""
        where = ("nsenter", "--target", str(self.process.pid), "--mount", "--net", "--")
        return run(*where, self._cli, self.name, "--exec", command, timeout_s=10).stdout

    def fields(self, command: str) -> dict[str, str]:
        """The fields of an answer by name; of several with one name, the first."""
        return fields(self.ask(command))

    def await_field(self, command: str, name: str, value: str, timeout_s: float) -> float:
        """Ask until a field has that value; return the seconds it took.

        Raises PeerError with what it was last if that takes longer than `timeout_s`.
        """
        seen = ""

        def is_there() -> bool:
            nonlocal seen
            seen = self.fields(command).get(name, "nothing")
            return seen == value

        return wait_for(is_there, timeout_s, lambda: f"{self.name}: {name} is {seen}, not {value}")


def fields(answer: str) -> dict[str, str]:
    """`name: value` lines of an answer of nr-cli, nesting left out."""
    found: dict[str, str] = {}
    for line in answer.splitlines():
        match = _FIELD.match(line)
        if match:
            found.setdefault(match["name"].strip(), match["value"].strip())
    return found


def wait_for(holds: Callable[[], bool], timeout_s: float, failure: Callable[[], str]) -> float:
    """Poll until something holds; return the seconds it took.

    Raises PeerError with what `failure` says if that takes longer than `timeout_s`.
    """
    began = time.monotonic()
    while not holds():
        if time.monotonic() > began + timeout_s:
            raise PeerError(f"{failure()} after {timeout_s:g} s")
        time.sleep(_POLL_S)
    return time.monotonic() - began
