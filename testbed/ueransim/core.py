"""A core as data: its network functions, how each is configured and started, its database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.ueransim.plan import Subscriber


@dataclass(frozen=True)
class NetworkFunction:
    """One program of the core. `ready` is a pattern of the line it logs when it serves; `more` are
    further files it wants, each by the option that names it.
    """

    name: str
    program: str
    configuration: dict[str, Any]
    ready: str
    uses_sctp: bool = False
    more: tuple[tuple[str, str, dict[str, Any]], ...] = ()

    @property
    def files(self) -> dict[str, dict[str, Any]]:
        """What it reads: contents by the file's name, without its ending."""
        return {self.name: self.configuration, **{name: what for _, name, what in self.more}}

    def argv(self, program: str, directory: Path) -> list[str]:
        """The command line that starts it, its files being in `directory`."""
        argv = [program, "-c", str(directory / f"{self.name}.yaml")]
        for option, name, _ in self.more:
            argv += [option, str(directory / f"{name}.yaml")]
        return argv


@dataclass(frozen=True)
class Database:
    """A database of MongoDB, and what is kept of a subscriber: documents by collection."""

    name: str
    documents: Callable[[Subscriber], dict[str, list[dict[str, Any]]]]

    def contents(self, subscribers: Sequence[Subscriber]) -> dict[str, list[dict[str, Any]]]:
        """All documents by collection."""
        found: dict[str, list[dict[str, Any]]] = {}
        for each in subscribers:
            for collection, documents in self.documents(each).items():
                found.setdefault(collection, []).extend(documents)
        return found


@dataclass(frozen=True)
class Core:
    """A 5G core without its UPF. `association_s`: how long its SMF may take to find the UPF;
    `version_option` makes its programs tell their version, where they can.
    """

    name: str
    functions: tuple[NetworkFunction, ...]
    database: Database
    association_s: float
    version_option: str | None = None

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of its programs, each once."""
        return tuple(dict.fromkeys(each.program for each in self.functions))
