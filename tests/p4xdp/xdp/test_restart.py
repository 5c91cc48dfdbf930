"""A switch that outlives its process: what the next one finds of it."""

import shutil
import subprocess

import pytest

from p4xdp.dataplane import (
    CounterValue,
    DataplaneError,
    Entry,
    Match,
    MeterConfig,
    RefusedError,
)
from p4xdp.xdp import XdpDataplane
from p4xdp.xdp.home import Home, HomeError, process_of
from p4xdp.xdp.namespaces import interface

pytestmark = pytest.mark.root

TABLE = "Ingress.wires"
CONFIG = MeterConfig(5_000_000_001, 7, 5_000_000_003, 11)


def send(port_in, port_out):
    return Entry((Match(port_in, 0x1FF),), "Ingress.send", (port_out,))


@pytest.fixture
def counting(wire):
    """The program with a counter, a meter and a direct counter besides."""
    for old, new in (
        (
            "    action send(PortId_t port) {",
            (
                "    DirectCounter<bit<64>>(CounterType_t.PACKETS) taken;\n"
                "    Counter<bit<64>, bit<2>>(4, CounterType_t.PACKETS) passed;\n"
                "    Meter<bit<2>>(4, MeterType_t.BYTES) limits;\n"
                "    Register<bit<32>, bit<2>>(4, 7) numbers;\n"
                "    RegisterAction<bit<32>, bit<2>, bit<32>>(numbers) one_more = {\n"
                "        void apply(inout bit<32> value) { value = value + 1; }\n"
                "    };\n"
                "    action send(PortId_t port) {\n        taken.count();"
            ),
        ),
        ("    action drop() {", "    action drop() {\n        taken.count();"),
        ("default_action = drop();", "default_action = drop();\n        counters = taken;"),
        (
            "        wires.apply();",
            (
                "        passed.count(1); bit<8> color = limits.execute(2); one_more.execute(3);\n"
                "        wires.apply();"
            ),
        ),
    ):
        assert old in wire
        wire = wire.replace(old, new)
    return wire


@pytest.mark.clause("State across restarts", "the forwarding state is that of before")
def test_entries_and_ports_are_there_again(opened, wire, hosts, home):
    ports = dict(enumerate(hosts, 1))
    before = opened(wire, ports, home=home())
    before.insert_entries(TABLE, [send(1, 2), send(2, 1)])
    before.set_default(TABLE, "Ingress.send", (5,))
    before.close()
    assert all(interface(name).program_id for name in hosts)
    after = opened(wire, ports, home=home())
    assert list(after.held_entries(TABLE)) == [send(1, 2), send(2, 1)]
    assert after.held_default(TABLE) == ("Ingress.send", (5,))
    assert after.port_names() == ports
    after.remove()
    assert not any(interface(name).program_id for name in hosts)


@pytest.mark.clause("State across restarts", "the forwarding state is that of before")
def test_counters_meters_and_registers_go_on(opened, counting, home):
    before = opened(counting, home=home(), testing=True)
    before.insert_entries(TABLE, [send(1, 2), send(3, 4)])
    before.write_meter("Ingress.limits", 2, CONFIG)
    for _ in range(3):
        before.run(3, bytes(64), 1)
    state = before.meter_state("Ingress.limits", 2)
    before.close()
    after = opened(counting, home=home(), testing=True)
    assert after.held_meters("Ingress.limits") == {2: CONFIG}
    assert after.meter_state("Ingress.limits", 2) == state
    after.run(3, bytes(64), 1)
    assert after.read_counter("Ingress.passed", 1, 1) == [CounterValue(4, 0)]
    assert after.read_direct_counter(TABLE, send(3, 4)) == CounterValue(4, 0)
    assert after.read_register("Ingress.numbers", 2, 2) == [(7,), (11,)]
    # A new entry gets a cell that nobody has, and that has counted nothing.
    after.insert_entries(TABLE, [send(5, 6)])
    assert after.read_direct_counter(TABLE, send(5, 6)) == CounterValue(0, 0)


def test_a_changed_program_goes_on_with_what_is_the_same(opened, counting, hosts, home):
    ports = dict(enumerate(hosts, 1))
    before = opened(counting, ports, home=home(), testing=True)
    before.insert_entries(TABLE, [send(1, 2), send(3, 4)])
    before.write_meter("Ingress.limits", 2, CONFIG)
    for _ in range(3):
        before.run(3, bytes(64), 1)
    old_program = interface(next(iter(hosts))).program_id
    before.close()
    changed = counting.replace("passed.count(1);", "passed.count(2);")
    after = opened(changed, ports, home=home(), testing=True)
    assert interface(next(iter(hosts))).program_id not in (old_program, None)
    assert list(after.held_entries(TABLE)) == [send(1, 2), send(3, 4)]
    assert after.run(3, bytes(64), 1).port == 4
    _, old, new, _ = (c.packets for c in after.read_counter("Ingress.passed", 0, 4))
    assert (old >= 3, new >= 1) == (True, True)  # hosts say this and that on their own
    assert after.read_direct_counter(TABLE, send(3, 4)) == CounterValue(4, 0)
    assert after.held_meters("Ingress.limits") == {2: CONFIG}


