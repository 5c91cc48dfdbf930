"""A trace for machines: plain objects, in the order of what happened.

Numbers of the program are hex strings as wide as the field, since JSON readers lose bits of large
numbers; indexes, ports, lengths and counts are numbers.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

from p4xdp import ir
from p4xdp.trace.steps import Applied, Counted, Metered, Mirrored, Parsed, Ran, Registered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from p4xdp.trace.steps import Drop, KeyField, Passage, Step, Trace, Value

Document: TypeAlias = "dict[str, Any]"


def document(trace: Trace) -> Document:
    """Return the trace as what JSON knows."""
    return {
        "port": trace.port,
        "octets": trace.frame.hex(),
        "passages": [_passage(each) for each in trace.passages],
        "result": {
            "verdict": trace.result.verdict,
            "port": trace.result.port,
            "octets": trace.result.frame.hex(),
            "is_recirculated_twice": trace.is_recirculated_twice,
        },
    }


def _passage(passage: Passage) -> Document:
    return {
        "gress": passage.gress,
        "port": passage.port,
        "length": len(passage.frame),
        "steps": [_step(each) for each in passage.steps],
        "parser_error": passage.parser_error,
        "drop": None if passage.drop is None else _drop(passage.drop),
        "emitted": list(passage.emitted),
        "octets": None if passage.leaving is None else passage.leaving.hex(),
    }


def _step(step: Step) -> Document:
    made: Document
    match step:
        case Parsed():
            made = {"step": "state", "state": step.state, "changes": _values(step.changes)}
        case Applied():
            made = _applied(step)
        case Ran():
            made = {"step": "code", "changes": _values(step.changes)}
        case Counted():
            made = {"step": "counter", "counter": step.counter, "index": step.index}
            made["length"] = step.octets
        case Metered():
            made = {"step": "meter", "meter": step.meter, "index": step.index}
            made["config"] = None if step.config is None else asdict(step.config)
        case Mirrored():
            made = {"step": "mirror", "session": step.session}
        case Registered():
            made = {"step": "register", "register": step.register, "index": step.index}
            made |= {"before": step.before, "after": step.after}
    return made | {"at": _at(step.at)}


def _applied(step: Applied) -> Document:
    return {
        "step": "table",
        "table": step.table,
        "key": [_key_field(each) for each in step.key],
        "is_hit": step.entry is not None,
        "is_constant": step.is_constant,
        "priority": None if step.entry is None else step.entry.priority,
        "action": step.action,
        "parameters": _values(step.arguments),
        "changes": _values(step.changes),
    }


def _key_field(field: KeyField) -> Document:
    made = {"name": field.name, "kind": field.kind.value, "value": _hex(field.value, field.width)}
    if field.match is None:
        return made
    if field.kind is ir.MatchKind.RANGE:
        high = field.match.value if field.match.high is None else field.match.high
        made |= {"low": _hex(field.match.value, field.width), "high": _hex(high, field.width)}
    else:
        made["entry"] = _hex(field.match.value, field.width)
        made["mask"] = _hex(field.match.mask, field.width)
    return made


def _drop(drop: Drop) -> Document:
    return {"at": _at(drop.at), "action": drop.action, "parser_error": drop.parser_error}


def _values(values: Iterable[Value]) -> dict[str, str]:
    return {each.name: _hex(each.value, each.width) for each in values}


def _hex(value: int, width: int) -> str:
    return f"{value:#0{2 + (width + 3) // 4}x}"


def _at(at: ir.Position) -> str | None:
    return None if at == ir.NOWHERE else str(at)
