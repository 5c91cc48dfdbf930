"""Tracing with what a running switch holds, and leaving it as it was."""

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from finsy.proto import p4r
from typer.testing import CliRunner

from p4xdp import frontend
from p4xdp.cli import app
from p4xdp.client import SwitchError
from p4xdp.dataplane import Entry, Match, MeterConfig
from p4xdp.interp import Interpreter
from p4xdp.p4info import p4info
from p4xdp.runtime import entries, schema, serve
from p4xdp.trace import TraceError, trace
from p4xdp.trace.document import document
from p4xdp.trace.steps import Applied, Metered, Registered
from p4xdp.trace.switch import SwitchSource
from tests.p4xdp.runtime.conftest import Client

PROGRAMS = Path(__file__).parents[1] / "programs"
INSERT, MODIFY = p4r.Update.INSERT, p4r.Update.MODIFY


class Switch:
    """A program on the interpreter, served."""

    def __init__(self, name, address):
        self.source = PROGRAMS / f"{name}.p4"
        self.program = frontend.load(self.source)
        self.info = p4info(self.program)
        self.schema = schema.load(self.info)
        self.dataplane = Interpreter(self.program)
        self.listen = address
        self.address = ""

    def entry(self, table, entry):
        return entries.encode_entry(self.schema.tables_by_name[table], entry)

    def id_of(self, kind, name):
        return next(a.id for a in getattr(self.schema, kind).values() if a.name == name)

    async def trace(self, port, frame):
        def run():
            with SwitchSource(self.program, self.address) as source:
                return trace(self.program, source, port, frame)

        return await asyncio.to_thread(run)


@pytest.fixture
def switch(tmp_path):
    @asynccontextmanager
    async def running(name):
        switch = Switch(name, f"unix:{tmp_path}/p4rt.sock")
        server = await serve(switch.dataplane, switch.info, listen=switch.listen)
        switch.address = server.address
        client = Client(server.address)
        try:
            await client.become_primary()
            yield switch, client
        finally:
            await client.close()
            await server.stop()

    return running


def steps(found, kind):
    return [s for passage in found.passages for s in passage.steps if isinstance(s, kind)]


def exact(value, width):
    return Match(value, (1 << width) - 1)


FRAME = bytes([1]) + bytes(4) + bytes([0x0A, 0x0B, 1]) + bytes(6)


async def test_entries_defaults_and_direct_meters_are_those_of_the_switch(switch):
    async with switch("direct") as (upf, client):
        a = upf.entry("Ingress.a_table", Entry((exact(1, 8),), "Ingress.a_set", (0x1234,)))
        a.meter_config.CopyFrom(entries.encode_meter_config(MeterConfig(1000, 100, 2000, 200)))
        c = Entry((Match(0x0A00, 0xFF00),), "Ingress.c_meter_it", ())
        d = Entry((Match(1, 3),), "Ingress.d_both", (9,), 5)
        await client.write(
            (INSERT, a),
            (INSERT, upf.entry("Ingress.c_table", c)),
            (INSERT, upf.entry("Ingress.d_table", d)),
        )
        found = await upf.trace(3, FRAME)
        assert [each.entry is not None for each in steps(found, Applied)] == [1, 0, 1, 1]
        assert steps(found, Applied)[2].entry == c
        assert steps(found, Applied)[3].entry == d
        assert steps(found, Metered)[0].config == MeterConfig(1000, 100, 2000, 200)
        default = p4r.TableEntry(table_id=a.table_id, is_default_action=True)
        table = upf.schema.tables_by_name["Ingress.a_table"]
        entries.encode_action(table, "Ingress.a_uncounted", (), default)
        await client.write((MODIFY, default))
        found = await upf.trace(3, bytes([2]) + FRAME[1:])
        assert steps(found, Applied)[0].action == "Ingress.a_uncounted"


async def test_a_trace_leaves_registers_and_counters_as_they_were(switch):
    async with switch("registers") as (upf, _):
        upf.dataplane.write_register("Ingress.tickets", 2, (41,))
        frame = bytes([0, 2]) + bytes(22)
        first, second = [await upf.trace(1, frame) for _ in range(2)]
        assert document(first) == document(second)
        told = {(s.register, s.index): (s.before, s.after) for s in steps(first, Registered)}
        assert told["Ingress.tickets", 2] == ((41,), (42,))
        assert upf.dataplane.read_register("Ingress.tickets", 2, 1) == [(41,)]


async def test_the_result_is_what_the_switch_makes_of_the_packet(switch):
    async with switch("direct") as (upf, client):
        d = Entry((Match(1, 3),), "Ingress.d_both", (9,), 5)
        await client.write((INSERT, upf.entry("Ingress.d_table", d)))
        found = await upf.trace(3, FRAME)
        assert found.result == upf.dataplane.run(3, FRAME, 0)


async def test_another_program_than_the_switch_runs_is_refused(switch):
    async with switch("direct") as (upf, _):
        other = frontend.load(PROGRAMS / "registers.p4")
        with pytest.raises(TraceError, match=r"runs another program: table Ingress\.\w+ differs"):
            await asyncio.to_thread(SwitchSource, other, upf.address)


def test_a_switch_that_is_not_there_is_told_in_time(monkeypatch, tmp_path):
    monkeypatch.setattr("p4xdp.client._TIMEOUT_S", 0.3)
    program = frontend.load(PROGRAMS / "direct.p4")
    with pytest.raises(SwitchError, match="no P4Runtime server answers at unix:"):
        SwitchSource(program, f"unix:{tmp_path}/none.sock")


async def test_the_command_reads_the_switch_and_prints_json_or_a_table(switch):
    async with switch("direct") as (upf, client):
        d = Entry((Match(1, 3),), "Ingress.d_both", (9,), 5)
        await client.write((INSERT, upf.entry("Ingress.d_table", d)))
        words = ["trace", str(upf.source), "--switch", upf.address, "--port", "3"]
        words += ["--hex", FRAME.hex()]
        run = CliRunner()
        printed = await asyncio.to_thread(run.invoke, app, [*words, "--json"])
        told = json.loads(printed.stdout)
        assert told["result"]["octets"] == upf.dataplane.run(3, FRAME, 0).frame.hex()
        shown = await asyncio.to_thread(run.invoke, app, words)
        assert "table Ingress.d_table" in shown.stdout
        assert "d_both(rest=" in shown.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "which packet?"),
        (["--hex", "00", "--pcap", "x"], "which packet?"),
        (["--hex", "00", "--switch", "unix:x", "--entries", "y"], "--switch and --entries"),
        (["--hex", "0g"], "is not hex"),
    ],
)
def test_the_command_says_what_is_wrong_in_one_line(words, told):
    source = str(PROGRAMS / "direct.p4")
    result = CliRunner().invoke(app, ["trace", source, "--port", "1", *words])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("p4xdp: ")
    assert told in line
