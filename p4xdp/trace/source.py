"""Where the state of a switch comes from, asked only for what a packet needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp import ir
    from p4xdp.dataplane import Entry, MeterConfig


class Source(Protocol):
    """What a switch holds. Every call may raise `p4xdp.client.SwitchError`."""

    def entries(self, table: ir.Table, values: Sequence[int]) -> Sequence[Entry]:
        """Return the entries of `table`; those that do not match `values` may be left out."""

    def default(self, table: ir.Table) -> tuple[str, tuple[int, ...]] | None:
        """Return action and arguments of a miss; None if they are the program's own."""

    def meter(self, meter: ir.Meter, index: int) -> MeterConfig | None:
        """Return how a cell of an indexed meter is set; None if it limits nothing."""

    def direct_meter(self, table: ir.Table, entry: Entry) -> MeterConfig | None:
        """Return how an entry's own meter is set."""

    def register(self, register: ir.Register, index: int) -> tuple[int, ...] | None:
        """Return a cell, a number a field; None if it is as when the program starts."""
