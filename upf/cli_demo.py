"""`upf demo`: the main job, seen working on this host."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from typing import Annotated

import typer

from upf.cli_faults import faults_in_one_line
from upf.errors import StartError

app = typer.Typer()

# Programs the lab runs, with the Debian package that brings each.
_PROGRAMS = {
    "clang": "clang",
    "ethtool": "ethtool",
    "ip": "iproute2",
    "iperf3": "iperf3",
    "ping": "iputils-ping",
}
# The lab stands above this package, which must not know it: it is run by name, as its own program.
_LAB = "testbed"


@app.command(epilog="Example: sudo upf demo && echo it works here")
def demo(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, for machines, at the end")
    ] = False,
) -> None:
    """See the main job working on this host: needs root and about a minute.

    A lab of network namespaces with a simulated SMF, gNB, UE and data network is built, and a UPF
    started in it. A PDU session is set up over PFCP, traffic measured both ways, its slice capped
    over REST, the session deleted. Every claim is told as it is seen, and again in a table. The
    lab is removed afterwards, whatever happens; nothing else on the host is touched. Exit status
    0 if all was seen to work.
    """
    with faults_in_one_line():
        _check()
    options = ["--json"] if as_json else []
    # -P: a folder of that name wherever we stand is not it.
    os.execv(sys.executable, [sys.executable, "-P", "-m", f"{_LAB}.demo", *options])  # noqa: S606


def _check() -> None:
    """StartError for what the lab cannot do without."""
    if os.geteuid() != 0:
        raise StartError("network namespaces and XDP need root: sudo upf demo")
    if importlib.util.find_spec(_LAB) is None or importlib.util.find_spec("scapy") is None:
        raise StartError("the lab is not installed: pip install 'tern-upf[demo]', or use make demo")
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        packages = " ".join(sorted({_PROGRAMS[name] for name in missing}))
        raise StartError(f"{', '.join(missing)} not found: apt-get install {packages}")
