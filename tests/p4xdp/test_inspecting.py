"""Looking into a running switch: its tables and counters, by the names of the program."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from finsy.proto import p4r
from typer.testing import CliRunner

from p4xdp import frontend, wording
from p4xdp.cli import app
from p4xdp.dataplane import Entry, Match
from p4xdp.interp import Interpreter
from p4xdp.p4info import p4info
from p4xdp.runtime import entries, schema, serve
from tests.p4xdp.runtime.conftest import Client

PROGRAMS = Path(__file__).parent / "programs"
INSERT = p4r.Update.INSERT
FRAME = bytes([1]) + bytes(4) + bytes([0x0A, 0x0B, 1]) + bytes(6)


@pytest.fixture
def switch(tmp_path):
    """A program on the interpreter, served, with entries; gives its address and data plane."""

    @asynccontextmanager
    async def running(name, *held):
        program = frontend.load(PROGRAMS / f"{name}.p4")
        info = p4info(program)
        known = schema.load(info).tables_by_name
        dataplane = Interpreter(program)
        server = await serve(dataplane, info, listen=f"unix:{tmp_path}/p4rt.sock")
        client = Client(server.address)
        try:
            await client.become_primary()
            updates = [(INSERT, entries.encode_entry(known[table], entry)) for table, entry in held]
            await client.write(*updates)
            yield server.address, dataplane
        finally:
            await client.close()
            await server.stop()

    return running


async def run(*words):
    return await asyncio.to_thread(CliRunner().invoke, app, [str(word) for word in words])


A = ("Ingress.a_table", Entry((Match(1, 0xFF),), "Ingress.a_set", (0x1234,)))
C = ("Ingress.c_table", Entry((Match(0x0A00, 0xFF00),), "Ingress.c_meter_it", ()))
D = ("Ingress.d_table", Entry((Match(1, 3),), "Ingress.d_both", (0x020000000001,), 5))


async def test_tables_are_listed_with_what_they_hold_and_have_room_for(switch):
    async with switch("direct", A, C, D) as (address, _):
        told = json.loads((await run("tables", address, "--json")).stdout)
        held = {each["table"]: (each["key"], each["entries"], each["size"]) for each in told}
        assert held["Ingress.a_table"] == ("a:exact", 1, 4)
        assert held["Ingress.b_table"] == ("b:exact", 0, 4)
        assert "Ingress.d_table" in (await run("tables", address)).stdout


async def test_entries_are_told_by_the_names_of_the_program(switch):
    async with switch("direct", A, C, D) as (address, _):
        (c,) = json.loads((await run("tables", address, "c_table", "--json")).stdout)
        assert c["key"] == {"c": "2560/8"}
        (d,) = json.loads((await run("tables", address, "d_table", "--json")).stdout)
        assert d == {
            "key": {"d": "1 mask 0x3"},
            "priority": 5,
            "action": "Ingress.d_both",
            "parameters": {"rest": "02:00:00:00:00:01"},
        }
        assert "rest=02:00:00:00:00:01" in (await run("tables", address, "d_table")).stdout


async def test_counters_tell_what_counted_anything(switch):
    async with switch("recirculation") as (address, dataplane):
        dataplane.run(3, bytes(40), 0)
        (cell,) = json.loads((await run("counters", address, "--json")).stdout)
        assert cell == {"counter": "Ingress.received", "cell": 3, "packets": 1, "octets": 40}
        all_cells = json.loads(
            (await run("counters", address, "received", "--all", "--json")).stdout
        )
        assert len(all_cells) == 512


async def test_direct_counters_are_told_by_entry(switch):
    async with switch("direct", A) as (address, dataplane):
        dataplane.run(3, FRAME, 0)
        (cell,) = json.loads((await run("counters", address, "a_table", "--json")).stdout)
        assert (cell["cell"], cell["packets"]) == ({"a": "1"}, 1)


async def test_an_unknown_name_and_a_switch_that_is_gone_are_told_in_one_line(
    switch, monkeypatch, tmp_path
):
    monkeypatch.setattr("p4xdp.client._TIMEOUT_S", 0.3)
    async with switch("direct", A) as (address, _):
        results = [
            (await run("tables", address, "x_table"), "no table is called x_table"),
            (await run("counters", address, "x"), "no counter or table with counters is called x"),
            (await run("tables", f"unix:{tmp_path}/none"), "no P4Runtime server answers"),
        ]
    for result, told in results:
        assert result.exit_code == 1
        (line,) = result.stderr.splitlines()
        assert line.startswith("p4xdp: ")
        assert told in line


@pytest.mark.parametrize(
    ("match", "told"),
    [
        (Match(0x0A2D0002, 0xFFFFFFFF), "10.45.0.2"),
        (Match(0x0A2D0000, 0xFFFF0000), "10.45.0.0/16"),
        (Match(0x0A2D0000, 0xFF0000FF), "10.45.0.0 mask 0xff0000ff"),
        (Match(0, 0), "*"),
        (Match(5, 0, 9), "5..9"),
        (Match(0, 0, 0xFFFFFFFF), "*"),
    ],
)
def test_what_a_field_asks_is_written_as_people_do(match, told):
    assert wording.match_text("ipv4_dst", match, 32) == told
