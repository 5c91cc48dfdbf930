"""Meters as packets meet them in the kernel, with the time of the test."""

import random

import pytest

from p4xdp import metering
from p4xdp.dataplane import DataplaneError, Entry, Match, MeterConfig

pytestmark = pytest.mark.root

METER = "Ingress.limits"
CELL = 3


@pytest.fixture(scope="module")
def metered(wire):
    """The wire with a meter: a packet leaves by port 16 + its colour."""
    text = wire.replace(
        "    action send(", "    Meter<bit<4>>(16, MeterType_t.BYTES) limits;\n\n    action send("
    )
    execute = (
        "        wires.apply();\n"
        f"        md.color = limits.execute({CELL});\n"
        "        ig_tm_md.ucast_egress_port = 16 + (bit<9>)md.color;\n"
    )
    text = text.replace("        wires.apply();\n", execute)
    return text.replace("struct metadata_t {\n", "struct metadata_t {\n    bit<8> color;\n")


@pytest.fixture
def switch(opened, metered):
    dataplane = opened(metered, testing=True)
    send = Entry((Match(1, 0x1FF),), "Ingress.send", (0,))
    dataplane.insert_entries("Ingress.wires", [send])
    return dataplane


def color(switch, octets, now_ns):
    return switch.run(1, bytes(octets), now_ns).port - 16


@pytest.mark.parametrize(
    ("rate", "octets"),
    [(125, 100), (10**5, 1500), (125 * 10**6, 64), (125 * 10**6, 1500), (5 * 10**9, 1500)],
    ids=["1kbps", "800kbps", "1gbps-64", "1gbps-1500", "40gbps"],
)
def test_twice_the_rate_is_let_through_by_half(switch, rate, octets):
    switch.write_meter(METER, CELL, MeterConfig(rate, 4 * octets, rate, 4 * octets))
    start_ns, packets = 10**12, 2000
    gap_ns = octets * 10**9 / rate / 2
    passed = sum(
        color(switch, octets, start_ns + round(i * gap_ns)) == metering.GREEN
        for i in range(packets)
    )
    # Half of them, and the burst of four that was saved up.
    assert passed == pytest.approx(packets / 2 + 4, abs=2)


def test_colours_are_those_of_the_formula_packet_by_packet(switch):
    random_ = random.Random(7)
    config = MeterConfig(10**6, 3000, 3 * 10**6, 6000)
    switch.write_meter(METER, CELL, config)
    cell, state = metering.cell(config, in_bytes=True), metering.CellState()
    now_ns, seen = 10**15, set()
    for _ in range(1500):
        now_ns += random_.choice([0, 1, 1000, 300_000, 2_000_000])
        octets = random_.choice([14, 64, 576, 1500])
        expected = metering.execute(cell, state, octets, now_ns)
        assert color(switch, octets, now_ns) == expected
        seen.add(expected)
    assert seen == {metering.GREEN, metering.YELLOW, metering.RED}


def test_an_unconfigured_cell_lets_everything_pass_green(switch):
    config = MeterConfig(0, 0, 0, 0)
    for configuration, expected in ((None, 0), (config, 3), (None, 0), (config, 3), (config, 3)):
        switch.write_meter(METER, CELL, configuration)
        assert color(switch, 1500, 10**12) == expected


def test_a_new_configuration_holds_at_once_and_starts_full(switch):
    for rate in (125, 10**6, 125, 10**9):
        switch.write_meter(METER, CELL, MeterConfig(rate, 1500, rate, 1500))
        assert [color(switch, 1500, 10**12) for _ in range(2)] == [metering.GREEN, metering.RED]


def test_without_an_injected_time_the_clock_runs(switch):
    switch.write_meter(METER, CELL, MeterConfig(10**9, 1500, 10**9, 1500))
    colors = {color(switch, 1500, 0) for _ in range(300)}  # far below 1 GB/s
    assert colors == {metering.GREEN}


def test_a_cell_outside_the_meter_is_refused(switch):
    with pytest.raises(DataplaneError, match="cell 16"):
        switch.write_meter(METER, 16, None)
