"""How many packets the entries of a table let pass, as far as counters tell.

The pipeline has no counters of its own at its tables. Each PDR has a usage counter, which counts
what passed all rules; the entry that names it is the one that was hit.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from upf import tables

if TYPE_CHECKING:
    from upf.compiler import Compiled
    from upf.rules import PDR

_NAMING_A_COUNTER = frozenset(
    name
    for kind, name in tables.ACTIONS.items()
    if getattr(kind, "_fields", ())[:1] == ("usage_id",)
)
#: Tables whose entries name usage counters.
COUNTED_TABLES = frozenset(
    tables.TABLES[kind]
    for kind in (
        tables.SessionByFTEID,
        tables.SessionByUEIPv4,
        tables.SessionByUEIPv6,
        tables.Flow,
    )
)


class TableHits:
    """Packets by table, since the UPF started. Those of a PDR with entries in two tables, of a UE
    with addresses of both versions of IP, count at the first.
    """

    def __init__(self) -> None:
        self.packets: Counter[str] = Counter(dict.fromkeys(COUNTED_TABLES, 0))
        self._known: dict[int, tuple[Compiled, str]] = {}

    def add(self, pdr: PDR, packets: int, compiled: Compiled | None = None) -> None:
        """Count packets of a PDR, whose session's entries are `compiled`, or those known last."""
        known = self._known.get(pdr.usage_id)
        if compiled is not None and (known is None or known[0] is not compiled):
            known = self._known[pdr.usage_id] = (compiled, _table_of(compiled, pdr))
        self.packets[_likely_table(pdr) if known is None else known[1]] += packets

    def forget(self, pdr: PDR) -> None:
        """Its counter will have another owner."""
        self._known.pop(pdr.usage_id, None)


def _table_of(compiled: Compiled, pdr: PDR) -> str:
    for entry in compiled.entries:
        if entry.action in _NAMING_A_COUNTER and entry.params[0] == pdr.usage_id:
            return entry.table
    return _likely_table(pdr)


def _likely_table(pdr: PDR) -> str:
    """Where a PDR stands that was gone before it was looked at: most need no filters."""
    if pdr.pdi.local_fteid is not None:
        return tables.TABLES[tables.SessionByFTEID]
    is_ipv6 = pdr.pdi.ue_ipv4 is None and pdr.pdi.ue_ipv6 is not None
    return tables.TABLES[tables.SessionByUEIPv6 if is_ipv6 else tables.SessionByUEIPv4]
