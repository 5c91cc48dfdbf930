"""Which packets of many are meant: those whose headers, as the program parses them, hold values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4xdp.trace.errors import TraceError
from p4xdp.trace.headers import instances, number
from p4xdp.trace.steps import Parsed

if TYPE_CHECKING:
    from p4xdp import ir
    from p4xdp.trace.steps import Trace

_LONGEST_PATTERN = 8  # octets
_SHORTEST_PATTERN = 2  # shorter ones are in almost every frame


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the fields `names` has `value`. Where frames have that, they have `octets` somewhere;
    None says nothing of frames.
    """

    names: frozenset[str]
    value: int
    octets: bytes | None

    def holds(self, trace: Trace) -> bool:
        """Return whether the packet that was traced is meant."""
        steps = trace.passages[0].steps if trace.passages else ()
        parsed = (step for step in steps if isinstance(step, Parsed))
        return any(
            change.name in self.names and change.value == self.value
            for step in parsed
            for change in step.changes
        )


def condition(program: ir.Program, text: str) -> Condition:
    """Read NAME.FIELD=VALUE: a header of ingress or its type, a field of it, and a number, MAC or
    IP address. TraceError.
    """
    left, equals, value_text = text.partition("=")
    name, dot, field_name = left.rpartition(".")
    if not (equals and dot):
        raise TraceError(f"--match {text}: not of the form HEADER.FIELD=VALUE")
    found = instances(program, name)
    try:
        fields = [header.type.field(field_name) for header in found]
    except KeyError:
        known = ", ".join(each.name for each in found[0].type.fields)
        raise TraceError(f"{name} has no field {field_name}, only {known}") from None
    value, field = number(value_text), fields[0]
    if value >> field.width:
        raise TraceError(f"{left} has {field.width} bits, {value_text} needs more")
    octets = None
    if field.offset % 8 == 0 and field.width % 8 == 0 and field.width // 8 >= _SHORTEST_PATTERN:
        octets = value.to_bytes(field.width // 8, "big")[:_LONGEST_PATTERN]
    return Condition(frozenset(f"{h.name}.{field_name}" for h in found), value, octets)
