"""`upf status|slices|sessions|associations|drops|top`: a running UPF, for people and machines."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlencode

import typer
from rich.console import Console
from rich.live import Live

from upf import cli_tables
from upf.cli_faults import faults_in_one_line
from upf.cli_rest import RESTClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.table import Table

app = typer.Typer()

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        envvar="UPF_CONFIG",
        help="The configuration of the running UPF, such as upf.toml",
        readable=False,
    ),
]
URL = Annotated[
    str | None,
    typer.Option("--url", envvar="UPF_URL", metavar="URL", help="Where its REST is"),
]
Token = Annotated[
    str | None,
    typer.Option("--token", envvar="UPF_TOKEN", metavar="TOKEN", help="If it asks for one"),
]
AsJSON = Annotated[bool, typer.Option("--json", help="Print what REST says, for machines")]


@app.command(epilog="Example: upf status -c upf.toml && echo it serves")
def status(
    config: Config = None, url: URL = None, token: Token = None, *, as_json: AsJSON = False
) -> None:
    """Ask a running UPF how it is. Exit status 0 if it serves."""
    with faults_in_one_line():
        document = RESTClient.of(config, url, token).get("/v1/status")
    _print(document, cli_tables.status, as_json=as_json)
    if not document["is_ready"]:
        raise typer.Exit(1)


@app.command(epilog="Example: upf slices -c upf.toml --json | jq '.[].throughput'")
def slices(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One slice only")] = None,
    config: Config = None,
    url: URL = None,
    token: Token = None,
    *,
    as_json: AsJSON = False,
) -> None:
    """Slices: their sessions and throughput against capacity."""
    path = "/v1/slices" if name is None else f"/v1/slices/{quote(name, safe='')}"
    with faults_in_one_line():
        found = RESTClient.of(config, url, token).get(path)
    documents = [found] if name is not None else found
    _print(found, lambda _: cli_tables.slices(documents), as_json=as_json)


@app.command(epilog="Examples: upf sessions --ue 10.45.0.2 · upf sessions 00000000000002d0 --json")
def sessions(  # noqa: PLR0913 - options of a command
    seid: Annotated[
        str | None, typer.Argument(metavar="SEID", help="One session by its UP SEID, whole")
    ] = None,
    config: Config = None,
    url: URL = None,
    token: Token = None,
    *,
    slice_name: Annotated[str | None, typer.Option("--slice", help="Members of this slice")] = None,
    dnn: Annotated[str | None, typer.Option(help="Of this DNN")] = None,
    ue: Annotated[str | None, typer.Option(help="With this UE address")] = None,
    smf: Annotated[str | None, typer.Option(help="Of this SMF (node id)")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many")] = 100,
    as_json: AsJSON = False,
) -> None:
    """Sessions: UE, slice, SMF, gNB and use. One, by its SEID, with rules, entries and counters."""
    asked = {"slice": slice_name, "dnn": dnn, "ue": ue, "smf": smf, "limit": limit}
    query = urlencode({key: value for key, value in asked.items() if value is not None})
    path = f"/v1/sessions?{query}" if seid is None else f"/v1/sessions/{quote(seid, safe='')}"
    with faults_in_one_line():
        found = RESTClient.of(config, url, token).get(path)
    if seid is not None:
        # Rules are a tree: there is no table for them.
        _print_json(found)
    else:
        _print(found, cli_tables.sessions, as_json=as_json)


@app.command(epilog="Example: upf associations --since 2026-01-31T08:00:00Z")
def associations(
    config: Config = None,
    url: URL = None,
    token: Token = None,
    *,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Made since then: RFC 3339, with a zone")
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """SMFs associated with the UPF, and whether they answer heartbeats."""
    query = "" if since is None else f"?{urlencode({'since': since})}"
    with faults_in_one_line():
        found = RESTClient.of(config, url, token).get(f"/v1/associations{query}")
    _print(found, cli_tables.associations, as_json=as_json)


@app.command(epilog="Example: upf drops --all · the first thing to look at when traffic is missing")
def drops(
    config: Config = None,
    url: URL = None,
    token: Token = None,
    *,
    all_reasons: Annotated[bool, typer.Option("--all", help="Reasons without packets too")] = False,
    as_json: AsJSON = False,
) -> None:
    """Packets the pipeline dropped, by reason, with what the reason means."""
    with faults_in_one_line():
        found = RESTClient.of(config, url, token).get("/v1/drops")
    shown = [each for each in found if all_reasons or each["packets"]]
    _print(found, lambda _: cli_tables.drops(shown), as_json=as_json)


@app.command(epilog="Example: upf top -c upf.toml · Ctrl-C ends it")
def top(
    config: Config = None,
    url: URL = None,
    token: Token = None,
    *,
    interval_s: Annotated[
        float, typer.Option("--interval", "-i", min=0.2, help="Seconds between looks")
    ] = 1.0,
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, help="Look so often, then end")
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Live: slices against their capacity, ports and drops. With --json one line a look."""
    with faults_in_one_line():
        client = RESTClient.of(config, url, token)
        looks = _looks(client, interval_s, count)
        with suppress(KeyboardInterrupt):
            if as_json:
                for document in looks:
                    typer.echo(json.dumps(document))
                return
            # What ends by itself stays to be read; else the whole terminal is taken.
            screen = count is None and Console().is_terminal
            with Live(auto_refresh=False, screen=screen) as live:
                for document in looks:
                    live.update(cli_tables.figures(document), refresh=True)


def _looks(client: RESTClient, interval_s: float, count: int | None) -> Iterator[Any]:
    """Figures now and then, `count` times or for ever."""
    number = 0
    while True:
        yield client.get("/v1/figures")
        number += 1
        if number == count:
            return
        time.sleep(interval_s)


def _print(document: Any, shown: Callable[[Any], Table], *, as_json: bool) -> None:
    if as_json:
        _print_json(document)
    else:
        Console().print(shown(document))


def _print_json(document: Any) -> None:
    """In colour for a terminal, plain and whole for a pipe."""
    console = Console()
    text = json.dumps(document, indent=2)
    if console.is_terminal:
        console.print_json(text)
    else:
        typer.echo(text)
