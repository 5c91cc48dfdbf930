"""Usage reporting and quotas with packets: the UPF as an operator runs it, asked by scapy."""

import itertools
import time

import pytest
from scapy.contrib import pfcp as n4

from testbed import urr
from testbed.gnb import GNB
from testbed.open5gs import FAR_UPLINK, PDR_DOWNLINK, PDR_UPLINK
from testbed.smf import SMF
from testbed.subscriber import on_air
from testbed.topology import (
    DN_ADDRESS,
    GNB_ADDRESS,
    SMF_ADDRESS,
    UE_POOL,
    UPF_N4_ADDRESS,
)
from testbed.traffic import ping
from testbed.upf_process import UPFProcess

pytestmark = pytest.mark.root
NUMBERS = itertools.count(10)  # of UEs
ECHO = 84  # octets of the IP packet of an echo request, or of its answer
URR = 7
BOUND_S = 1.0  # within which a limit that was passed is to be told
NTP_OFFSET_S = 2_208_988_800


@pytest.fixture(scope="module")
def upf(lab, tmp_path_factory):
    with UPFProcess(lab.namespace("upf"), tmp_path_factory.mktemp("upf")) as upf:
        yield upf
        assert upf.stop() == 0, upf.log.read_text()
        assert upf.faults() == []


@pytest.fixture(scope="module")
def ran(lab, upf):
    """A gNB and an SMF with an association: (GNB, SMF)."""
    with (
        SMF(lab.namespace("core"), SMF_ADDRESS, UPF_N4_ADDRESS) as smf,
        GNB(lab.namespace("ran"), GNB_ADDRESS) as gnb,
    ):
        smf.associate()
        yield gnb, smf


@pytest.fixture
def ue(lab, ran):
    """A UE with a session, pinging from the far side of its tunnel."""
    gnb, smf = ran
    number = next(NUMBERS)
    subscriber = Measured(on_air(smf, gnb, lab.add_room(f"ue{number}"), UE_POOL[number]))
    subscriber.ping()  # neighbours are known from here on
    yield subscriber
    subscriber.delete()
    assert smf.faults == []


class Measured:
    """A session, the traffic of its UE, and the reports on one URR of both directions."""

    def __init__(self, subscriber):
        self.subscriber = subscriber
        self.smf, self.established = subscriber.smf, subscriber.established
        self.namespace = subscriber.ue.namespace

    def measured(self, *details, **methods):
        """Have a URR measure both directions."""
        self.smf.modify(
            self.established,
            urr.create_urr(URR, *details, **methods),
            urr.measure(PDR_DOWNLINK, URR),
            urr.measure(PDR_UPLINK, URR),
        )

    def modify(self, *ies):
        return self.of_urr(self.smf.modify(self.established, *ies))

    def delete(self):
        """Delete the session, once: its last reports on the URR."""
        return self.of_urr(self.subscriber.delete())

    def ping(self, count=1, size=56, bound_s=0.2):
        """Round trips that came back. An echo request and its answer are 28 + `size` octets."""
        return ping(
            self.namespace, DN_ADDRESS, count=count, interval_s=0.02, size=size, patience_s=bound_s
        ).received

    @staticmethod
    def of_urr(reports):
        return [each for each in reports if each.urr_id == URR]

    def reports(self):
        """What was told of the URR so far."""
        return self.of_urr(list(self.smf.reports))

    def told(self, count=1, bound_s=BOUND_S + 1.0):
        """Wait for so many reports."""
        deadline = time.monotonic() + bound_s
        while len(self.reports()) < count:
            assert time.monotonic() < deadline, self.reports()
            time.sleep(0.02)
        return self.reports()

    def silent(self, seconds):
        """Nothing more is told meanwhile."""
        before = self.reports()
        time.sleep(seconds)
        assert self.reports() == before


def until(condition, bound_s=3.0):
    deadline = time.monotonic() + bound_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def fresh(ran):
    ran[1].reports.clear()
    ran[1].inactive.clear()


def test_a_volume_quota_stops_at_the_octet_and_is_told_once(ue):
    ue.measured(urr.triggers("volqu"), urr.volume_quota(11 * ECHO))
    assert ue.ping(6) == 5  # the sixth request passes, its answer does not fit any more
    (report,) = ue.told()
    assert report.triggers == {"volqu"}
    assert (report.total_bytes, report.uplink_bytes) == (11 * ECHO, 6 * ECHO)
    assert ue.ping(3) == 0
    ue.silent(1.2)


