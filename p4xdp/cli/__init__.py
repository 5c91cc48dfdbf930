"""The command `p4xdp`: check, compile and look into P4 programs, and be the switch that runs them.

Every fault ends in one line on stderr, `p4xdp: ...`, and a status that is not 0.
"""

from __future__ import annotations

import typer

from p4xdp.cli import compiling, inspecting, operating, switching, testing, tracing, viewing

app = typer.Typer(
    help="P4-16 for Linux: compile a TNA program to XDP and serve it with P4Runtime.",
    epilog="Typical use: p4xdp compile upf.p4 -o build && p4xdp switch build --port 1=eth0",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(epilog="Example: p4xdp check upf.p4 -D CPU_PORT=64")(compiling.check)
app.command(epilog="Example: p4xdp p4info upf.p4 > upf.p4info.txtpb")(compiling.p4info)
app.command(name="compile", epilog="Example: p4xdp compile upf.p4 -o build")(compiling.compile_)
app.command(epilog=viewing.GRAPH_EXAMPLES)(viewing.graph)
app.command(epilog=viewing.LINT_EXAMPLES)(viewing.lint)
app.command(epilog=testing.STF_EXAMPLE)(testing.stf)
app.command()(switching.switch)
app.command(epilog=operating.PORTS_EXAMPLES)(operating.ports)
app.command(epilog=inspecting.TABLES_EXAMPLES)(inspecting.tables)
app.command(epilog=inspecting.COUNTERS_EXAMPLES)(inspecting.counters)
app.command(epilog=tracing.TRACE_EXAMPLES)(tracing.trace)


def main() -> None:
    """Entry point of the console script."""
    app(prog_name="p4xdp")
