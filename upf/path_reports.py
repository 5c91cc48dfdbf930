"""What CP functions are told of GTP-U paths (TS 29.244 clause 7.4.5.1, TS 23.527). Pure."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from pfcp import ies, messages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upf.gtpu_paths import Path


def failure(node_id: ies.NodeID, paths: Iterable[Path]) -> messages.NodeReportRequest:
    """Peers that do not answer."""
    return messages.NodeReportRequest(
        node_id=node_id,
        node_report_type=ies.NodeReportType(upfr=True),
        user_plane_path_failure_report=ies.UserPlanePathFailureReport(
            remote_gtpu_peers=tuple(map(_peer, paths))
        ),
    )


def recovery(node_id: ies.NodeID, path: Path) -> messages.NodeReportRequest:
    """A peer that answers again."""
    return messages.NodeReportRequest(
        node_id=node_id,
        node_report_type=ies.NodeReportType(uprr=True),
        user_plane_path_recovery_report=ies.UserPlanePathRecoveryReport(
            remote_gtpu_peers=(_peer(path),)
        ),
    )


def _peer(path: Path) -> ies.RemoteGTPUPeer:
    if isinstance(path.peer, IPv4Address):
        return ies.RemoteGTPUPeer(ipv4=path.peer)
    return ies.RemoteGTPUPeer(ipv6=path.peer)
