"""Which slice a session belongs to, and the meter settings of its capacity."""

from __future__ import annotations

import pytest

from upf.entry import MeterRate
from upf.errors import ResourcesExhaustedError
from upf.slices import SNSSAI, Slice, SliceRegistry
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
    uplink, downlink = Slice(name="a", s_nssai=EMBB, uplink_bps=20_000_000, burst_ms=100).rates()
    assert uplink == MeterRate(2_500_000, 250_000, 2_500_000, 250_000)
    assert downlink is None


def test_small_capacity_still_lets_a_jumbo_frame_pass():
    uplink, _ = Slice(name="a", s_nssai=EMBB, uplink_bps=8000).rates()
    assert uplink.pir_bytes_per_s == 1000
    assert uplink.pburst_bytes >= 9000


def test_running_out_of_slices_is_told():
    slices = registry(*(Slice(name=str(n), s_nssai=EMBB) for n in range(NUM_SLICES - 1)))
    with pytest.raises(ResourcesExhaustedError):
        slices.put(Slice(name="more", s_nssai=EMBB))
