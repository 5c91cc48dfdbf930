"""`upf trace`: what would become of a packet, for people and machines."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from upf import pcap
from upf.cli_faults import faults_in_one_line
from upf.cli_rest import RESTClient
from upf.cli_show import URL, AsJSON, Config, Token  # noqa: TC001 - typer reads them
from upf.errors import DescriptionError

if TYPE_CHECKING:
    from rich.console import RenderableType

app = typer.Typer()

_LINKTYPE_ETHERNET = 1
_SMALL = 1 << 16
_FATE_STYLES = {"forwarded": "bold green", "dropped": "bold red", "host": "bold yellow"}

EXAMPLES = (
    "Examples: upf trace --ue 10.45.0.2 · upf trace --ue 10.45.0.2 --down --protocol tcp "
    "--remote 198.51.100.7 --remote-port 80 · upf trace --interface n3 --pcap n3.pcap --frame 7 "
    "--json | jq .[].fate"
)


class Protocol(StrEnum):
    """What the packet carries."""

    udp = "udp"
    tcp = "tcp"
    icmp = "icmp"


@app.command(epilog=EXAMPLES)
def trace(  # noqa: PLR0913 - options of a command
    config: Config = None,
    url: URL = None,
    token: Token = None,
    *,
    ue: Annotated[str | None, typer.Option(metavar="ADDRESS", help="The UE's address")] = None,
    teid: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="Uplink: the TEID the gNB uses, in place of --ue"),
    ] = None,
    up: Annotated[bool, typer.Option("--up", help="Uplink only; else both directions")] = False,
    down: Annotated[bool, typer.Option("--down", help="Downlink only")] = False,
    dnn: Annotated[str | None, typer.Option(help="Which of several sessions of the UE")] = None,
    remote: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="The far end; a neighbour on N6 unless given"),
    ] = None,
    protocol: Annotated[Protocol, typer.Option(help="What it carries")] = Protocol.udp,
    ue_port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the UE")] = None,
    remote_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port of the far end")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, metavar="OCTETS", help="Of the user's IP packet")
    ] = None,
    qfi: Annotated[int | None, typer.Option(min=0, max=63, help="Uplink: QoS flow")] = None,
    interface: Annotated[
        str | None, typer.Option(metavar="NAME", help="Where it comes in, such as n3")
    ] = None,
    hex_: Annotated[
        str | None, typer.Option("--hex", metavar="OCTETS", help="A whole frame, with --interface")
    ] = None,
    capture: Annotated[
        Path | None,
        typer.Option("--pcap", metavar="FILE", help="A frame of a pcap or pcapng, likewise"),
    ] = None,
    frame: Annotated[int, typer.Option(min=1, metavar="N", help="Which frame of the file")] = 1,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Every table, with key and action")
    ] = False,
    as_json: AsJSON = False,
) -> None:
    """Trace a packet: which session it belongs to, where it goes, or why it does not.

    Nothing is sent and nothing counted: the switch's entries are read, and the pipeline's
    reference interpreter runs the packet. Meters are taken as not used up. Exit status 0 if every
    packet traced is forwarded.
    """
    described = {
        "ue": ue,
        "teid": teid,
        "dnn": dnn,
        "remote": remote,
        "protocol": protocol.value,
        "ue_port": ue_port,
        "remote_port": remote_port,
        "size": size,
        "interface": interface,
    }
    with faults_in_one_line():
        octets = _octets(hex_, capture, frame)
        if octets is not None:
            packets: list[dict[str, Any]] = [{"interface": interface, "hex": octets.hex()}]
            if interface is None:
                raise DescriptionError("say where the frame comes in: --interface n3")
        else:
            packets = _directions(described, qfi, up=up, down=down)
        client = RESTClient.of(config, url, token)
        found = [client.post("/v1/trace", each) for each in packets]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        shown = (_shown(*each, verbose) for each in zip(packets, found, strict=True))
        Console(highlight=False).print(Group(*shown))
    if any(each["fate"] != "forwarded" for each in found):
        raise typer.Exit(1)


def _octets(hex_: str | None, capture: Path | None, number: int) -> bytes | None:
    """A whole frame, if one is given."""
    if hex_ is not None:
        try:
            return bytes.fromhex("".join(hex_.replace(":", " ").split()).removeprefix("0x"))
        except ValueError as error:
            raise DescriptionError(f"--hex: {error}: give pairs of hex digits") from error
    if capture is None:
        return None
    try:
        packets = list(pcap.packets(capture.read_bytes()))
    except OSError as error:
        raise DescriptionError(f"{capture}: cannot be read: {error.strerror}") from error
    except pcap.CaptureError as error:
        raise DescriptionError(f"{capture}: {error}") from error
    if number > len(packets):
        raise DescriptionError(f"{capture}: has {len(packets)} frames, not {number}")
    packet = packets[number - 1]
    if packet.link_type != _LINKTYPE_ETHERNET:
        raise DescriptionError(f"{capture}: frames of link type {packet.link_type}, not Ethernet")
    return packet.octets


def _directions(
    described: dict[str, Any], qfi: int | None, *, up: bool, down: bool
) -> list[dict[str, Any]]:
    """What to ask, one packet a direction."""
    if described["ue"] is None and described["teid"] is None:
        raise DescriptionError("say whose packet: --ue ADDRESS, --teid HEX, --hex or --pcap")
    given = {name: value for name, value in described.items() if value is not None}
    packets = []
    if up or not down:
        packets.append({"direction": "uplink", **given} | ({} if qfi is None else {"qfi": qfi}))
    if described["ue"] is not None and (down or not up) and described["teid"] is None:
        packets.append({"direction": "downlink", **given})
    return packets


def _shown(
    asked: dict[str, Any],
    document: dict[str, Any],
    verbose: bool,  # noqa: FBT001
) -> RenderableType:
    """One packet's way, and what became of it."""
    title = f"{asked.get('direction', 'a frame')}, from {document['interface']}".capitalize()
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("where", style="dim")
    table.add_column("what", overflow="fold")
    for step in document["steps"]:
        if verbose or step["meaning"] is not None:
            table.add_row(step["stage"], _step(step, verbose))
    style = _FATE_STYLES.get(document["fate"], "bold yellow")
    lines: list[RenderableType] = [table, Text(document["summary"], style)]
    if document["what_to_do"] is not None:
        lines.append(Text(f"→ {document['what_to_do']}"))
    return Group(*lines, "")


def _step(step: dict[str, Any], verbose: bool) -> Text:  # noqa: FBT001
    told = Text(step["meaning"] or "")
    if not verbose:
        return told
    name = step["name"].partition(".")[2]
    if step["kind"] == "table":
        hit = "hit" if step["is_hit"] else "miss"
        action = f"{step['action']}({_numbers(step['params'])})"
        detail = f"{name}: {_numbers(step['key'])} {hit}, {action}"
    else:
        detail = f"{step['kind']} {name}, cell {step['index']}"
    return Text.assemble(told, "\n" if told else "", (detail, "dim"))


def _numbers(values: dict[str, int | str]) -> str:
    """Small numbers as they are, others in hex: addresses and the like."""
    return ", ".join(
        f"{name}={value:#x}" if isinstance(value, int) and value >= _SMALL else f"{name}={value}"
        for name, value in values.items()
    )
