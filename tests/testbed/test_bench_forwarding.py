"""The benchmark of the data plane, with few frames: that it measures what it says."""

from pathlib import Path

import pytest

from p4xdp import frontend
from testbed.bench.forwarding import cores, stages
from testbed.bench.forwarding.measuring import (
    FILTERED,
    HOT,
    METERED,
    UNMETERED,
    Case,
    cases,
    measure,
)
from testbed.bench.forwarding.path import Paths
from testbed.bench.forwarding.population import Population, sizes_for, usage_cell, usage_id
from testbed.bench.forwarding.report import markdown, where_the_time_goes
from testbed.bench.forwarding.sampling import attribution_of, break_down
from testbed.bench.forwarding.stages import Attribution, Breakdown, Image, Line

P4 = Path(__file__).parents[2] / "p4"
SESSIONS = 20


@pytest.mark.root
def test_all_frames_are_forwarded_metered_and_counted():
    with Paths(P4 / "build", sizes_for(SESSIONS), cpu=0) as paths:
        population = Population(frontend.load(P4 / "upf.p4"), paths.dataplane, SESSIONS)
        figures = [
            measure(paths, case, SESSIONS, frames=2000, rounds=1)
            for case in cases(UNMETERED, [64, 600])
        ]
        before = counted(paths.dataplane)
        population.meter()
        figures += [
            measure(paths, case, SESSIONS, frames=2000, rounds=1) for case in cases(METERED, [64])
        ]
        assert all(one.bare_ns > 0 and one.tern_ns > 0 for one in figures)
        assert all(count > 0 for count in before.values())
        assert counted(paths.dataplane) != before
        assert not any(paths.dataplane.switch_drops().values())
    page = markdown(
        {"cpu": "a", "cores": 1, "kernel": "b", "load": 0, "sessions": SESSIONS, "rounds": 1},
        figures,
    )
    assert page.count("| uplink |") == page.count("| downlink |") == len(figures) / 2


def counted(dataplane):
    """Packets of every session's directions."""
    return {
        usage: dataplane.read_counter(*usage_cell(usage), 1)[0].packets
        for session in range(SESSIONS)
        for usage in (usage_id(session, 1), usage_id(session, 2))
    }


@pytest.mark.root
def test_two_cores_send_at_the_same_time():
    with Paths(P4 / "build", sizes_for(SESSIONS), cpu=0) as paths:
        Population(frontend.load(P4 / "upf.p4"), paths.dataplane, SESSIONS)
        figures = list(cores.measure(paths, (0, 1), SESSIONS, 64, rounds=1, seconds=0.1))
        assert not any(paths.dataplane.switch_drops().values())
    bare, tern = figures
    assert 0 < min(bare.alone_ns) < min(tern.alone_ns)
    assert all(0 < one.gain < 3 for one in figures)
    page = cores.markdown({"cpu": "a", "cores": 2, "kernel": "b", "load": 0}, figures)
    assert "| tern | 20 | 64 |" in page


def test_what_both_gain_is_in_proportion_to_one():
    assert cores.Figure("tern", 1, 64, (100, 100), (100, 100)).gain == 2
    assert cores.Figure("tern", 1, 64, (100, 100), (200, 200)).gain == 1


GENERATED = """\
/* table Ingress.detection.sessions_by_fteid */
union t_sessions_by_fteid_entry {
DIRECTORY(t_sessions_by_fteid, union t_sessions_by_fteid_entry, 1, 64, 0)

COUNTER(c_usage);
METER(m_slices, 512);

struct packet_state {
};
__attribute__((noinline)) int likely_packet(struct xdp_md *ctx)
{
    __u8 *data = (__u8 *)(long)ctx->data;
    /* ---- likely ways ---- */
    packet->ig_hdr_ethernet_at = 0;
    /* p4/control/detection.p4:319 */
    {
        union t_sessions_by_fteid_entry *entry = 0;
        entry = t_sessions_by_fteid_find(key);
        switch (entry->action) {
            case t_sessions_by_fteid_forward: {
                carried->ig_md_is_admitted = 1;
            }
        }
    }
    if (carried->ig_md_ttl == 0) return 0;
    egress_length = bpf_xdp_get_buff_len(ctx);
    {
        struct meter_cell *cell = meter_at(&m_slices, 1);
    }
    count(&c_usage, 1, 2, 3);
    carried->eg_hdr_ipv4_ttl = 1;
        if (bpf_xdp_adjust_head(ctx, 44)) return 0;
}

ALWAYS_INLINE int pipeline(struct xdp_md *ctx)
{
    return outcome;
}
"""


