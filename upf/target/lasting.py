"""Linux switches that outlive their process: what they are called, and the end of those that nobody
will come back for.

Such a switch belongs to the file that its sessions are kept in: without that nobody knows for whom
it forwards.
"""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

from upf.errors import TargetError

_LOG = logging.getLogger(__name__)

_PREFIX = "tern-"
_OWNER = "owner"


def name_of(owner: Path) -> str | None:
    """What the switch of the sessions in a file is called; None if it cannot outlive its process,
    which needs root.
    """
    if os.geteuid() != 0:
        return None
    return _PREFIX + hashlib.sha256(str(owner.absolute()).encode()).hexdigest()[:12]


def note_owner(name: str, owner: Path) -> None:
    """Note beside a switch whose it is."""
    from p4xdp.xdp import home  # noqa: PLC0415 - it loads libbpf

    path = home.directory_of(name) / _OWNER
    path.write_text(str(owner.absolute()), encoding="utf-8")


def detach(name: str) -> None:
    """Take a switch that no process serves off its interfaces. TargetError if one does."""
    from p4xdp.dataplane import DataplaneError  # noqa: PLC0415 - it loads libbpf
    from p4xdp.xdp import home, port  # noqa: PLC0415

    try:
        port.remove(home.Home.enter(name))
    except DataplaneError as error:
        raise TargetError(f"the pipeline stays on the interfaces: {error}") from error


def detach_abandoned() -> None:
    """End switches that nobody serves and whose owner is gone: they only take room."""
    from p4xdp.xdp import home  # noqa: PLC0415 - it loads libbpf

    for directory in home.RUN_DIRECTORY.glob(f"{_PREFIX}*"):
        try:
            owner = Path((directory / _OWNER).read_text(encoding="utf-8"))
            if not owner.exists() and home.process_of(directory) is None:
                _LOG.warning("ending the switch of %s, which is gone", owner)
                detach(directory.name)
        except (OSError, TargetError) as error:
            _LOG.debug("%s is left alone: %s", directory, error)
