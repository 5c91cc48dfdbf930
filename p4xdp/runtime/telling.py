"""How what a Read has selected is told: entities in messages of bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finsy.proto import p4r

from p4xdp.runtime import arrays, entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p4xdp.dataplane import Entry
    from p4xdp.runtime.schema import Table
    from p4xdp.runtime.store import Metadata

# A client takes 4 MiB by default; most entities are of 100 octets.
ENTITIES_PER_MESSAGE = 1000
OCTETS_PER_MESSAGE = 1 << 20


def in_messages(found: Iterator[Any]) -> Iterator[Any]:
    """Pack entities, and counters' cells, into ReadResponses of bounded size."""
    response = p4r.ReadResponse()
    octets = 0
    for each in found:
        if isinstance(each, arrays.CounterCells):
            if len(response.entities) + len(each.values) > ENTITIES_PER_MESSAGE:
                yield response
                response, octets = p4r.ReadResponse(), 0
            each.add_to(response.entities)
        else:
            response.entities.append(each)
            octets += each.ByteSize()
        if len(response.entities) >= ENTITIES_PER_MESSAGE or octets > OCTETS_PER_MESSAGE:
            yield response
            response, octets = p4r.ReadResponse(), 0
    if response.entities:
        yield response


def key_only(table: Table, entry: Entry) -> Any:
    """Return the TableEntry that names an entry."""
    message = entries.encode_entry(table, entry)
    message.ClearField("action")
    return message


def add_metadata(message: Any, metadata: Metadata | None) -> None:
    """Tell in a TableEntry what the client noted on it."""
    if metadata is not None:
        message.metadata = metadata.octets
        message.controller_metadata = metadata.cookie
        message.idle_timeout_ns = metadata.idle_timeout_ns
