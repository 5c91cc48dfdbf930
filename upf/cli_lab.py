"""`upf lab …`: this UPF against real peers, in a lab of network namespaces on this host."""

from __future__ import annotations

import importlib.util
import os
import sys

import typer

from upf.cli_faults import faults_in_one_line
from upf.errors import StartError

app = typer.Typer(no_args_is_help=True)

# The lab stands above this package, which must not know it: it is run by name, as its own program.
_LAB = "testbed"
_AS_IT_STANDS = {"ignore_unknown_options": True, "allow_extra_args": True}


@app.callback()
def lab() -> None:
    """Labs on this host: real cores and real RANs against this UPF."""


@app.command(
    "ueransim",
    context_settings={**_AS_IT_STANDS, "help_option_names": []},
    epilog="Example: sudo upf lab ueransim --core open5gs --programs ~/UERANSIM/build",
)
def ueransim(context: typer.Context) -> None:
    """UERANSIM's gNB and UEs with a real 5G core: `upf lab ueransim --help`."""
    with faults_in_one_line():
        if importlib.util.find_spec(_LAB) is None or importlib.util.find_spec("scapy") is None:
            raise StartError("the lab is not installed: pip install 'tern-upf[demo]'")
    # -P: a folder of that name wherever we stand is not it.
    argv = [sys.executable, "-P", "-m", f"{_LAB}.ueransim", *context.args]
    os.execv(sys.executable, argv)  # noqa: S606
