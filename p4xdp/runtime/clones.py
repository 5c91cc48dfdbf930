"""Clone sessions: where copies go that the program mirrors (P4Runtime's CloneSessionEntry)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finsy.proto import p4r

from p4xdp.runtime.changes import DELETE, INSERT, unsupported
from p4xdp.runtime.errors import Code, RequestError, invalid
from p4xdp.runtime.replication import canonical, decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from p4xdp.dataplane import Dataplane
    from p4xdp.runtime.store import Store


def write_replication(
    store: Store, dataplane: Dataplane, kind: int, message: Any
) -> Callable[[], None]:
    """Insert, modify or delete a clone session. Returns how to undo it."""
    entry = _session_of(message)
    session = entry.session_id
    if not session:
        raise invalid("clone session 0 cannot be written: 0 stands for all of them")
    before = store.clones.get(session)
    if kind == INSERT and before is not None:
        raise RequestError(Code.ALREADY_EXISTS, f"clone session {session} is there already")
    if kind != INSERT and before is None:
        raise RequestError(Code.NOT_FOUND, f"there is no clone session {session}")

    def put(wanted: Any) -> None:
        dataplane.set_clone_session(session, None if wanted is None else decoded(wanted))
        store.clones.pop(session, None)
        if wanted is not None:
            store.clones[session] = wanted

    put(None if kind == DELETE else canonical(entry))
    return lambda: put(before)


def read_replication(store: Store, message: Any) -> Iterator[Any]:
    """Give the clone sessions asked for; 0 is all of them. There are no multicast groups."""
    group = message.multicast_group_entry.multicast_group_id
    if message.WhichOneof("type") == "multicast_group_entry":
        if group:
            raise RequestError(Code.NOT_FOUND, f"there is no multicast group {group}")
        return iter(())
    wanted = _session_of(message).session_id
    if wanted and wanted not in store.clones:
        raise RequestError(Code.NOT_FOUND, f"there is no clone session {wanted}")
    chosen = [store.clones[wanted]] if wanted else list(store.clones.values())
    return iter([_entity(one) for one in chosen])


def _session_of(message: Any) -> Any:
    kind = message.WhichOneof("type")
    if kind is None:
        raise invalid("the entry names neither a clone session nor a multicast group")
    if kind != "clone_session_entry":
        raise unsupported("multicast groups")
    return message.clone_session_entry


def _entity(entry: Any) -> Any:
    entity = p4r.Entity()
    entity.packet_replication_engine_entry.clone_session_entry.CopyFrom(entry)
    return entity