def test_a_packet_that_does_not_fit_the_rest_of_a_quota_is_stopped(ue):
    ue.measured(urr.triggers("volqu"), urr.volume_quota(4 * ECHO + ECHO - 1))
    assert ue.ping(5) == 2
    (report,) = ue.told()
    assert (report.triggers, report.total_bytes) == ({"volqu"}, 4 * ECHO)


def test_a_new_quota_lets_traffic_pass_and_stops_it_again(ue):
    ue.measured(urr.triggers("volqu"), urr.volume_quota(4 * ECHO))
    assert ue.ping(4) == 2
    ue.told()
    ue.modify(urr.update_urr(URR, urr.volume_quota(6 * ECHO)))
    assert ue.ping(5) == 3
    assert [each.total_bytes for each in ue.told(2)] == [4 * ECHO, 6 * ECHO]
    (last,) = ue.delete()
    assert (last.is_final, last.ur_seqn, last.total_bytes) == (True, 2, 0)


def test_a_quota_renewed_at_its_threshold_lets_no_packet_be_lost_and_none_too_many_pass(ue):
    ue.measured(
        urr.triggers("volqu", "volth"), urr.volume_quota(20 * ECHO), urr.volume_threshold(8 * ECHO)
    )
    assert ue.ping(5) == 5
    (first,) = ue.told()
    assert (first.triggers, first.total_bytes) == ({"volth"}, 10 * ECHO)
    assert ue.ping(2) == 2
    ue.modify(urr.update_urr(URR, urr.volume_quota(30 * ECHO)))
    # A round trip may fall into the moment at which the rest of the quota is granted.
    assert sum(ue.ping(4) for _ in range(6)) in (12, 13)
    until(lambda: any("volqu" in each.triggers for each in ue.reports()))
    ue.silent(1.2)
    assert sum(each.total_bytes for each in ue.reports()) == (10 + 30) * ECHO
    assert sum("volqu" in each.triggers for each in ue.reports()) == 1


def test_traffic_beyond_a_quota_is_treated_by_the_far_for_that(ue):
    ue.measured(urr.triggers("volqu"), urr.volume_quota(2 * ECHO), n4.IE_FAR_Id(id=FAR_UPLINK))
    assert ue.ping() == 1
    (report,) = ue.told()
    assert report.triggers == {"volqu"}
    ue.ping(3)  # both directions take the uplink's way now: requests arrive, answers loop back
    (report,) = ue.modify(urr.query_urr(URR))
    assert report.uplink_bytes >= 3 * ECHO


def test_a_threshold_is_told_within_a_second_of_being_passed(ue):
    ue.measured(urr.triggers("volth"), urr.volume_threshold(4 * ECHO))
    for told in range(1, 4):
        assert ue.ping(2) == 2
        passed = time.monotonic()
        reports = ue.told(told)
        assert time.monotonic() - passed <= BOUND_S
        assert (reports[-1].triggers, reports[-1].total_bytes) == ({"volth"}, 4 * ECHO)


def test_a_time_quota_stops_traffic_when_its_time_is_up(ue):
    ue.measured(urr.triggers("timqu"), n4.IE_TimeQuota(quota=2), time=True)
    ue.silent(1.0)  # no packet, no time
    begun = time.monotonic()
    assert ue.ping() == 1
    (report,) = ue.told(bound_s=4.0)
    assert 1.9 <= time.monotonic() - begun <= 3.2
    assert (report.triggers, report.duration_s) == ({"timqu"}, 2)
    assert ue.ping() == 0
    ue.modify(urr.update_urr(URR, n4.IE_TimeQuota(quota=2)))
    assert ue.ping() == 1


def test_a_quota_not_used_for_its_holding_time_ends(ue):
    ue.measured(
        urr.triggers("quhti"),
        urr.volume_quota(1 << 30),
        n4.IE_QuotaHoldingTime(time_value=2),
    )
    assert ue.ping() == 1
    (report,) = ue.told(bound_s=4.0)
    assert (report.triggers, report.total_bytes) == ({"quhti"}, 2 * ECHO)
    assert ue.ping() == 0


