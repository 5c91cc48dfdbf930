"""`upf pfcp`: look into N4 as it was captured: what an SMF said, and what it was told."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from upf import pcap, pfcp_view
from upf.config import PFCP_PORT
from upf.pcap import CaptureError
from upf.pfcp_conversation import Conversation
from upf.udp_datagrams import datagram

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upf.pfcp_conversation import Exchange
    from upf.udp_datagrams import Datagram

_ENDLESS_COLUMNS = 100_000

app = typer.Typer(help="PFCP (N4) messages.", no_args_is_help=True)


@app.callback()
def pfcp() -> None:
    """PFCP (N4) messages."""


@app.command()
def decode(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="A pcap, pcapng or text file; - reads stdin")
    ],
    *,
    brief: Annotated[bool, typer.Option("--brief", help="One line a message")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line")] = False,
    port: Annotated[int, typer.Option(help="The UDP port of N4 in the capture")] = PFCP_PORT,
) -> None:
    """Show a captured PFCP conversation: each message, its IEs, and what it answers.

    Text is one message a line, in hexadecimal; words before the octets and lines that begin with #
    are passed over. Octets that cannot be read are shown with what is wrong with them. Exit status
    1 if the file cannot be read.
    """
    # Octets of the wire are shown as they are: none may be taken for markup.
    console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    if not console.is_terminal:
        # Nothing is cut where no window says how much fits.
        console = Console(highlight=False, markup=False, emoji=False, width=_ENDLESS_COLUMNS)
    shown = 0
    try:
        begun_s = None
        for exchange in _exchanges(_read(file), port):
            shown += 1
            if begun_s is None:
                begun_s = exchange.at_s or 0.0
            if as_json:
                sys.stdout.write(json.dumps(pfcp_view.json_of(exchange)) + "\n")
            elif brief:
                console.print(pfcp_view.line(exchange, begun_s))
            else:
                console.print(pfcp_view.tree(exchange, begun_s))
    except CaptureError as error:
        typer.echo(f"upf: {file}: {error}", err=True)
        raise typer.Exit(1) from error
    if not shown:
        typer.echo(f"upf: {file}: holds no UDP datagram of port {port}", err=True)


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CaptureError(f"cannot be read: {error.strerror}") from error


def _exchanges(octets: bytes, port: int) -> Iterator[Exchange]:
    if pcap.is_capture(octets):
        return Conversation().of_datagrams(_datagrams(octets, port))
    return Conversation().of_octets(_hexadecimal(octets))


def _datagrams(octets: bytes, port: int) -> Iterator[Datagram]:
    for packet in pcap.packets(octets):
        found = datagram(packet)
        if found is not None and port in {found.source[1], found.destination[1]}:
            yield found


def _hexadecimal(octets: bytes) -> Iterator[bytes]:
    """The messages of a text, one a line."""
    try:
        text = octets.decode("ascii")
    except UnicodeDecodeError as error:
        raise CaptureError("is neither a capture (pcap, pcapng) nor hexadecimal text") from error
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("#", 1)[0].split()
        while words and not _is_hexadecimal(words[0]):
            words.pop(0)
        if not words:
            if line.split("#", 1)[0].strip():
                raise CaptureError(f"line {number} holds no hexadecimal octets")
            continue
        try:
            yield bytes.fromhex("".join(words))
        except ValueError as error:
            raise CaptureError(f"line {number} is not hexadecimal: {error}") from error


def _is_hexadecimal(word: str) -> bool:
    try:
        return bool(bytes.fromhex(word))
    except ValueError:
        return False
