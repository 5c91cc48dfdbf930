"""Clone sessions as clients write them, kept for a server that follows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from finsy.proto import p4r

from p4xdp.dataplane import CloneSession, RefusedError, Replica
from p4xdp.runtime import bytestrings
from p4xdp.runtime.errors import Code, RequestError, invalid
from p4xdp.runtime.keeping import KeptMessages

if TYPE_CHECKING:
    from p4xdp.dataplane import Dataplane
    from p4xdp.kept import Kept

_LARGEST_INSTANCE = 0xFFFF  # egress_rid is a bit<16>
_PORT_BITS = 32

_LOG = logging.getLogger(__name__)


class CloneSessions(KeptMessages):
    """CloneSessionEntries by session."""

    def __init__(self, kept: Kept) -> None:
        super().__init__(kept, "clone", p4r.CloneSessionEntry)

    def restore(self, dataplane: Dataplane) -> None:
        """Tell a data plane of them; those are forgotten that it cannot have any more."""
        for session, entry in list(self.items()):
            try:
                dataplane.set_clone_session(session, decoded(entry))
            except RefusedError as error:
                _LOG.warning("clone session %d is given up: %s", session, error)
                del self[session]


def canonical(entry: Any) -> Any:
    """Copy an entry with its ports in the form they are read back in."""
    copy = p4r.CloneSessionEntry()
    copy.CopyFrom(entry)
    for replica in copy.replicas:
        if replica.WhichOneof("port_kind") == "port":
            replica.port = bytestrings.encode(_port_of(replica, entry.session_id))
    return copy


def decoded(entry: Any) -> CloneSession:
    """Return what a CloneSessionEntry says; RequestError if it cannot be."""
    where = f"clone session {entry.session_id}"
    if entry.packet_length_bytes < 0:
        raise invalid(f"{where}: a packet_length_bytes of {entry.packet_length_bytes}")
    replicas = tuple(
        Replica(_port_of(replica, entry.session_id), _instance_of(replica, where))
        for replica in entry.replicas
    )
    if len(set(replicas)) != len(replicas):
        raise invalid(f"{where}: two replicas have the same port and instance")
    return CloneSession(replicas, entry.packet_length_bytes)


def _port_of(replica: Any, session: int) -> int:
    where = f"clone session {session}"
    if len(replica.backup_replicas):
        raise RequestError(Code.UNIMPLEMENTED, f"{where}: no backup replicas are supported")
    kind = replica.WhichOneof("port_kind")
    if kind is None:
        raise invalid(f"{where}: a replica names no port")
    if kind == "egress_port":
        return int(replica.egress_port)
    return bytestrings.decode(replica.port, _PORT_BITS, where, "port")


def _instance_of(replica: Any, where: str) -> int:
    if replica.instance > _LARGEST_INSTANCE:
        raise invalid(f"{where}: instance {replica.instance}, not 0..{_LARGEST_INSTANCE}")
    return int(replica.instance)
