"""The command line: `upf run`, `upf config check`, `upf token`, `upf pfcp decode`; what a running
UPF shows is in `cli_show` and `cli_trace`.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import secrets
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from pydantic import ValidationError
from rich.console import Console

from upf import cli_demo, cli_lab, cli_show, cli_trace, pfcp_cli
from upf.cli_faults import complain, faults_in_one_line
from upf.config import Config, TokenConfig, load

app = typer.Typer(
    help="A 5G User Plane Function whose data plane is one P4-16 program.",
    epilog="Begin with: upf config check upf.toml && upf run -c upf.toml · then, in another "
    "terminal: export UPF_CONFIG=upf.toml; upf status; upf top · or see it working: sudo upf demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="The configuration file.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(pfcp_cli.app, name="pfcp")
app.add_typer(cli_show.app)
app.add_typer(cli_trace.app)
app.add_typer(cli_demo.app)
app.add_typer(cli_lab.app, name="lab")

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


def _tell_version(is_asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if is_asked:
        typer.echo(f"upf {version('tern-upf')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version", callback=_tell_version, is_eager=True),
    ] = False,
) -> None:
    """A 5G User Plane Function whose data plane is one P4-16 program."""


@app.command(epilog="Example: upf run -c upf.toml")
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
    with faults_in_one_line():
        loaded = load(config)
        # HTTP stands above this package, which must not know it: it is loaded by name, here alone.
        uvloop.run(importlib.import_module("api.run").run(loaded))


@config_app.command("check", epilog="Example: upf config check upf.toml && systemctl restart upf")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Such as upf.toml", readable=False)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The whole tree, for machines")] = False,
) -> None:
    """Check a configuration and show what it says, defaults included. Nothing is started."""
    with faults_in_one_line():
        config = load(file)
    if as_json:
        typer.echo(config.model_dump_json(indent=2))
    else:
        _show(config)


@app.command(epilog="Example: upf token grafana --role read >> upf.toml")
def token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who will use it")],
    role: Annotated[str, typer.Option(help="read may look, operate may change")] = "operate",
) -> None:
    """Make a token for REST.

    The token goes to stderr, once; to stdout goes what to add to the configuration, which holds
    its hash alone.
    """
    secret = secrets.token_urlsafe(32)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    try:
        made = TokenConfig.model_validate({"name": name, "role": role, "sha256": digest})
    except ValidationError as error:
        for fault in error.errors():
            complain(f"{fault['loc'][0]}: {fault['msg']}")
        raise typer.Exit(1) from error
    typer.echo(f"token of {made.name}, keep it: {secret}", err=True)
    typer.echo(
        f'\n[[rest.token]]\nname = "{made.name}"\nrole = "{made.role}"\nsha256 = "{made.sha256}"'
    )


def _show(config: Config) -> None:
    console = Console(highlight=False)
    peers = ", ".join(map(str, config.n4.peers)) or "anyone"
    console.print(f"N4          {config.n4.address}:{config.n4.port}, open to {peers}")
    for each in config.interface:
        instance = each.network_instance or "any network instance"
        gtpu = f", GTP-U {each.gtpu_address}" if each.gtpu_address else ""
        console.print(f"interface   {each.name} ({each.role}, {instance}{gtpu})")
    tokens = ", ".join(f"{each.name} ({each.role})" for each in config.rest.token)
    console.print(f"REST        {config.rest.url}, tokens: {tokens or 'none asked for'}")
    console.print(f"state       {config.state.file}")
    console.print(f"target      {config.target.kind} {config.target.address or config.target.mode}")
    for each_slice in config.slice:
        wanted = each_slice.to_slice()
        console.print(f"slice       {wanted.name} ({wanted.s_nssai})")
    for pool in config.ue_pool:
        console.print(f"UE pool     {pool.prefix} ({pool.network_instance or 'any'})")


def main() -> None:
    """Entry point of the console script."""
    app()
