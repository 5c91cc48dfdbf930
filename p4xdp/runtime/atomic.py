"""DATAPLANE_ATOMIC: which batches packets can only see before or after.

P4Runtime specification, "Batch Atomicity": what cannot be carried out so is UNIMPLEMENTED. Each
change of an entry, a member, a default action or a cell of a counter or register is one step to
packets, and a batch of one such update is atomic; what takes several steps is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from p4xdp.runtime.changes import unsupported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.runtime.schema import Schema

_ONE_STEP = (
    "table_entry",
    "action_profile_member",
    "counter_entry",
    "register_entry",
    "direct_counter_entry",
    "digest_entry",
)


def require_atomic(schema: Schema, updates: Sequence[Any]) -> None:
    """Refuse a batch that packets could see the middle of."""
    if len(updates) > 1:
        raise unsupported(f"DATAPLANE_ATOMIC batches of {len(updates)} updates; send one, or none")
    for update in updates:
        kind = update.entity.WhichOneof("entity")
        if kind is not None and not _is_one_step(schema, kind, getattr(update.entity, kind)):
            raise unsupported(f"a DATAPLANE_ATOMIC update of this {kind}: it takes several steps")


def _is_one_step(schema: Schema, kind: str, message: Any) -> bool:
    if kind not in _ONE_STEP:
        return False
    if kind == "table_entry":
        table = schema.tables.get(message.table_id)
        has_meter = table is not None and table.has_direct_meter  # it is set after the entry
        return not (has_meter or message.HasField("counter_data"))
    if kind in ("counter_entry", "register_entry"):
        return bool(message.HasField("index"))
    return True