def test_entries_that_still_make_sense_are_written_into_a_changed_table(
    opened, counting, home, caplog
):
    before = opened(counting, home=home(), testing=True)
    before.insert_entries(TABLE, [send(1, 2), Entry((Match(3, 0x1FF),), "Ingress.drop", ())])
    before.run(1, bytes(64), 1)
    before.close()
    changed = counting.replace("            drop;\n", "").replace(
        "default_action = drop();", "default_action = send(9);"
    )
    after = opened(changed, home=home(), testing=True)
    assert list(after.held_entries(TABLE)) == [send(1, 2)]
    assert after.read_direct_counter(TABLE, send(1, 2)) == CounterValue(1, 0)
    assert f"cannot go on with 1 entries of {TABLE}" in caplog.text
    assert after.run(77, bytes(64), 1).port == 9


def test_other_sizes_are_another_program(opened, wire, home):
    before = opened(wire, home=home(), testing=True)
    before.insert_entries(TABLE, [send(1, 2)])
    before.close()
    after = opened(wire, home=home(), testing=True, sizes={TABLE: 2})
    after.insert_entries(TABLE, [send(2, 3)])
    with pytest.raises(DataplaneError, match="2 entries and no more"):
        after.insert_entries(TABLE, [send(3, 4)])
    assert after.run(1, bytes(64), 1).port == 2


def test_ports_follow_what_is_wanted_at_each_start(opened, wire, hosts, home):
    first, second = hosts
    opened(wire, {1: first}, home=home()).close()
    opened(wire, {7: second}, home=home()).close()
    assert interface(first).program_id is None
    after = opened(wire, {1: first, 7: second}, home=home())
    assert after.port_names() == {1: first, 7: second}


def test_an_interface_that_went_away_is_taken_as_new(opened, wire, hosts, home):
    first, second = hosts
    opened(wire, {1: first, 2: second}, home=home()).close()
    subprocess.run(["ip", "link", "del", first], check=True)
    made = ["ip", "link", "add", first, "type", "veth", "peer", "name", "eth0"]
    subprocess.run([*made, "netns", hosts[first]], check=True)
    subprocess.run(["ip", "link", "set", first, "up"], check=True)
    opened(wire, {1: first, 2: second}, home=home())
    assert interface(first).program_id == interface(second).program_id


def test_a_first_start_that_fails_leaves_nothing(opened, wire, hosts, home, tmp_path):
    first, _ = hosts
    subprocess.run(["ip", "link", "set", first, "down"], check=True)
    with pytest.raises(DataplaneError, match="is down"):
        opened(wire, {1: first}, home=home())
    assert list(tmp_path.iterdir()) == [tmp_path / "bpf"]
    assert not list((tmp_path / "bpf").iterdir())


def test_one_process_at_a_time_has_a_switch(home, tmp_path):
    home()
    assert process_of(next(tmp_path.iterdir()))
    with pytest.raises(HomeError, match="is served by process"):
        home()


@pytest.mark.parametrize("name", ["", "bpf", "a/b", "..", "x" * 65])
def test_a_name_is_a_plain_word(tmp_path, name):
    with pytest.raises(HomeError, match="no name for a switch"):
        Home.enter(name, tmp_path)


@pytest.fixture
def exchangeable(built, counting, hosts, home, tmp_path):
    """A running switch, and a way to change what is compiled in its directory."""
    directory = tmp_path / "build"
    shutil.copytree(built(counting), directory)

    def compile_(text):
        shutil.copytree(built(text), directory, dirs_exist_ok=True)

    opened = XdpDataplane.open(
        directory, dict(enumerate(hosts, 1)), home=home(), testing=True, mode="native"
    )
    yield opened, compile_
    opened.close()


def test_a_running_switch_goes_over_to_another_program(exchangeable, counting, hosts):
    switch, compile_ = exchangeable
    first = next(iter(hosts))
    switch.insert_entries(TABLE, [send(3, 4)])
    old_program = interface(first).program_id
    compile_(counting.replace("passed.count(1);", "passed.count(2);"))
    switch.replace(keeps=True)
    assert interface(first).program_id not in (old_program, None)
    assert list(switch.held_entries(TABLE)) == [send(3, 4)]
    assert switch.run(3, bytes(64), 1).port == 4
    assert switch.read_counter("Ingress.passed", 2, 1)[0].packets >= 1
    compile_(counting)
    switch.replace(keeps=False)
    assert list(switch.held_entries(TABLE)) == []
    assert switch.run(3, bytes(64), 1).verdict == "drop"
    assert switch.port_names() == dict(enumerate(hosts, 1))


def test_a_program_that_would_lose_something_does_not_replace_the_running_one(
    exchangeable, counting, hosts
):
    switch, compile_ = exchangeable
    switch.insert_entries(TABLE, [Entry((Match(3, 0x1FF),), "Ingress.drop", ())])
    running = interface(next(iter(hosts))).program_id
    compile_(
        counting.replace("            drop;\n", "").replace(
            "default_action = drop();", "default_action = send(9);"
        )
    )
    with pytest.raises(RefusedError, match=f"cannot go on with 1 entries of {TABLE}"):
        switch.replace(keeps=True)
    assert interface(next(iter(hosts))).program_id == running
    assert len(list(switch.held_entries(TABLE))) == 1
