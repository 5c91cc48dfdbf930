"""Which slice a session belongs to, and the meter settings of its capacity."""

from __future__ import annotations

from dataclasses import replace

import pytest

from upf.entry import MeterRate
from upf.errors import ResourcesExhaustedError, SliceError
from upf.slices import NO_LIMIT_BPS, SNSSAI, Slice, SliceRegistry
from upf.tables import NUM_SLICES, slice_meter_id

EMBB = SNSSAI(1)
VIDEO = SNSSAI(1, 0x000001)


def registry(*slices):
    made = SliceRegistry()
    for each in slices:
        made, _ = made.put(each)
    return made


def name_for(slices, s_nssai, dnn):
    names = {each.slice_id: name for name, each in slices.slices.items()}
    return names.get(slices.slice_id_for(s_nssai, dnn))


def test_slice_is_chosen_by_s_nssai_and_dnn():
    slices = registry(
        Slice(name="all", s_nssai=EMBB),
        Slice(name="ims", s_nssai=EMBB, dnns=("ims",)),
        Slice(name="video", s_nssai=VIDEO),
    )
    assert name_for(slices, EMBB, "internet") == "all"
    assert name_for(slices, EMBB, "ims") == "ims"
    assert name_for(slices, VIDEO, "ims") == "video"
    assert name_for(slices, SNSSAI(2), "internet") is None


def test_session_without_s_nssai_is_judged_by_its_dnn():
    slices = registry(Slice(name="all", s_nssai=EMBB), Slice(name="i", s_nssai=EMBB, dnns=("i",)))
    assert name_for(slices, None, "i") == "i"
    assert name_for(slices, None, "x") is None
    assert name_for(slices, None, None) is None


def test_differentiator_sent_the_wrong_way_round_is_understood_where_nobody_is_named_by_it():
    backwards = SNSSAI(1, 0x010000)
    slices = registry(Slice(name="any", s_nssai=None), Slice(name="video", s_nssai=VIDEO))
    assert name_for(slices, backwards, "internet") == "video"
    assert name_for(slices, SNSSAI(2, 0x010000), "internet") == "any"
    other = Slice(name="other", s_nssai=backwards)
    both = registry(*slices.slices.values(), other)
    assert name_for(both, backwards, "internet") == "other"
    assert name_for(both, VIDEO, "internet") == "video"


def test_no_slice_is_slice_zero_with_meters_of_its_own():
    assert SliceRegistry().slice_id_for(EMBB, "internet") == 0
    assert slice_meter_id(0, is_uplink=True) == 0
    assert slice_meter_id(3, is_uplink=False) == 7


def test_changed_slice_keeps_its_identifier_and_deleted_one_gives_it_back():
    slices = registry(Slice(name="a", s_nssai=EMBB), Slice(name="b", s_nssai=VIDEO))
    changed, put = slices.put(Slice(name="a", s_nssai=EMBB, uplink_bps=1))
    assert put.slice_id == slices.slices["a"].slice_id
    _, c = changed.without("a").put(Slice(name="c", s_nssai=EMBB))
    assert c.slice_id == put.slice_id


def test_capacity_is_bytes_per_second_and_a_burst():
    made = Slice(name="a", s_nssai=EMBB, uplink_bps=20_000_000, uplink_burst_ms=100)
    uplink, downlink = made.rates()
    assert uplink == MeterRate(2_500_000, 250_000, 2_500_000, 250_000)
    assert downlink is None


def test_bursts_of_both_directions_are_apart():
    made = replace(
        Slice(name="a", s_nssai=EMBB, uplink_bps=80_000_000, downlink_bps=80_000_000),
        uplink_burst_ms=10.5,
        downlink_burst_ms=1000,
    )
    assert [each.pburst_bytes for each in made.rates()] == [105_000, 10_000_000]


def test_what_exceeds_the_guaranteed_share_is_told_from_what_is_within():
    made = Slice(name="a", s_nssai=EMBB, uplink_bps=80_000_000, guaranteed_uplink_bps=8_000_000)
    rate, _ = made.rates()
    assert (rate.cir_bytes_per_s, rate.pir_bytes_per_s) == (1_000_000, 10_000_000)
    rate, _ = replace(made, uplink_bps=None).rates()
    assert rate.cir_bytes_per_s == 1_000_000
    assert 8 * rate.pir_bytes_per_s == NO_LIMIT_BPS


def test_what_sessions_are_guaranteed_is_set_aside():
    made = Slice(name="a", s_nssai=EMBB, downlink_bps=80_000_000, guaranteed_downlink_bps=8_000_000)
    _, rate = made.rates(0, 6_000_000)
    assert (rate.cir_bytes_per_s, rate.pir_bytes_per_s) == (250_000, 9_250_000)
    _, rate = replace(made, downlink_bps=8_000_000).rates(0, 8_000_000)
    assert (rate.cir_bytes_per_s, rate.pir_bytes_per_s) == (0, 0)


def test_a_slice_is_not_guaranteed_more_than_its_capacity():
    Slice(name="a", s_nssai=EMBB, uplink_bps=8, guaranteed_uplink_bps=8).check()
    Slice(name="a", s_nssai=EMBB, guaranteed_downlink_bps=8).check()
    with pytest.raises(SliceError, match="guaranteed more downlink"):
        Slice(name="a", s_nssai=EMBB, downlink_bps=7, guaranteed_downlink_bps=8).check()


def test_small_capacity_still_lets_a_jumbo_frame_pass():
    uplink, _ = Slice(name="a", s_nssai=EMBB, uplink_bps=8000).rates()
    assert uplink.pir_bytes_per_s == 1000
    assert uplink.pburst_bytes >= 9000


def test_running_out_of_slices_is_told():
    slices = registry(*(Slice(name=str(n), s_nssai=EMBB) for n in range(NUM_SLICES - 1)))
    with pytest.raises(ResourcesExhaustedError):
        slices.put(Slice(name="more", s_nssai=EMBB))
