"""`p4xdp ports`: look at the ports of a running switch, and change them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from p4xdp.cli.common import fail

Name = Annotated[str, typer.Option(metavar="NAME", help="Which switch of this host it is.")]
RunDir = Annotated[Path, typer.Option(metavar="DIR", help="Where switches keep their state.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]

PORTS_EXAMPLES = (
    "Examples: p4xdp ports; p4xdp ports --attach 3=eth2; p4xdp ports --detach 3; "
    "p4xdp ports --json | jq .ports"
)

DEFAULT_NAME = "switch"
RUN_DIRECTORY = Path("/run/p4xdp")


def ports(
    *,
    attach: Annotated[
        str | None, typer.Option(metavar="NUMBER=IFACE", help="Have one port more.")
    ] = None,
    detach: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Have one port less.")
    ] = None,
    name: Name = DEFAULT_NAME,
    run_dir: RunDir = RUN_DIRECTORY,
    as_json: AsJson = False,
) -> None:
    """Show the ports of a running switch, or change them while it forwards.

    The status is 1 if a port is not up. What is attached here is there again after a restart.
    """
    told = _ask(_request(attach, detach), name, run_dir)
    if as_json:
        _print(json.dumps(told, indent=1))
    else:
        for port in told["ports"]:
            _print(
                f"{port['number']:>4}  {port['interface']:<15}  {port['state']:<4}  {port['mode']}"
            )
        for reason, packets in told["drops"].items():
            _print(f"dropped by the switch: {reason}: {packets}")
    if any(port["state"] != "up" for port in told["ports"]):
        raise SystemExit(1)


def _request(attach: str | None, detach: int | None) -> dict[str, Any]:
    if attach is not None and detach is not None:
        fail("--attach and --detach: one at a time")
    if attach is not None:
        number, equals, interface = attach.partition("=")
        if not equals or not number.isdecimal() or not interface:
            fail(f"--attach {attach}: not of the form 3=eth2")
        return {"do": "attach", "port": int(number), "interface": interface}
    if detach is not None:
        return {"do": "detach", "port": detach}
    return {"do": "ports"}


def _ask(request: dict[str, Any], name: str, run_directory: Path) -> Any:
    from p4xdp import control  # noqa: PLC0415
    from p4xdp.dataplane import DataplaneError  # noqa: PLC0415
    from p4xdp.xdp.home import directory_of  # noqa: PLC0415

    try:
        return control.ask(directory_of(name, run_directory), request)
    except (control.ControlError, DataplaneError) as error:
        fail(str(error))


def _print(text: str) -> None:
    if text:
        sys.stdout.write(text + "\n")
