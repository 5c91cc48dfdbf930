"""The command line: `upf run`, `upf config check`, `upf status`, `upf pfcp decode`.

What the operator can mend is told in one line each on stderr, with exit status 1; a traceback is
a fault of ours.
"""

from __future__ import annotations

import importlib
import logging
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import uvloop
from rich.console import Console

from upf import pfcp_cli
from upf.config import Config, load
from upf.errors import UPFError

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATUS_TIMEOUT_S = 3.0

app = typer.Typer(
    help="A 5G User Plane Function whose data plane is one P4-16 program.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="The configuration file.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(pfcp_cli.app, name="pfcp")

ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The configuration, such as upf.toml",
        readable=False,  # asked of the file when it is read, and told in a line of ours
    ),
]


@app.command()
def run(
    config: ConfigOption,
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log details too")] = False,
) -> None:
    """Run the UPF until SIGTERM or Ctrl-C.

    It serves N4 (PFCP) on UDP port 8805 of n4.address and REST on rest.listen, and attaches the
    pipeline to every interface that the configuration names. Addresses, routes and neighbours are
    the kernel's own. The README shows a configuration of ten lines.
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    with _faults_in_one_line():
        loaded = load(config)
        # HTTP stands above this package, which must not know it: it is loaded by name, here alone.
        uvloop.run(importlib.import_module("api.run").run(loaded))


@config_app.command("check")
def check(file: Annotated[Path, typer.Argument(metavar="FILE", readable=False)]) -> None:
    """Check a configuration and show what it says, defaults included. Nothing is started."""
    with _faults_in_one_line():
        _show(load(file))


@app.command()
def status(config: ConfigOption) -> None:
    """Ask a running UPF how it is. Exit status 0 if it serves."""
    with _faults_in_one_line():
        rest = load(config).rest
    url = f"http://{rest.listen}/health"
    try:
        with urllib.request.urlopen(url, timeout=_STATUS_TIMEOUT_S) as answer:
            Console().print_json(answer.read().decode())
    except urllib.error.HTTPError as error:
        Console().print_json(error.read().decode())
        raise typer.Exit(1) from error
    except OSError as error:
        _complain(f"{url} does not answer: is `upf run` running with this configuration? ({error})")
        raise typer.Exit(1) from error


def _show(config: Config) -> None:
    console = Console(highlight=False)
    peers = ", ".join(map(str, config.n4.peers)) or "anyone"
    console.print(f"N4          {config.n4.address}:{config.n4.port}, open to {peers}")
    for each in config.interface:
        instance = each.network_instance or "any network instance"
        gtpu = f", GTP-U {each.gtpu_address}" if each.gtpu_address else ""
        console.print(f"interface   {each.name} ({each.role}, {instance}{gtpu})")
    console.print(f"REST        {config.rest.listen}")
    console.print(f"target      {config.target.kind} {config.target.address or config.target.mode}")
    for each_slice in config.slice:
        wanted = each_slice.to_slice()
        console.print(f"slice       {wanted.name} ({wanted.s_nssai})")


@contextmanager
def _faults_in_one_line() -> Iterator[None]:
    try:
        yield
    except UPFError as error:
        _complain(str(error))
        raise typer.Exit(1) from error


def _complain(text: str) -> None:
    for line in text.splitlines():
        typer.echo(f"upf: {line}", err=True)


def main() -> None:
    """Entry point of the console script."""
    app()
