"""What an endpoint knows of its peers: associations, their heartbeats, restarts and loads.

It does what each move of `pfcp.association.TRANSITIONS` asks for and tells the owner.
"""

from collections.abc import Callable
from typing import TypeVar

from pfcp import messages
from pfcp.association import Action, Association, AssociationTable, Move, Signal
from pfcp.events import (
    Event,
    PeerLoadChanged,
    PeerLost,
    PeerOverloadChanged,
    PeerRestarted,
    PeerReturned,
)
from pfcp.ies import NodeID
from pfcp.load import PeerLoads
from pfcp.messages import Message
from pfcp.transactions import Peer, Timers

T = TypeVar("T")

_STAMPS = 1 << 32


class Peers:
    """The peers of one endpoint. `tell` takes events, `forget_answers` a host that restarted."""

    def __init__(
        self,
        timers: Timers,
        random: Callable[[], float],
        tell: Callable[[Event], None],
        forget_answers: Callable[[str], None],
    ) -> None:
        self.associations = AssociationTable()
        self.loads = PeerLoads()
        self._timers = timers
        self._random = random
        self._tell = tell
        self._forget_answers = forget_answers
        self._heartbeat_due: dict[NodeID, float] = {}

    def restore(self, association: Association, now: float) -> None:
        """Have an association of an earlier run of this entity; heartbeats go on."""
        self.associations.restore(association)
        self._schedule_heartbeat(association.node_id, now)

    def next_timer(self) -> float | None:
        """When `due` has something to say."""
        times = [*self._heartbeat_due.values()]
        if (expiry := self.loads.next_timer()) is not None:
            times.append(expiry)
        return min(times, default=None)

    def due(self, now: float) -> list[Association]:
        """Who is to be sent a heartbeat now; overloads that ran out are told."""
        for node_id in self.loads.expire(now):
            association = _known(self.associations.of_node(node_id))
            self._tell(PeerOverloadChanged(association.peer, association, 0))
        asked = [node_id for node_id, due in self._heartbeat_due.items() if due <= now]
        for node_id in asked:
            self._schedule_heartbeat(node_id, now)
        return [_known(self.associations.of_node(node_id)) for node_id in asked]

    def agree(self, peer: Peer, theirs: Message, response: Message, now: float) -> None:
        """Take note of a request that was answered; `theirs` is what the peer sent of the two."""
        move = self.associations.agree(peer, theirs, response)
        if move is not None:
            self._carry_out(move, peer, now)

    def compare(self, peer: Peer, message: Message, now: float) -> None:
        """Look into what a peer sent for a restart, and for how loaded it is."""
        match message:
            case messages.AssociationSetupRequest() | messages.AssociationSetupResponse():
                known = self.associations.of_node(message.node_id)
                if known and known.is_elsewhere(peer):
                    return
                # Here any other time stamp tells of a restart.
                if known and known.recovery_time_stamp != message.recovery_time_stamp:
                    self._restarted(known, peer, now)
                return
            case (
                messages.HeartbeatRequest()
                | messages.HeartbeatResponse()
                | messages.SessionEstablishmentRequest()
            ):
                known = self.associations.of_peer(peer)
                stamp = message.recovery_time_stamp
                if known and stamp is not None and _is_later(stamp, known.recovery_time_stamp):
                    self._restarted(known, peer, now)
            case _:
                self._take_load(peer, message, now)

    def heartbeat_answered(self, peer: Peer, now: float) -> None:
        """A peer answered a heartbeat."""
        self._signal(peer, Signal.HEARD, now)

    def heartbeat_missed(self, peer: Peer, now: float) -> None:
        """A peer did not answer a heartbeat, or not so that it could be read."""
        self._signal(peer, Signal.SILENT, now)

    def release(self, node_id: NodeID, now: float) -> None:
        """End an association without asking the peer."""
        move = self.associations.signal(node_id, Signal.RELEASED)
        if move.before is not None:
            self._carry_out(move, move.before.peer, now)

    def _signal(self, peer: Peer, signal: Signal, now: float) -> None:
        association = self.associations.of_peer(peer)
        if association is not None:
            self._carry_out(self.associations.signal(association.node_id, signal), peer, now)

    def _restarted(self, known: Association, peer: Peer, now: float) -> None:
        self._carry_out(self.associations.signal(known.node_id, Signal.RESTARTED), peer, now)

    def _carry_out(self, move: Move, peer: Peer, now: float) -> None:
        for action in move.actions:
            match action:
                case Action.SCHEDULE_HEARTBEAT:
                    self._schedule_heartbeat(move.node_id, now)
                case Action.STOP_HEARTBEATS:
                    self._heartbeat_due.pop(move.node_id, None)
                    self.loads.forget(move.node_id)
                case Action.FORGET_ANSWERS:
                    self._forget_answers(_known(move.before).peer[0])
                case Action.TELL_LOST:
                    self._tell(PeerLost(peer, _known(move.before)))
                case Action.TELL_RETURNED:
                    self._tell(PeerReturned(peer, _known(move.after)))
                case Action.TELL_RESTARTED:  # pragma: no branch -- the last there is
                    self._tell(PeerRestarted(peer, _known(move.before)))

    def _schedule_heartbeat(self, node_id: NodeID, now: float) -> None:
        # Jitter, so that peers set up together are not asked together.
        span = self._timers.heartbeat_interval_s * (1 + self._timers.jitter * self._random())
        self._heartbeat_due[node_id] = now + span

    def _take_load(self, peer: Peer, message: Message, now: float) -> None:
        association = self.associations.of_peer(peer)
        if association is None:
            return
        before, after = self.loads.take(association.node_id, message, now)
        if after.load_percent is not None and after.load_percent != before.load_percent:
            self._tell(PeerLoadChanged(peer, association, after.load_percent))
        if after.reduction_percent != before.reduction_percent:
            self._tell(PeerOverloadChanged(peer, association, after.reduction_percent))


def _known(value: T | None) -> T:
    assert value is not None
    return value


def _is_later(stamp: int, known: int) -> bool:
    """Whether a time stamp is after one known; earlier ones are from late datagrams.

    The 32 bits of seconds begin again in 2036.
    """
    return 0 < (stamp - known) % _STAMPS < _STAMPS // 2
