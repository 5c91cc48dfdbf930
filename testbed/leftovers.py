"""What a run may leave on a host, listed before and after, so that nothing is left unseen."""

import socket
from dataclasses import dataclass
from pathlib import Path

from testbed import netns

_BPF_FILE_SYSTEM = Path("/sys/fs/bpf")


@dataclass(frozen=True)
class Host:
    """Names of what is on the host: links, BPF pins, and what one lab made of the rest."""

    namespaces: frozenset[str]
    links: frozenset[str]
    pins: frozenset[str]
    lab_files: frozenset[str]

    def added_since(self, before: "Host") -> list[str]:
        """What is there now and was not before, one short description each."""
        kinds = {
            "network namespace": self.namespaces - before.namespaces,
            "link": self.links - before.links,
            "BPF pin": self.pins - before.pins,
            "lab file": self.lab_files - before.lab_files,
        }
        return [f"{kind} {name}" for kind, names in kinds.items() for name in sorted(names)]


def look(lab_id: str) -> Host:
    """What is on this host now. Of labs, only the one of that id: others may be at work."""
    return Host(
        namespaces=frozenset(netns.namespaces_of(lab_id)),
        links=frozenset(name for _, name in socket.if_nameindex()),
        pins=frozenset(str(path) for path in _BPF_FILE_SYSTEM.rglob("*")),
        lab_files=frozenset(str(path) for path in netns.RUN_DIRECTORY.glob(lab_id)),
    )


def processes_of(lab_id: str) -> frozenset[int]:
    """Ids of the processes that live in the namespaces of a lab, our own left out."""
    return frozenset(
        pid for name in netns.namespaces_of(lab_id) for pid in netns.processes_in(name)
    )


def is_alive(pid: int) -> bool:
    """Whether a process of that id exists and is no zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
