"""A port as it is kept, so that another process can take it over or take it away."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4xdp.xdp.links import interface_of
from p4xdp.xdp.preparing import Preparations

if TYPE_CHECKING:
    from pathlib import Path

    from p4xdp.kept import Kept
    from p4xdp.xdp.home import Home
    from p4xdp.xdp.namespaces import Interface

_KIND = "ports"  # kept by number: the rest of a port, as JSON
_KEPT = ("interface", "ifindex", "mode", "is_extra")


@dataclass(slots=True)
class Port:
    """An interface with the program. `mode` is "native" or "generic"; `link` is None while the
    interface is gone. `state` is "up", "down" or "gone", as it was when last looked at.
    `is_extra`: it was attached to a running switch, not named when that was started.
    """

    number: int
    interface: str
    ifindex: int
    mode: str
    is_extra: bool = False
    link: int | None = None
    state: str = "up"

    def is_where_it_was(self, link: int) -> bool:
        """Return whether the interface of that name is still the one a link is on."""
        try:
            ifindex = socket.if_nametoindex(self.interface)
        except OSError:
            return False
        return interface_of(link) == self.ifindex == ifindex


def keep(kept: Kept, port: Port) -> None:
    """Keep a port."""
    rest = {each: getattr(port, each) for each in _KEPT}
    kept.put(_KIND, str(port.number), json.dumps(rest).encode())


def kept_ports(kept: Kept) -> list[Port]:
    """Return the ports that were kept."""
    return [Port(int(key), **json.loads(text)) for key, text in kept.all(_KIND).items()]


def forget(kept: Kept, number: int) -> None:
    """Keep a port no longer."""
    kept.drop(_KIND, str(number))


def pin_of(pins: Path, number: int) -> Path:
    """Return where the link of a port is pinned."""
    return pins / "links" / str(number)


def state_of(found: Interface) -> str:
    """Return the state of a port on an interface that is there."""
    return "up" if found.is_up and found.has_carrier else "down"


def remove(home: Home) -> None:
    """Detach the ports that an earlier process pinned in `home`, and remove that."""
    preparations = Preparations(home.kept)
    for port in kept_ports(home.kept):
        if home.pins is not None:
            pin_of(home.pins, port.number).unlink(missing_ok=True)
        preparations.undo(port.interface)
    home.remove()
