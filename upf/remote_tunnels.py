"""Whose the tunnels of peers are that sessions send to, and what is told when one is gone."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from pfcp import ies, messages
from upf.tunnels import Tunnel, remote_tunnels

if TYPE_CHECKING:
    from upf.records import SessionRecord
    from upf.session import Session


class RemoteTunnels:
    """Sessions by the tunnels of peers that they send to."""

    def __init__(self) -> None:
        self._owners: dict[Tunnel, SessionRecord] = {}
        self._told: dict[Tunnel, int] = {}

    def follow(self, record: SessionRecord, before: Session | None) -> None:
        """Know a session by the tunnels of its rules of now."""
        now = remote_tunnels(record.session)
        if before is not None:
            self._let_go(remote_tunnels(before) - now, record)
        for tunnel in now:
            self._owners[tunnel] = record

    def forget(self, record: SessionRecord) -> None:
        """Forget a session that ended."""
        self._let_go(remote_tunnels(record.session), record)

    def error_report(
        self, tunnel: Tunnel
    ) -> tuple[SessionRecord, messages.SessionReportRequest] | None:
        """What the CP function is to be told of a tunnel that its owner does not know: once until
        the session changes (TS 29.244 clause 5.2.2.4). None if it is nobody's, or was told.
        """
        record = self._owners.get(tunnel)
        if record is None or record.is_deleted or self._told.get(tunnel) == record.version:
            return None
        self._told[tunnel] = record.version
        address, teid = tunnel
        fteid = (
            ies.FTEID(teid=teid, ipv4=address)
            if isinstance(address, IPv4Address)
            else ies.FTEID(teid=teid, ipv6=address)
        )
        return record, messages.SessionReportRequest(
            seid=record.session.cp_seid,
            report_type=ies.ReportType(erir=True),
            error_indication_report=ies.ErrorIndicationReport(remote_fteids=(fteid,)),
        )

    def _let_go(self, tunnels: set[Tunnel], record: SessionRecord) -> None:
        for tunnel in tunnels:
            if self._owners.get(tunnel) is record:
                del self._owners[tunnel]
                self._told.pop(tunnel, None)
