"""What the XDP target refuses or cannot do, each in one sentence that says what to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.dataplane import DataplaneError

if TYPE_CHECKING:
    from p4xdp.ir import Position


class UnsupportedProgramError(Exception):
    """The program is legal, but the XDP generator has no way to keep its meaning."""

    def __init__(self, what: str, at: Position | None = None) -> None:
        super().__init__(f"{at}: {what}" if at is not None and at.file else what)


class BuildError(DataplaneError):
    """The generated C did not become an object."""


class LoadError(DataplaneError):
    """The kernel or libbpf refused; carries the end of their log."""


class PortError(DataplaneError):
    """An interface cannot be a port; the message says what to do about it."""
