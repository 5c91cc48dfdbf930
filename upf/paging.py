"""Downlink packets of idle UEs: kept until the UE is reached, told to the CP function once
(TS 23.502 clause 4.2.3.3). Bounded, in order, accounted for.

stored = flushed + discarded + held, at any time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pfcp import ies, messages
from upf.rules import ApplyAction

if TYPE_CHECKING:
    from collections.abc import Callable

    from upf.records import SessionRecord
    from upf.rules import FAR, PDR
    from upf.target import Target

MAX_SESSION_PACKETS = 64
MAX_SESSION_OCTETS = 128 << 10
MAX_PACKETS = 16_384
MAX_OCTETS = 32 << 20


@dataclass(slots=True)
class BufferCounts:
    stored: int = 0
    flushed: int = 0
    discarded: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    pdr_id: int
    ingress_port: int
    frame: bytes


@dataclass(slots=True)
class _Episode:
    """What a session waits with, and the PDRs that the CP function has heard of."""

    kept: deque[_Kept] = field(default_factory=deque)
    octets: int = 0
    told: set[int] = field(default_factory=set)


class Paging:
    """Buffers of all sessions, by SEID. `report` sends a request to a session's CP function."""

    def __init__(
        self,
        target: Target,
        report: Callable[[SessionRecord, messages.SessionReportRequest], None],
    ) -> None:
        self.counts = BufferCounts()
        self.held = 0
        self._octets = 0
        self._target = target
        self._report = report
        self._episodes: dict[int, _Episode] = {}

    def keep(self, record: SessionRecord, pdr: PDR, ingress_port: int, frame: bytes) -> None:
        """Keep a packet of a PDR whose FAR buffers; the oldest goes where there is no room."""
        episode = self._episodes.setdefault(record.session.up_seid, _Episode())
        episode.kept.append(_Kept(pdr.pdr_id, ingress_port, frame))
        episode.octets += len(frame)
        self._octets += len(frame)
        self.counts.stored += 1
        self.held += 1
        while (
            len(episode.kept) > MAX_SESSION_PACKETS
            or episode.octets > MAX_SESSION_OCTETS
            or self.held > MAX_PACKETS
            or self._octets > MAX_OCTETS
        ):
            self._take(episode)
            self.counts.discarded += 1
        self.tell(record, pdr)

    def tell(self, record: SessionRecord, pdr: PDR) -> None:
        """Report a PDR's first packet, if its FAR notifies the CP function."""
        far = _far(record, pdr.pdr_id)
        episode = self._episodes.setdefault(record.session.up_seid, _Episode())
        if far is None or not far.apply_action & ApplyAction.NOCP or pdr.pdr_id in episode.told:
            return
        episode.told.add(pdr.pdr_id)
        self._report(
            record,
            messages.SessionReportRequest(
                seid=record.session.cp_seid,
                report_type=ies.ReportType(dldr=True),
                downlink_data_report=ies.DownlinkDataReport(pdr_ids=(pdr.pdr_id,)),
            ),
        )

    async def follow(self, record: SessionRecord) -> None:
        """Do what the rules of now say: send on what is forwarded, drop what is dropped.

        A PDR that neither buffers nor notifies any more begins a new episode the next time.
        """
        episode = self._episodes.get(record.session.up_seid)
        if episode is None:
            return
        for _ in range(len(episode.kept)):
            kept = self._take(episode)
            far = _far(record, kept.pdr_id)
            if far is not None and far.apply_action & ApplyAction.BUFF:
                self._put_back(episode, kept)
            elif far is not None and far.apply_action & ApplyAction.FORW:
                self.counts.flushed += 1
                await self._target.packet_again(kept.ingress_port, kept.frame)
            else:
                self.counts.discarded += 1
        episode.told = {pdr_id for pdr_id in episode.told if _is_idle(_far(record, pdr_id))}
        if not episode.kept and not episode.told:
            self._episodes.pop(record.session.up_seid, None)

    def end(self, up_seid: int) -> None:
        """Drop what a session that ended had."""
        episode = self._episodes.pop(up_seid, None)
        while episode is not None and episode.kept:
            self._take(episode)
            self.counts.discarded += 1

    def _take(self, episode: _Episode) -> _Kept:
        kept = episode.kept.popleft()
        episode.octets -= len(kept.frame)
        self._octets -= len(kept.frame)
        self.held -= 1
        return kept

    def _put_back(self, episode: _Episode, kept: _Kept) -> None:
        episode.kept.append(kept)
        episode.octets += len(kept.frame)
        self._octets += len(kept.frame)
        self.held += 1


def _far(record: SessionRecord, pdr_id: int) -> FAR | None:
    """The FAR of a PDR; None if one of the two is gone."""
    pdr = record.session.pdrs.get(pdr_id)
    return None if pdr is None or pdr.far_id is None else record.session.fars.get(pdr.far_id)


def _is_idle(far: FAR | None) -> bool:
    return far is not None and bool(far.apply_action & (ApplyAction.BUFF | ApplyAction.NOCP))
