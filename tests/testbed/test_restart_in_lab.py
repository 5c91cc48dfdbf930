"""What an SMF, a UE and an operator notice of a UPF that is killed and started again: nothing."""

import pytest

from testbed.gnb import GNB, UE
from testbed.open5gs import PDUSession, Tunnel
from testbed.smf import SMF
from testbed.topology import (
    DN_ADDRESS,
    GNB_ADDRESS,
    SMF_ADDRESS,
    UE_POOL,
    UPF_N3_ADDRESS,
    UPF_N4_ADDRESS,
)
from testbed.traffic import ping
from testbed.upf_process import UPFProcess

pytestmark = pytest.mark.root
PING_BYTES = 84


@pytest.fixture(scope="module")
def upf(lab, tmp_path_factory):
    with UPFProcess(lab.namespace("upf"), tmp_path_factory.mktemp("upf")) as upf:
        yield upf


@pytest.fixture
def smf(lab, upf):
    with SMF(lab.namespace("core"), SMF_ADDRESS, UPF_N4_ADDRESS) as smf:
        yield smf


@pytest.fixture
def ue(lab, smf):
    """A UE on air with a session: (session, UE)."""
    with GNB(lab.namespace("ran"), GNB_ADDRESS) as gnb:
        smf.associate()
        session = PDUSession(smf.allocate_cp_seid(), SMF_ADDRESS, UE_POOL[3], qfi=5)
        established = smf.establish(session)
        tunnel = Tunnel(gnb.allocate_downlink_teid(), GNB_ADDRESS)
        smf.forward_to_gnb(established, tunnel)
        ue = UE(lab.add_room("ue3"), session.ue_ipv4, 5, established.uplink.teid, tunnel.teid)
        gnb.attach(ue, UPF_N3_ADDRESS)
        yield established, tunnel, ue


def test_a_killed_upf_serves_the_same_sessions_when_it_is_back(lab, upf, smf, ue):
    established, tunnel, ue = ue
    stamp = smf.heartbeat()
    assert ping(ue.namespace, DN_ADDRESS, count=5).received == 5
    upf.kill()
    # The data plane needs neither process.
    assert ping(ue.namespace, DN_ADDRESS, count=5).received == 5
    upf.start()
    assert smf.heartbeat() == stamp
    assert ping(ue.namespace, DN_ADDRESS, count=5).received == 5
    smf.buffer(established)
    smf.forward_to_gnb(established, tunnel)
    assert ping(lab.namespace("dn"), ue.ipv4, count=5).received == 5
    (report,) = smf.delete(established)
    assert (report.ur_seqn, report.total_bytes) == (0, 20 * PING_BYTES)
    assert smf.faults == []
    assert upf.faults() == []
