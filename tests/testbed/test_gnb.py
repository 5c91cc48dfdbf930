import pytest

from testbed.errors import PeerError
from testbed.gnb import GNB
from testbed.topology import UPF_N3_ADDRESS
from testbed.traffic import ping, tcp_goodput_mbps, udp_received_mbps

pytestmark = pytest.mark.root

SERVER_ADDRESS = "10.45.255.1"


def test_pings_cross_the_tunnel_both_ways(lab, radio):
    gnb, ue, upf = radio
    before = gnb.counters()
    assert ping(ue.namespace, SERVER_ADDRESS, count=5).received == 5
    assert ping(lab.namespace("dn"), ue.ipv4, count=5).received == 5
    after = gnb.counters()
    assert after["uplink_packets"] - before.get("uplink_packets", 0) == 10
    assert after["downlink_packets"] - before.get("downlink_packets", 0) == 10
    assert upf.refused == 0


@pytest.mark.parametrize(
    ("qfi", "counter"), [(None, "downlink_without_qfi"), (8, "downlink_wrong_qfi")]
)
def test_a_downlink_packet_with_another_qfi_or_none_is_refused(lab, radio, qfi, counter):
    gnb, ue, upf = radio
    upf.downlink_qfi = qfi
    try:
        assert ping(lab.namespace("dn"), ue.ipv4, count=2).received == 0
    finally:
        upf.downlink_qfi = ue.qfi
    assert gnb.counters()[counter] == 2


def test_a_downlink_packet_of_an_unknown_tunnel_is_refused(lab, radio):
    gnb, ue, upf = radio
    upf.downlink_teid = 99
    try:
        assert ping(lab.namespace("dn"), ue.ipv4, count=2).received == 0
    finally:
        upf.downlink_teid = ue.downlink_teid
    assert gnb.counters()["downlink_unknown_teid"] == 2


def test_an_echo_request_is_answered_and_timed(radio):
    gnb, _, upf = radio
    before = upf.echoes
    assert 0 < gnb.echo(UPF_N3_ADDRESS) < 1
    assert upf.echoes == before + 1


def test_no_echo_response_is_an_error_that_names_the_upf(lab):
    with (
        GNB(lab.namespace("core"), "10.100.4.1") as gnb,
        pytest.raises(PeerError, match=r"10\.100\.4\.2"),
    ):
        gnb.echo("10.100.4.2")


@pytest.mark.parametrize("downlink", [False, True])
def test_tcp_goodput_is_measured_both_ways(lab, radio, downlink):
    ue = radio[1].namespace
    measured = tcp_goodput_mbps(
        ue, lab.namespace("dn"), SERVER_ADDRESS, downlink=downlink, run_in_s=0, measured_s=1
    )
    assert measured > 50


def test_a_policer_shows_its_rate_in_the_datagrams_received(lab, radio):
    _, ue, upf = radio
    upf.uplink_mbps = 10
    try:
        measured = udp_received_mbps(
            ue.namespace,
            lab.namespace("dn"),
            SERVER_ADDRESS,
            offered_mbps=25,
            run_in_s=0.3,
            measured_s=1,
        )
    finally:
        upf.uplink_mbps = None
    assert measured == pytest.approx(10, rel=0.1)


def test_the_rate_offered_arrives_where_nothing_polices(lab, radio):
    _, ue, _ = radio
    measured = udp_received_mbps(
        lab.namespace("dn"), ue.namespace, ue.ipv4, offered_mbps=40, run_in_s=0.2, measured_s=1
    )
    assert measured == pytest.approx(40, rel=0.1)


def test_a_measurement_that_reaches_no_server_says_so(lab, radio):
    _, ue, _ = radio
    with pytest.raises(PeerError, match="measured nothing"):
        tcp_goodput_mbps(ue.namespace, lab.namespace("core"), SERVER_ADDRESS, downlink=False)


def test_a_gnb_that_cannot_bind_says_why(lab):
    with (
        GNB(lab.namespace("ran"), "10.9.9.9") as gnb,
        pytest.raises(PeerError, match="Cannot assign requested address"),
    ):
        gnb.counters()
