"""`p4xdp tables` and `counters`: look into a running switch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from p4xdp.cli.common import fail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from p4xdp.client import Reader
    from p4xdp.dataplane import Entry
    from p4xdp.runtime.schema import Table

TABLES_EXAMPLES = (
    "Examples: p4xdp tables 127.0.0.1:9559; p4xdp tables unix:/run/switch.sock routes_ipv4; "
    "p4xdp tables 127.0.0.1:9559 sessions_by_fteid --json | jq length"
)
COUNTERS_EXAMPLES = (
    "Examples: p4xdp counters 127.0.0.1:9559 (what has counted anything); "
    "p4xdp counters 127.0.0.1:9559 verdict.drops --all"
)

Address = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="P4Runtime: HOST:PORT or unix:PATH.")
]
DeviceId = Annotated[int, typer.Option(min=1, help="P4Runtime's device id.")]
AsJSON = Annotated[bool, typer.Option("--json", help="JSON for machines.")]
_T = TypeVar("_T")


def tables(
    address: Address,
    name: Annotated[
        str | None, typer.Argument(metavar="TABLE", help="One table's entries; an end of its name.")
    ] = None,
    *,
    device_id: DeviceId = 1,
    as_json: AsJSON = False,
) -> None:
    """Show the tables of a running switch, or the entries of one, by the names of the program.

    It only reads: no controller is disturbed.
    """
    from p4xdp.client import Reader, SwitchError  # noqa: PLC0415

    try:
        with Reader(address, device_id) as reader:
            if name is None:
                found = [_table(reader, each) for each in reader.schema.tables.values()]
                _print(found, "Tables", as_json=as_json)
                return
            table = _named(reader.schema.tables_by_name, name, "table")
            held = [_entry(table, each) for each in reader.table_entries(table)]
    except SwitchError as error:
        fail(str(error))
    _print(held, f"{table.name}: {len(held)} of {table.size}", as_json=as_json)


def counters(
    address: Address,
    name: Annotated[
        str | None, typer.Argument(metavar="COUNTER", help="One counter; an end of its name.")
    ] = None,
    *,
    zeros: Annotated[bool, typer.Option("--all", help="Cells that counted nothing too.")] = False,
    device_id: DeviceId = 1,
    as_json: AsJSON = False,
) -> None:
    """Show the counters of a running switch: cells that counted anything, direct ones by entry."""
    from p4xdp.client import Reader, SwitchError  # noqa: PLC0415

    try:
        with Reader(address, device_id) as reader:
            found = _counted(reader, name)
    except SwitchError as error:
        fail(str(error))
    shown = [each for each in found if zeros or each["packets"] or each["octets"]]
    _print(shown, "Counters", as_json=as_json)


def _counted(reader: Reader, name: str | None) -> list[dict[str, Any]]:
    """Cells of the counter that is asked for, else of all, then of tables with direct ones."""
    arrays = {each.name: each for each in reader.schema.counters.values()}
    direct = {each.name: each for each in reader.schema.tables.values() if each.has_direct_counter}
    if name is not None:
        chosen = _named({**arrays, **direct}, name, "counter or table with counters")
        arrays = {key: each for key, each in arrays.items() if each is chosen}
        direct = {key: each for key, each in direct.items() if each is chosen}
    cells: list[dict[str, Any]] = [
        {"counter": array.name, "cell": index, "packets": value.packets, "octets": value.octets}
        for array in arrays.values()
        for index, value in reader.counter(array)
    ]
    cells += [
        {
            "counter": table.name,
            "cell": _entry(table, entry)["key"],
            "packets": value.packets,
            "octets": value.octets,
        }
        for table in direct.values()
        for entry, value in reader.direct_counters(table)
    ]
    return cells


def _table(reader: Reader, table: Table) -> dict[str, Any]:
    return {
        "table": table.name,
        "key": ", ".join(f"{field.name}:{field.match_type.name.lower()}" for field in table.fields),
        "entries": sum(1 for _ in reader.table_entries(table)),
        "size": table.size,
        "constant": table.is_const,
    }


def _entry(table: Table, entry: Entry) -> dict[str, Any]:
    from p4xdp.wording import match_text, value_text  # noqa: PLC0415

    params = table.actions_by_name[entry.action].params
    return {
        "key": {
            field.name: match_text(field.name, match, field.width)
            for field, match in zip(table.fields, entry.matches, strict=True)
        },
        "priority": entry.priority,
        "action": entry.action,
        "parameters": {
            param.name: value_text(param.name, value, param.width)
            for param, value in zip(params, entry.arguments, strict=True)
        },
    }


def _named(known: Mapping[str, _T], name: str, kind: str) -> _T:
    """The one of that name, or whose name ends so."""
    if name in known:
        return known[name]
    ends = [each for each in known if each.endswith(f".{name}")]
    if len(ends) != 1:
        which = f"more than one: {', '.join(ends)}" if ends else f"only {', '.join(sorted(known))}"
        fail(f"no {kind} is called {name}: the switch has {which}")
    return known[ends[0]]


def _print(documents: list[dict[str, Any]], title: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(documents, indent=2))  # noqa: T201
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table as RichTable  # noqa: PLC0415

    made = RichTable(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column in documents[0] if documents else ():
        is_number = isinstance(documents[0][column], int)
        made.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for document in documents:
        made.add_row(*(_cell(value) for value in document.values()))
    Console(highlight=False).print(made if documents else f"{title}: nothing")


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={text}" for name, text in value.items())
    if isinstance(value, bool):
        return "yes" if value else ""
    return f"{value:,}" if isinstance(value, int) else str(value)
