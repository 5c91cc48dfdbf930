"""Downlink packets of idle UEs: kept until the UE is reached, told to the CP function once
(TS 23.502 clause 4.2.3.3). Bounded, in order, accounted for.

stored = flushed + discarded + expired + held, at any time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pfcp import ies, messages
from upf.frames import dscp_of
from upf.rules import NO_BAR, ApplyAction

if TYPE_CHECKING:
    from collections.abc import Callable

    from upf.records import SessionRecord
    from upf.rules import BAR, FAR, PDR
    from upf.target import Target


@dataclass(frozen=True, slots=True)
class BufferLimits:
    """What is kept at most, of a session and in all, and how long."""

    session_packets: int = 64
    session_octets: int = 128 << 10
    packets: int = 16_384
    octets: int = 32 << 20
    wait_s: float = 60.0


@dataclass(slots=True)
class BufferCounts:
    stored: int = 0
    flushed: int = 0
    discarded: int = 0
    expired: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    pdr_id: int
    ingress_port: int
    frame: bytes
    until: float


@dataclass(slots=True)
class _Episode:
    """What a session waits with, and the PDRs that the CP function has heard of.

    `max_packets` and `wait_s` are what the CP function asked for in answer to a report.
    """

    kept: deque[_Kept] = field(default_factory=deque)
    octets: int = 0
    told: set[int] = field(default_factory=set)
    max_packets: int | None = None
    wait_s: float | None = None


class Paging:
    """Buffers of all sessions, by SEID. `report` sends a request to a session's CP function."""

    def __init__(
        self,
        target: Target,
        report: Callable[[SessionRecord, messages.SessionReportRequest], None],
        limits: BufferLimits | None = None,
    ) -> None:
        self.counts = BufferCounts()
        self.held = 0
        self._octets = 0
        self._target = target
        self._report = report
        self._limits = limits or BufferLimits()
        self._episodes: dict[int, _Episode] = {}

    def keep(self, record: SessionRecord, pdr: PDR, ingress_port: int, frame: bytes) -> None:
        """Keep a packet of a PDR whose FAR buffers; the oldest goes where there is no room."""
        limits = self._limits
        episode = self._episodes.setdefault(record.session.up_seid, _Episode())
        now = asyncio.get_running_loop().time()
        self._expire(episode, now)
        wait_s = limits.wait_s if episode.wait_s is None else episode.wait_s
        episode.kept.append(_Kept(pdr.pdr_id, ingress_port, frame, now + wait_s))
        episode.octets += len(frame)
        self._octets += len(frame)
        self.counts.stored += 1
        self.held += 1
        suggested = episode.max_packets or _bar(record, pdr.pdr_id).suggested_packets
        most = min(limits.session_packets, suggested or limits.session_packets)
        while (
            len(episode.kept) > most
            or episode.octets > limits.session_octets
            or self.held > limits.packets
            or self._octets > limits.octets
        ):
            self._take(episode)
            self.counts.discarded += 1
        self.tell(record, pdr, frame)

    def tell(self, record: SessionRecord, pdr: PDR, frame: bytes) -> None:
        """Report a PDR's first packet, if its FAR notifies the CP function: after the delay that
        its BAR asks for.
        """
        far = _far(record, pdr.pdr_id)
        episode = self._episodes.setdefault(record.session.up_seid, _Episode())
        if far is None or not far.apply_action & ApplyAction.NOCP or pdr.pdr_id in episode.told:
            return
        episode.told.add(pdr.pdr_id)
        request = _downlink_data_report(record, pdr, frame)
        delay_s = _bar(record, pdr.pdr_id).notification_delay_s
        if not delay_s:
            self._report(record, request)
            return
        loop = asyncio.get_running_loop()
        loop.call_later(delay_s, self._report_late, record, pdr.pdr_id, request)

    def _report_late(
        self, record: SessionRecord, pdr_id: int, request: messages.SessionReportRequest
    ) -> None:
        """Report what was put off, unless the UE was reached meanwhile."""
        if not record.is_deleted and _is_idle(_far(record, pdr_id)):
            self._report(record, request)

    async def follow(self, record: SessionRecord) -> None:
        """Do what the rules of now say: send on what is forwarded, drop what is dropped.

        A PDR that neither buffers nor notifies any more begins a new episode the next time.
        """
        episode = self._episodes.get(record.session.up_seid)
        if episode is None:
            return
        self._expire(episode, asyncio.get_running_loop().time())
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

    def drop(self, up_seid: int) -> None:
        """Drop what a session has, as the CP function wants (DROBU)."""
        episode = self._episodes.get(up_seid)
        while episode is not None and episode.kept:
            self._take(episode)
            self.counts.discarded += 1

    def take_answer(self, record: SessionRecord, answer: messages.SessionReportResponse) -> None:
        """Do what the CP function says in answer to a report (TS 29.244 clause 7.5.9)."""
        up_seid = record.session.up_seid
        flags, episode = answer.pfcpsrrsp_flags, self._episodes.get(up_seid)
        if flags is not None and flags.drobu:
            self.drop(up_seid)
        if episode is None:
            return
        for each in answer.update_bars:
            if each.dl_buffering_duration is not None:
                episode.wait_s = each.dl_buffering_duration.seconds
            count = each.dl_buffering_suggested_packet_count
            episode.max_packets = (
                each.suggested_buffering_packets_count if count is None else count.packets
            )

    def end(self, up_seid: int) -> None:
        """Drop what a session that ended had."""
        self.drop(up_seid)
        self._episodes.pop(up_seid, None)

    def expire(self) -> None:
        """Let go of what waited too long."""
        now = asyncio.get_running_loop().time()
        for episode in self._episodes.values():
            self._expire(episode, now)

    def _expire(self, episode: _Episode, now: float) -> None:
        while episode.kept and episode.kept[0].until <= now:
            self._take(episode)
            self.counts.expired += 1

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


def _downlink_data_report(
    record: SessionRecord, pdr: PDR, frame: bytes
) -> messages.SessionReportRequest:
    qers = record.session.qers
    qfi = next((qers[each].qfi for each in pdr.qer_ids if qers[each].qfi is not None), None)
    service = ies.DownlinkDataServiceInformation(paging_policy_indication=dscp_of(frame), qfi=qfi)
    return messages.SessionReportRequest(
        seid=record.session.cp_seid,
        report_type=ies.ReportType(dldr=True),
        downlink_data_report=ies.DownlinkDataReport(
            pdr_ids=(pdr.pdr_id,), downlink_data_service_information=(service,)
        ),
    )


def _far(record: SessionRecord, pdr_id: int) -> FAR | None:
    """The FAR of a PDR; None if one of the two is gone."""
    pdr = record.session.pdrs.get(pdr_id)
    return None if pdr is None or pdr.far_id is None else record.session.fars.get(pdr.far_id)


def _bar(record: SessionRecord, pdr_id: int) -> BAR:
    """The BAR of a PDR's FAR, one that says nothing if it has none."""
    far = _far(record, pdr_id)
    return NO_BAR if far is None or far.bar_id is None else record.session.bars[far.bar_id]


def _is_idle(far: FAR | None) -> bool:
    return far is not None and bool(far.apply_action & (ApplyAction.BUFF | ApplyAction.NOCP))