@pytest.mark.parametrize(
    ("line", "stage"),
    [
        ("DIRECTORY(", stages.SESSION),
        ("METER(", stages.METERS),
        ("*data = ", None),
        ("ig_hdr_ethernet_at", stages.PARSER),
        ("_find(key)", stages.SESSION),
        ("ig_md_is_admitted", stages.ACTIONS),
        ("ig_md_ttl", stages.CONTROL),
        ("egress_length", stages.EGRESS),
        ("meter_at(", stages.METERS),
        ("count(", stages.COUNTERS),
        ("eg_hdr_ipv4_ttl", stages.EGRESS),
        ("adjust_head", stages.DEPARSER),
        ("return outcome", stages.SWITCH),
    ],
)
def test_a_line_of_the_generated_c_says_its_stage(line, stage):
    of_lines = stages.of_generated(GENERATED)
    found = [
        told for text, told in zip(GENERATED.splitlines(), of_lines, strict=True) if line in text
    ]
    assert found[-1] == (stage or stages.SWITCH)


def test_an_address_has_the_stage_of_its_line_or_of_the_helper_it_is_in():
    find = GENERATED.splitlines().index("        entry = t_sessions_by_fteid_find(key);") + 1
    header = (
        "ALWAYS_INLINE int same(int a)\n{\n    return a;\n}\nALWAYS_INLINE int meter_at(int a)\n{\n"
    )
    image = Image(
        ((1000, 100),),
        (
            *(Line(1000, "upf.bpf.c", 0), Line(1010, "upf.bpf.c", find)),
            *(Line(1020, "runtime.h", 3), Line(1030, "runtime.h", 6)),
        ),
    )
    symbols = [(10, "veth_poll"), (20, "bpf_ktime_get_ns"), (30, "trie_lookup_elem"), (40, "other")]
    told = Attribution(image, {"upf.bpf.c": GENERATED, "runtime.h": header}, symbols)
    assert [told.stage(address) for address in (1005, 1010, 1025, 1099)] == [
        *(stages.SWITCH, stages.SESSION, stages.SESSION, stages.METERS)
    ]
    assert [told.stage(address) for address in (5, 15, 25, 35, 1100)] == [
        *(stages.AROUND, stages.AROUND, stages.HELPERS, stages.ROUTES, stages.AROUND)
    ]
    shares = told.shares([1010, 1011, 15, 25])
    assert {stage: share for stage, share in shares.items() if share} == {
        stages.SESSION: 0.5,
        stages.AROUND: 0.25,
        stages.HELPERS: 0.25,
    }
    assert told.shares([]) == {}


def test_the_page_says_whether_cache_misses_were_counted():
    case = Case(HOT, "uplink", 64)
    shares = {stages.METERS: 0.25, stages.AROUND: 0.75}
    counted = where_the_time_goes([Breakdown(case, 400, 100, shares, 1.5)])
    assert "| meters | 100 |" in counted
    assert "| **Tern's program** | 100 |" in counted
    assert "| cache misses (number) | 1.50 |" in counted
    assert "does not count" in where_the_time_goes([Breakdown(case, 400, 100, shares, None)])
    assert where_the_time_goes([]) == ""


@pytest.mark.root
def test_the_time_of_a_frame_is_told_by_stages():
    with Paths(P4 / "build", sizes_for(SESSIONS), cpu=0) as paths:
        population = Population(frontend.load(P4 / "upf.p4"), paths.dataplane, SESSIONS)
        population.meter()
        told = attribution_of(P4 / "build", paths.program_id)
        found = break_down(paths, told, Case(FILTERED, "uplink", 64), SESSIONS, frames=1_000_000)
    assert found.samples > 500
    assert sum(found.shares.values()) == pytest.approx(1)
    assert 0.2 < sum(found.shares[stage] for stage in stages.PROGRAM) < 0.8
    assert all(
        found.shares[stage] > 0.01
        for stage in (stages.FILTERS, stages.METERS, stages.PARSER, stages.HELPERS)
    )
