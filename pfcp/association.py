r"""Associations with peer nodes: everything that changes their state lives here.

An association is a peer's node id, the address it speaks from, when it last started and what it can
do. It begins when either side accepts the other's setup and ends by release or when the peer turns
out to have restarted. A peer that answers no heartbeats stays associated, for its sessions go on
forwarding; it is only marked unreachable until it is heard again.

    state        \\ signal  ESTABLISHED  RELEASED  RESTARTED  SILENT       HEARD
    ABSENT                 ASSOCIATED   -         -          -            -
    ASSOCIATED             ASSOCIATED   ABSENT    ABSENT     UNREACHABLE  ASSOCIATED
    UNREACHABLE            ASSOCIATED   ABSENT    ABSENT     UNREACHABLE  ASSOCIATED
"""

from dataclasses import dataclass, replace
from enum import Enum

from pfcp.enums import Cause
from pfcp.ies import CPFunctionFeatures, NodeID, UPFunctionFeatures
from pfcp.messages import (
    AssociationReleaseRequest,
    AssociationReleaseResponse,
    AssociationSetupRequest,
    AssociationSetupResponse,
    AssociationUpdateRequest,
    AssociationUpdateResponse,
    Message,
)


class State(Enum):
    """Where an association stands."""

    ABSENT = "absent"
    ASSOCIATED = "associated"
    UNREACHABLE = "unreachable"


class Signal(Enum):
    """What moves an association."""

    ESTABLISHED = "established"
    RELEASED = "released"
    RESTARTED = "restarted"
    SILENT = "silent"
    HEARD = "heard"


TRANSITIONS: dict[tuple[State, Signal], State] = {
    (State.ABSENT, Signal.ESTABLISHED): State.ASSOCIATED,
    (State.ABSENT, Signal.RELEASED): State.ABSENT,
    (State.ABSENT, Signal.RESTARTED): State.ABSENT,
    (State.ABSENT, Signal.SILENT): State.ABSENT,
    (State.ABSENT, Signal.HEARD): State.ABSENT,
    (State.ASSOCIATED, Signal.ESTABLISHED): State.ASSOCIATED,
    (State.ASSOCIATED, Signal.RELEASED): State.ABSENT,
    (State.ASSOCIATED, Signal.RESTARTED): State.ABSENT,
    (State.ASSOCIATED, Signal.SILENT): State.UNREACHABLE,
    (State.ASSOCIATED, Signal.HEARD): State.ASSOCIATED,
    (State.UNREACHABLE, Signal.ESTABLISHED): State.ASSOCIATED,
    (State.UNREACHABLE, Signal.RELEASED): State.ABSENT,
    (State.UNREACHABLE, Signal.RESTARTED): State.ABSENT,
    (State.UNREACHABLE, Signal.SILENT): State.UNREACHABLE,
    (State.UNREACHABLE, Signal.HEARD): State.ASSOCIATED,
}


@dataclass(frozen=True, slots=True)
class Association:
    """A peer node as it is known now.

    `recovery_time_stamp` is in seconds since 1900-01-01; `peer` is where the setup came from and
    where requests to the node go.
    """

    node_id: NodeID
    peer: tuple[str, int]
    recovery_time_stamp: int
    cp_function_features: CPFunctionFeatures | None = None
    up_function_features: UPFunctionFeatures | None = None
    state: State = State.ASSOCIATED


class AssociationTable:
    """The associations of one endpoint, by node id and by address."""

    def __init__(self) -> None:
        self._by_node: dict[NodeID, Association] = {}

    def __len__(self) -> int:
        return len(self._by_node)

    def all(self) -> tuple[Association, ...]:
        """Every association."""
        return tuple(self._by_node.values())

    def of_node(self, node_id: NodeID) -> Association | None:
        """The association with a node."""
        return self._by_node.get(node_id)

    def of_peer(self, peer: tuple[str, int]) -> Association | None:
        """The association with whoever speaks from an address.

        A peer may send from several ports, so the address alone counts while it is unambiguous.
        """
        same_host = [item for item in self._by_node.values() if item.peer[0] == peer[0]]
        exact = [item for item in same_host if item.peer == peer]
        if exact:
            return exact[0]
        return same_host[0] if len(same_host) == 1 else None

    def agree(
        self, peer: tuple[str, int], theirs: Message, response: Message
    ) -> tuple[NodeID | None, NodeID | None]:
        """Take note of a request that was answered; `theirs` is the one of the two the peer sent.

        Returns the node whose association this began and the node whose it ended. Only an accepted
        request changes anything.
        """
        if getattr(response, "cause", None) != Cause.REQUEST_ACCEPTED:
            return None, None
        match theirs:
            case AssociationSetupRequest() | AssociationSetupResponse():
                self._establish(peer, theirs)
                return theirs.node_id, None
            case AssociationUpdateRequest() | AssociationUpdateResponse():
                self._update(theirs)
            case AssociationReleaseRequest() | AssociationReleaseResponse():
                self.signal(theirs.node_id, Signal.RELEASED)
                return None, theirs.node_id
            case _:
                pass
        return None, None

    def _establish(
        self, peer: tuple[str, int], theirs: AssociationSetupRequest | AssociationSetupResponse
    ) -> None:
        old = self._by_node.get(theirs.node_id)
        state = TRANSITIONS[old.state if old else State.ABSENT, Signal.ESTABLISHED]
        self._by_node[theirs.node_id] = Association(
            theirs.node_id,
            peer,
            theirs.recovery_time_stamp,
            theirs.cp_function_features,
            theirs.up_function_features,
            state,
        )

    def _update(self, theirs: AssociationUpdateRequest | AssociationUpdateResponse) -> None:
        old = self._by_node.get(theirs.node_id)
        if old is not None:
            self._by_node[theirs.node_id] = replace(
                old,
                cp_function_features=theirs.cp_function_features or old.cp_function_features,
                up_function_features=theirs.up_function_features or old.up_function_features,
            )

    def signal(self, node_id: NodeID, signal: Signal) -> tuple[State, State]:
        """Move an association; returns its state before and after."""
        old = self._by_node.get(node_id)
        before = old.state if old else State.ABSENT
        after = TRANSITIONS[before, signal]
        if old is not None:
            if after is State.ABSENT:
                del self._by_node[node_id]
            else:
                self._by_node[node_id] = replace(old, state=after)
        return before, after
