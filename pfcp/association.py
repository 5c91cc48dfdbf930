r"""Associations with peer nodes: everything that changes their state lives here.

An association is a peer's node id, the address it speaks from, when it last started and what it can
do. It begins when either side accepts the other's setup and ends by release or when the peer turns
out to have restarted. A peer that answers no heartbeats stays associated, for its sessions go on
forwarding; it is only marked unreachable until it is heard again.

    state        \\ signal  ESTABLISHED  RELEASED  RESTARTED  SILENT       HEARD
    ABSENT                 ASSOCIATED   -         -          -            -
    ASSOCIATED             ASSOCIATED   ABSENT    ABSENT     UNREACHABLE  ASSOCIATED
    UNREACHABLE            ASSOCIATED   ABSENT    ABSENT     UNREACHABLE  ASSOCIATED

What else a move asks for stands beside the next state in `TRANSITIONS`.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

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


class Action(Enum):
    """What a move asks of the endpoint, besides the next state."""

    SCHEDULE_HEARTBEAT = "the next heartbeat is due an interval from now"
    STOP_HEARTBEATS = "no more heartbeats"
    FORGET_ANSWERS = "the answers kept for the host's requests are void"
    TELL_LOST = "the owner hears PeerLost"
    TELL_RETURNED = "the owner hears PeerReturned"
    TELL_RESTARTED = "the owner hears PeerRestarted"


class Step(NamedTuple):
    """One cell of the table."""

    next: State
    actions: tuple[Action, ...] = ()


_NOTHING = Step(State.ABSENT)
_RELEASED = Step(State.ABSENT, (Action.STOP_HEARTBEATS,))
_RESTARTED = Step(
    State.ABSENT, (Action.STOP_HEARTBEATS, Action.FORGET_ANSWERS, Action.TELL_RESTARTED)
)

TRANSITIONS: dict[tuple[State, Signal], Step] = {
    (State.ABSENT, Signal.ESTABLISHED): Step(State.ASSOCIATED, (Action.SCHEDULE_HEARTBEAT,)),
    (State.ABSENT, Signal.RELEASED): _NOTHING,
    (State.ABSENT, Signal.RESTARTED): _NOTHING,
    (State.ABSENT, Signal.SILENT): _NOTHING,
    (State.ABSENT, Signal.HEARD): _NOTHING,
    (State.ASSOCIATED, Signal.ESTABLISHED): Step(State.ASSOCIATED, (Action.SCHEDULE_HEARTBEAT,)),
    (State.ASSOCIATED, Signal.RELEASED): _RELEASED,
    (State.ASSOCIATED, Signal.RESTARTED): _RESTARTED,
    (State.ASSOCIATED, Signal.SILENT): Step(
        State.UNREACHABLE, (Action.SCHEDULE_HEARTBEAT, Action.TELL_LOST)
    ),
    (State.ASSOCIATED, Signal.HEARD): Step(State.ASSOCIATED),
    (State.UNREACHABLE, Signal.ESTABLISHED): Step(
        State.ASSOCIATED, (Action.SCHEDULE_HEARTBEAT, Action.TELL_RETURNED)
    ),
    (State.UNREACHABLE, Signal.RELEASED): _RELEASED,
    (State.UNREACHABLE, Signal.RESTARTED): _RESTARTED,
    (State.UNREACHABLE, Signal.SILENT): Step(State.UNREACHABLE, (Action.SCHEDULE_HEARTBEAT,)),
    (State.UNREACHABLE, Signal.HEARD): Step(State.ASSOCIATED, (Action.TELL_RETURNED,)),
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

    def is_elsewhere(self, peer: tuple[str, int]) -> bool:
        """Whether the node is alive at another address than whoever speaks in its name."""
        return self.state is State.ASSOCIATED and self.peer[0] != peer[0]


class Move(NamedTuple):
    """What a signal did: the association before and after it (None: absent), and what is to do."""

    node_id: NodeID
    before: Association | None
    after: Association | None
    actions: tuple[Action, ...]


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

    def has_host(self, host: str) -> bool:
        """Whether any associated node speaks from an address."""
        return any(item.peer[0] == host for item in self._by_node.values())

    def restore(self, association: Association) -> None:
        """Have an association of an earlier run of this entity, which its peer never lost."""
        self._by_node[association.node_id] = association

    def agree(self, peer: tuple[str, int], theirs: Message, response: Message) -> Move | None:
        """Take note of a request that was answered; `theirs` is the one of the two the peer sent.

        Only an accepted request changes anything; None where no association began or ended.
        """
        if getattr(response, "cause", None) != Cause.REQUEST_ACCEPTED:
            return None
        match theirs:
            case AssociationSetupRequest() | AssociationSetupResponse():
                return self._establish(peer, theirs)
            case AssociationUpdateRequest() | AssociationUpdateResponse():
                self._update(theirs)
            case AssociationReleaseRequest() | AssociationReleaseResponse():
                return self.signal(theirs.node_id, Signal.RELEASED)
            case _:
                pass
        return None

    def _establish(
        self, peer: tuple[str, int], theirs: AssociationSetupRequest | AssociationSetupResponse
    ) -> Move:
        wanted = Association(
            theirs.node_id,
            peer,
            theirs.recovery_time_stamp,
            theirs.cp_function_features,
            theirs.up_function_features,
        )
        return self._move(theirs.node_id, Signal.ESTABLISHED, wanted)

    def _update(self, theirs: AssociationUpdateRequest | AssociationUpdateResponse) -> None:
        old = self._by_node.get(theirs.node_id)
        if old is not None:
            self._by_node[theirs.node_id] = replace(
                old,
                cp_function_features=theirs.cp_function_features or old.cp_function_features,
                up_function_features=theirs.up_function_features or old.up_function_features,
            )

    def signal(self, node_id: NodeID, signal: Signal) -> Move:
        """Move an association by any signal but ESTABLISHED, which takes the setup itself."""
        return self._move(node_id, signal, self._by_node.get(node_id))

    def _move(self, node_id: NodeID, signal: Signal, wanted: Association | None) -> Move:
        before = self._by_node.get(node_id)
        step = TRANSITIONS[before.state if before else State.ABSENT, signal]
        after = None
        if wanted is not None and step.next is not State.ABSENT:
            after = self._by_node[node_id] = replace(wanted, state=step.next)
        else:
            self._by_node.pop(node_id, None)
        return Move(node_id, before, after, step.actions)
