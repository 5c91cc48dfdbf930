"""A UE on air with a PDU session, as most scenarios begin."""

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from testbed.gnb import GNB, UE
from testbed.open5gs import PDUSession, Tunnel
from testbed.smf import SMF, EstablishedSession, UsageReport


@dataclass
class Subscriber:
    """A session, its UE, and the tunnel of the gNB's that leads to it."""

    smf: SMF
    gnb: GNB
    established: EstablishedSession
    tunnel: Tunnel
    ue: UE
    is_deleted: bool = False

    def delete(self) -> list[UsageReport]:
        """Delete the session, once; its last reports."""
        if self.is_deleted:
            return []
        self.is_deleted = True
        return self.smf.delete(self.established)


def on_air(
    smf: SMF, gnb: GNB, namespace: str, ue_ipv4: IPv4Address, *, qfi: int = 5, **more: Any
) -> Subscriber:
    """Set up a session, tell the UPF the gNB's tunnel and bring the UE on air in its namespace.

    `more` are fields of the PDU session. PeerError if a peer refuses.
    """
    session = PDUSession(smf.allocate_cp_seid(), smf.address, ue_ipv4, qfi=qfi, **more)
    established = smf.establish(session)
    uplink = established.uplink
    tunnel = Tunnel(gnb.allocate_downlink_teid(), gnb.address)
    ue = UE(namespace, ue_ipv4, qfi, uplink.teid, tunnel.teid)
    gnb.attach(ue, uplink.ipv4)
    smf.forward_to_gnb(established, tunnel)
    return Subscriber(smf, gnb, established, tunnel, ue)
