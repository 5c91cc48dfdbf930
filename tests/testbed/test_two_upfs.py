"""A PDU session over two UPFs: N3, N9, N6."""

from __future__ import annotations

import pytest

from testbed import rules
from testbed.gnb import GNB, UE
from testbed.n4_peer import N4Peer
from testbed.topologies import PSA_N4_ADDRESS, SMF_OF_PSA_ADDRESS, TWO_UPFS
from testbed.topology import (
    DN_ADDRESS,
    GNB_ADDRESS,
    SMF_ADDRESS,
    UE_POOL,
    UPF_N4_ADDRESS,
    Lab,
)
from testbed.traffic import ping
from testbed.upf_process import UPFProcess

pytestmark = pytest.mark.root

QFI = 9
INTERMEDIATE = """\
[n4]
address = "10.100.4.2"

[[interface]]
name = "n3"
role = "access"

[[interface]]
name = "n9"
role = "core"
gtpu_address = "10.100.9.1"
"""
ANCHOR = """\
[n4]
address = "10.100.5.2"

[[interface]]
name = "n9"
role = "access"

[[interface]]
name = "n6"
role = "core"
network_instance = "internet"
"""


def test_a_session_runs_over_two_upfs(tmp_path):
    ue_ipv4 = UE_POOL[2]
    for name in ("upf", "psa"):
        (tmp_path / name).mkdir()
    with (
        Lab(TWO_UPFS) as lab,
        UPFProcess(lab.namespace("upf"), tmp_path / "upf", INTERMEDIATE) as intermediate,
        UPFProcess(lab.namespace("psa"), tmp_path / "psa", ANCHOR) as anchor,
        N4Peer(lab.namespace("core"), SMF_ADDRESS, UPF_N4_ADDRESS) as n4,
        N4Peer(lab.namespace("core"), SMF_OF_PSA_ADDRESS, PSA_N4_ADDRESS) as n4b,
        GNB(lab.namespace("ran"), GNB_ADDRESS) as gnb,
    ):
        n4.associate()
        n4b.associate()
        qers = {"create_qers": (rules.qer(1, qfi=QFI),)}
        downlink_teid = gnb.allocate_downlink_teid()
        # The intermediate UPF first, with a tunnel to the anchor that is not known yet.
        first = n4.establish(
            (
                rules.from_tunnel(1, rules.choose_fteid(), 1, qers=(1,)),
                rules.from_tunnel(
                    *(2, rules.choose_fteid(), 2),
                    source=rules.CORE,
                    network_instance=rules.name("internet"),
                    qers=(1,),
                ),
            ),
            (
                rules.to_tunnel(*(1, 1, n4.address), destination=rules.CORE, instance="internet"),
                rules.to_tunnel(2, downlink_teid, GNB_ADDRESS),
            ),
            **qers,
        )
        n3, n9 = (rules.created(first, pdr_id).local_fteid for pdr_id in (1, 2))
        second = n4b.establish(
            (
                rules.from_tunnel(
                    *(1, rules.choose_fteid(), 1), ue_ip_addresses=rules.ue(ue_ipv4), qers=(1,)
                ),
                rules.from_core(2, 2, rules.ue(ue_ipv4, is_destination=True), qers=(1,)),
            ),
            (rules.to_core(1), rules.to_tunnel(2, n9.teid, n9.ipv4)),
            **qers,
        )
        up = rules.created(second, 1).local_fteid
        assert (
            n4.modify(first.up_fseid.seid, update_fars=(rules.retarget(1, up.teid, up.ipv4),)).cause
            == 1
        )
        ue = UE(lab.add_room("ue1"), ue_ipv4, QFI, n3.teid, downlink_teid)
        gnb.attach(ue, n3.ipv4)
        assert ping(ue.namespace, DN_ADDRESS, count=10).received == 10
        assert ping(lab.namespace("dn"), ue_ipv4, count=10).received == 10
        counters = gnb.counters()
        assert counters["downlink_packets"] == 20
        assert n4.delete(first.up_fseid.seid).cause == n4b.delete(second.up_fseid.seid).cause == 1
        assert (intermediate.stop(), anchor.stop()) == (0, 0)
        assert intermediate.faults() + anchor.faults() == []
