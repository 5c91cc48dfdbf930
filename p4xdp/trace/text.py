"""A trace for people: a table a gress, and what became of the packet."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from p4xdp import ir
from p4xdp.trace.steps import Applied, Counted, Metered, Mirrored, Parsed, Ran, Registered
from p4xdp.wording import value_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from p4xdp.trace.steps import Drop, KeyField, Passage, Step, Trace, Value

_PARSER_ERRORS = {1: "no transition fits", 2: "the packet is too short"}
_OCTETS_A_LINE = 16


def render(trace: Trace) -> RenderableType:
    """Return what a console prints of a trace."""
    return Group(*(_passage(each) for each in trace.passages), *_outcome(trace))


def _passage(passage: Passage) -> Table:
    way = "from" if passage.gress == "ingress" else "to"
    title = f"{passage.gress} · {way} port {passage.port} · {len(passage.frame)} octets"
    table = Table(title=title, title_justify="left", title_style="bold", show_header=False)
    table.add_column("what", overflow="fold")
    table.add_column("how", overflow="fold", ratio=1)
    for step in passage.steps:
        what, how = _cells(step)
        table.add_row(what.append_text(_at(step.at)), how)
    if passage.emitted and passage.leaving is not None:
        table.add_row("deparser", ", ".join(_short(each) for each in passage.emitted))
    if passage.drop is not None:
        what = Text("dropped", "bold red").append_text(_at(passage.drop.at))
        table.add_row(what, _why(passage.drop))
    return table


def _cells(  # noqa: PLR0911  # one case a kind
    step: Step,
) -> tuple[Text, Text]:
    """What it was, and what it did."""
    match step:
        case Parsed():
            return Text(f"state {step.state}"), _changes(step.changes)
        case Applied():
            return Text(f"table {_short(step.table)}", "cyan"), _applied(step)
        case Ran():
            return Text("code"), _changes(step.changes)
        case Counted():
            how = f"{_cell(step.index)} would count {step.octets} octets"
            return Text(f"counter {_short(step.counter)}"), Text(how)
        case Metered():
            return Text(f"meter {_short(step.meter)}"), Text(f"{_cell(step.index)}: {_rate(step)}")
        case Mirrored():
            return Text("mirror"), Text(f"copied to clone session {step.session}")
        case Registered():
            how = f"{_cell(step.index)}: {step.before} → {step.after}"
            return Text(f"register {_short(step.register)}"), Text(how)


def _applied(step: Applied) -> Text:
    """The key and whether it was found, then the action, then what changed."""
    fields = [each for each in map(_key, step.key) if each is not None]
    how = Text(", ".join(fields) + " " if fields else "")
    how.append("hit", "green") if step.entry is not None else how.append("miss", "yellow")
    if step.entry is not None and step.entry.priority:
        how.append(f", priority {step.entry.priority}", "dim")
    parameters = ", ".join(f"{each.name}={_value(each)}" for each in step.arguments)
    how.append(f"\n{_short(step.action)}({parameters})", "bold")
    changes = _changes(step.changes)
    return how.append("\n").append_text(changes) if changes else how


def _key(field: KeyField) -> str | None:
    """A field with what it was, and what the entry asks; None if it does not matter to that."""
    value = value_text(field.name, field.value, field.width)
    ones = (1 << field.width) - 1
    match = field.match
    if match is None or (match.high is None and match.mask == ones):
        return f"{field.name}={value}"
    if match.high is not None:
        return f"{field.name}={value} in {match.value}..{match.high}"
    if match.mask == 0:
        return None
    asked = value_text(field.name, match.value, field.width)
    if field.kind is ir.MatchKind.LPM:
        return f"{field.name}={value} in {asked}/{match.mask.bit_count()}"
    return f"{field.name}={value} as {asked} mask {match.mask:#x}"


def _changes(values: tuple[Value, ...]) -> Text:
    """What is new. Of headers that became valid, fields that are 0 are passed over."""
    made: list[str] = []
    new: set[str] = set()
    for each in values:
        owner = each.name.rpartition(".")[0]
        if owner in new and not each.value:
            continue
        if owner in new:
            made.append(f"{each.name.rpartition('.')[2]}={_value(each)}")
        elif each.width == 1 and each.value and _is_header(each.name, values):
            new.add(each.name)
            made.append(f"{each.name}:")
        else:
            made.append(f"{each.name}={_value(each)}")
    return Text(" ".join(made), "dim")


def _is_header(name: str, values: tuple[Value, ...]) -> bool:
    return any(each.name.startswith(f"{name}.") for each in values)


def _value(value: Value) -> str:
    return value_text(value.name, value.value, value.width)


def _rate(step: Metered) -> str:
    if step.config is None:
        return "no limit"
    return f"{step.config.pir}/s at most, burst {step.config.pburst}; taken as not used up"


def _cell(index: int | None) -> str:
    return "the entry's own" if index is None else f"cell {index}"


def _why(drop: Drop) -> str:
    if drop.action is not None:
        return f"by {_short(drop.action)}"
    if drop.at != ir.NOWHERE:
        return "by the program"
    return f"by the parser: {_PARSER_ERRORS.get(drop.parser_error, drop.parser_error)}"


def _outcome(trace: Trace) -> Iterator[RenderableType]:
    result = trace.result
    if trace.is_recirculated_twice:
        yield Text("dropped by the switch: recirculated twice", "bold red")
    elif result.verdict == "drop":
        yield Text("dropped", "bold red")
    else:
        to = {"host": "to the host's own stack", "controller": "to the controller"}
        where = to.get(result.verdict, f"out of port {result.port}")
        yield Text(f"{where}, {len(result.frame)} octets", "bold green")
        yield from _hex_dump(result.frame)


def _hex_dump(frame: bytes) -> Iterator[str]:
    for at in range(0, len(frame), _OCTETS_A_LINE):
        yield escape(f"  {at:04x}  {frame[at : at + _OCTETS_A_LINE].hex(' ')}")


def _short(name: str) -> str:
    """The end of a name, as far as it is telling: `Ingress.arrival.ports` is `arrival.ports`."""
    return ".".join(name.split(".")[-2:])


def _at(at: ir.Position) -> Text:
    """The place in the source, below what is there."""
    where = "" if at == ir.NOWHERE else f"\n{PurePath(at.file).name}:{at.line}"
    return Text(where, "not bold dim")
