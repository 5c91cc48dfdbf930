"""A report for people, as tables of rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from p4xdp.lint.report import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from p4xdp.lint.report import Finding, Report

_STYLES = {Severity.error: "bold red", Severity.warning: "yellow", Severity.note: "cyan"}


def render(report: Report, source: str) -> Iterator[RenderableType]:
    """Yield what to print, the most important at the end, where the eye is."""
    yield Text(
        f"{source} on {report.target.title}: an estimate (docs/tofino.md says how good it is)",
        style="bold",
    )
    yield _tables(report)
    if report.externs:
        yield _externs(report)
    yield _stages(report)
    for gress in report.chains:
        yield from _chain(report, gress)
    for finding in report.findings:
        yield _finding(finding)
    yield _verdict(report)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        is_text = column in ("table", "array", "stages", "tables")
        table.add_column(
            column,
            justify="left" if is_text else "right",
            no_wrap=column != "tables",
            overflow="fold" if is_text else "ellipsis",
        )
    return table


def _tables(report: Report) -> Table:
    table = _table(
        "\nTables",
        *("table", "entries", "key bits", "data bits", "SRAM", "TCAM", "map RAM", "stages"),
    )
    for use in report.tables:
        table.add_row(
            escape(use.name),
            f"{use.entries:,}",
            str(use.key_bits),
            str(use.action_data_bits),
            *map(_number, (use.srams, use.tcams, use.map_rams)),
            _span(use.stages),
        )
    return table


def _externs(report: Report) -> Table:
    table = _table(
        "\nCounters, meters and registers by index",
        *("array", "cells", "SRAM", "map RAM", "stages"),
    )
    for use in report.externs:
        numbers = map(_number, (use.srams, use.map_rams))
        table.add_row(escape(use.name), f"{use.cells:,}", *numbers, _span(use.stages))
    return table


def _stages(report: Report) -> Table:
    target = report.target
    table = _table("\nStages", "stage", "logical", "SRAM", "TCAM", "map RAM", "tables")
    for stage in report.stages:
        table.add_row(
            str(stage.number),
            str(stage.logical_tables),
            *map(_number, (stage.srams, stage.tcams, stage.map_rams)),
            escape(", ".join(name.rpartition(".")[2] for name in stage.names)),
        )
    table.add_section()
    count = target.stages
    table.add_row(
        f"{len(report.stages)} of {count}",
        "",
        f"{report.srams} of {count * target.srams_per_stage}",
        f"{report.tcams} of {count * target.tcams_per_stage}",
        f"{report.map_rams} of {count * target.map_rams_per_stage}",
        "",
        style="bold",
    )
    return table


def _chain(report: Report, gress: str) -> Iterator[Text]:
    links = report.chains[gress]
    if not links:
        return
    depth = report.dependency_stages[gress]
    yield Text(f"\nLongest chain of {gress}: {depth} stages", style="bold")
    for link in links:
        reason = f", as it {link.reason}" if link.reason else ""
        yield Text(f"  {link.stage:2}  {link.name}{reason}")


def _finding(finding: Finding) -> Text:
    text = Text("\n")
    text.append(f"{finding.at}: ")
    text.append(finding.severity, style=_STYLES[finding.severity])
    text.append(f" [{finding.rule}] {finding.message}")
    if finding.hint:
        text.append(f"\n    hint: {finding.hint}", style="dim")
    return text


def _verdict(report: Report) -> Text:
    errors = sum(finding.severity is Severity.error for finding in report.findings)
    extra = (
        f"ingress adds {report.bridged_octets} octets for egress, whose parser reads up to "
        f"{report.egress_parse_octets} of {report.target.egress_parse_octets}"
    )
    if report.fits:
        return Text(f"\nNothing found that cannot fit {report.target.title}; {extra}.", "green")
    plural = "s" if errors > 1 else ""
    return Text(f"\nDoes not fit {report.target.title}: {errors} error{plural}; {extra}.", "red")


def _number(value: int) -> str:
    return str(value) if value else "-"


def _span(stages: tuple[int, ...]) -> str:
    if not stages:
        return "-"
    first, last = stages[0], stages[-1]
    if len(stages) > 2 and stages == tuple(range(first, last + 1)):
        return f"{first}-{last}"
    return ", ".join(map(str, stages))