def test_a_quota_ends_with_its_validity(ue):
    validity = n4.IE_NotImplemented(ietype=181, data=(2).to_bytes(4))
    ue.measured(urr.triggers("quvti"), urr.volume_quota(1 << 30), validity)
    begun = time.monotonic()
    while not ue.reports():
        assert ue.ping() == 1 or ue.told()
        assert time.monotonic() - begun < 4.0
    assert ue.reports()[0].triggers == {"quvti"}
    assert ue.ping() == 0


def test_periods_are_reported_whether_there_was_traffic_or_not(ue):
    ue.measured(urr.triggers("perio"), n4.IE_MeasurementPeriod(period=1))
    assert ue.ping(2) == 2
    reports = ue.told(3, bound_s=5.0)
    assert [set(each.triggers) for each in reports] == [{"perio"}] * 3
    assert sum(each.total_bytes for each in reports) == 4 * ECHO
    assert [each.duration_s for each in reports] == [1, 1, 1]


def test_starts_and_stops_of_traffic_are_told(ue):
    ue.measured(urr.triggers("start", "stopt"), n4.IE_InactivityDetectionTime(time_value=1))
    ue.silent(1.2)
    for told in (2, 4):
        assert ue.ping() == 1
        ue.told(told, bound_s=4.0)
    assert [set(each.triggers) for each in ue.reports()] == [{"start"}, {"stopt"}] * 2


def test_a_linked_urr_is_reported_with_the_other(ue):
    ue.measured(urr.triggers("volth"), urr.volume_threshold(2 * ECHO))
    ue.modify(
        urr.create_urr(8, urr.triggers("liusa"), n4.IE_LinkedURR_Id(id=URR)),
        urr.measure(PDR_DOWNLINK, URR, 8),
    )
    assert ue.ping() == 1
    ue.told()
    both = {(each.urr_id, each.triggers, each.total_bytes) for each in ue.smf.reports}
    assert both == {
        (URR, frozenset({"volth"}), 2 * ECHO),
        (8, frozenset({"liusa"}), ECHO),
    }


def test_use_before_and_after_a_monitoring_time_is_told_apart(ue):
    at = int(time.time()) + 2
    ue.measured(
        urr.triggers("volth"),
        urr.volume_threshold(100 * ECHO),
        n4.IE_MonitoringTime(time_value=at + NTP_OFFSET_S & 0xFFFF_FFFF),
        n4.IE_SubsequentVolumeThreshold(TOVOL=1, total=6 * ECHO),
    )
    assert ue.ping(2) == 2
    time.sleep(max(0.0, at + 0.7 - time.time()))
    assert ue.ping(3) == 3
    told = [(each.part, set(each.triggers), each.total_bytes) for each in ue.told(2)]
    assert told == [("bef", {"monit"}, 4 * ECHO), ("aft", {"volth"}, 6 * ECHO)]


def test_inactivity_of_the_user_plane_is_told_once_and_not_while_packets_come(ue):
    timer = n4.IE_UserPlaneInactivityTimer(timer=2)
    ue.smf.modify(ue.established, timer)
    begun = time.monotonic()
    while time.monotonic() < begun + 3.0:
        assert ue.ping() == 1
        assert ue.smf.inactive == []
        time.sleep(0.3)
    until(lambda: ue.smf.inactive, bound_s=4.0)
    time.sleep(2.5)
    assert ue.smf.inactive == [ue.established]


def test_no_octet_is_lost_or_counted_twice_however_rules_change_meanwhile(ue):
    ue.measured(urr.triggers("volth"), urr.volume_threshold(6 * ECHO))
    told, received = [], 0
    for change in range(6):
        received += ue.ping(4, size=28)
        if change % 2:
            told += ue.modify(urr.query_urr(URR))
        else:
            ue.modify(urr.update_urr(URR, urr.volume_threshold((change + 3) * ECHO)))
        received += ue.ping(3, size=28)
    told += ue.delete()
    time.sleep(0.1)
    told += ue.reports()
    assert received == 6 * 7
    assert sum(each.total_bytes for each in told) == 2 * 56 * received
    assert sorted(each.ur_seqn for each in told) == list(range(len(told)))
