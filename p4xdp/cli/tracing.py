"""`p4xdp trace`: one packet under the microscope."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from p4xdp.cli.common import Defines, Includes, Source, fail, load
from p4xdp.cli.operating import DEFAULT_NAME, RUN_DIRECTORY, Name, RunDir
from p4xdp.cli.watching import Watched
from p4xdp.cli.watching import live as watch_live

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from p4xdp import ir
    from p4xdp.trace import Source as StateSource
    from p4xdp.trace import Trace

TRACE_EXAMPLES = """Examples:

p4xdp trace upf.p4 --switch 127.0.0.1:9559 --port 1 --pcap n3.pcap --frame 7

p4xdp trace upf.p4 --entries upf.stf --port 2 --header ethernet,ether_type=0x0800
--header ipv4,version=4,ihl=5,ttl=64,total_len=48,dst_addr=10.45.0.2 --payload 28

p4xdp trace upf.p4 --port 1 --hex 'ffff ffff ffff 0200 0000 0001 0806' --json | jq .result

p4xdp trace upf.p4 --live --port 1 --match ipv4.src_addr=10.45.0.2 --count 3
"""


def trace(  # noqa: PLR0913 - the command's options
    source: Source,
    *,
    port: Annotated[
        int, typer.Option(min=0, max=511, help="The port it arrives on.", show_default=False)
    ],
    hex_: Annotated[
        str | None, typer.Option("--hex", metavar="OCTETS", help="The frame in hex.")
    ] = None,
    pcap: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take it from a pcap or pcapng file.")
    ] = None,
    frame: Annotated[
        int, typer.Option(min=1, metavar="N", help="Which frame of the file, from 1.")
    ] = 1,
    header: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[,FIELD=VALUE...]",
            help="Make it of the program's headers, in this order; repeat it.",
        ),
    ] = None,
    payload: Annotated[
        int, typer.Option(min=0, max=65535, metavar="OCTETS", help="Zeros behind the headers.")
    ] = 0,
    switch: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Entries of this switch: HOST:PORT or unix:PATH."),
    ] = None,
    device_id: Annotated[int, typer.Option(min=1, help="P4Runtime's device id.")] = 1,
    entries: Annotated[
        Path | None,
        typer.Option(metavar="FILE.stf", help="Entries of this file: add, setdefault, ..."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Packets that a switch of this host receives there.")
    ] = False,
    name: Name = DEFAULT_NAME,
    run_dir: RunDir = RUN_DIRECTORY,
    match: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HEADER.FIELD=VALUE", help="--live: only those with this value; repeat it."
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="--live: end after so many packets.")] = 1,
    within: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="--live: or after so long.")
    ] = 60.0,
    cpu_port: Annotated[int, typer.Option(min=0, max=511, help="The controller's port.")] = 192,
    host_port: Annotated[int, typer.Option(min=0, max=511, help="The host's own stack.")] = 193,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for machines.")] = False,
    defines: Defines = None,
    includes: Includes = None,
) -> None:
    """Show what a program does to one packet: parser states, tables, drop, resulting octets.

    The reference interpreter runs it with the entries that a switch holds, or a file says. Nothing
    is sent; no counter, meter or register of the switch is touched. Meters are taken as not used
    up: no switch tells how full they are.
    """
    from p4xdp import trace as tracing  # noqa: PLC0415
    from p4xdp.client import SwitchError  # noqa: PLC0415

    program = load(source, defines, includes)
    if switch is not None and entries is not None:
        fail("--switch and --entries: give one of them")
    show = _print_json if as_json else _print_text
    if live:
        if [hex_, pcap, header, switch, entries] != [None] * 5:
            fail("--live takes packets and entries from the switch itself")
        watched = Watched(name, run_dir, port, match or (), count, within)

        def trace_now(address: str, octets: bytes) -> Trace:
            with _state(program, address, device_id, None) as state:
                return tracing.trace(
                    program, state, port, octets, cpu_port=cpu_port, host_port=host_port
                )

        watch_live(program, watched, trace_now, show)
        return
    try:
        octets = _frame(program, hex_, pcap, frame, header, payload)
        with _state(program, switch, device_id, entries) as state:
            found = tracing.trace(
                program, state, port, octets, cpu_port=cpu_port, host_port=host_port
            )
    except (tracing.TraceError, SwitchError) as error:
        fail(str(error))
    show(found)


def _print_json(found: Trace) -> None:
    from p4xdp.trace.document import document  # noqa: PLC0415

    print(json.dumps(document(found), indent=2), flush=True)  # noqa: T201


def _print_text(found: Trace) -> None:
    from rich.console import Console  # noqa: PLC0415

    from p4xdp.trace.text import render  # noqa: PLC0415

    Console(highlight=False).print(render(found))


def _frame(
    program: ir.Program,
    hex_: str | None,
    pcap: Path | None,
    number: int,
    headers: list[str] | None,
    payload_octets: int,
) -> bytes:
    """The packet, from whichever one option says so."""
    from p4xdp.trace import files  # noqa: PLC0415
    from p4xdp.trace.headers import frame_of_headers  # noqa: PLC0415

    if [hex_, pcap, headers].count(None) != 2:
        fail("which packet? give one of --hex OCTETS, --pcap FILE or --header NAME,...")
    if hex_ is not None:
        return files.frame_of_hex(hex_)
    if pcap is not None:
        return files.frame_of_capture(pcap, number)
    return frame_of_headers(program, headers or (), payload_octets)


def _state(
    program: ir.Program, address: str | None, device_id: int, path: Path | None
) -> AbstractContextManager[StateSource]:
    from p4xdp.trace import FileSource  # noqa: PLC0415

    if address is None:
        return nullcontext(FileSource(program, path))
    from p4xdp.trace.switch import SwitchSource  # noqa: PLC0415

    return SwitchSource(program, address, device_id)
