"""What is known of a packet on a likely way: the headers that are valid and where each lies, and
the values of what something is decided by.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from p4xdp import ir
from p4xdp.xdp.abstract import Known, Other

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Of a variable: its gress, "" and its name; of a header's field: gress, header and field.
Name: TypeAlias = tuple[str, str, str]
Place: TypeAlias = int  # an octet of the frame, or MADE


@dataclass(frozen=True, slots=True)
class Facts:
    """`headers` are (gress, header, place) of those that are valid; once egress has begun, those of
    ingress that it has not taken. `cursor`: where the payload begins. `is_committed`: something
    has been counted, metered or told, so that the packet cannot be begun with once more.
    """

    gress: str = "ingress"
    headers: frozenset[tuple[str, str, Place]] = frozenset()
    values: frozenset[tuple[Name, Known]] = frozenset()
    cursor: int = 0
    is_committed: bool = False

    def places(self, gress: str) -> dict[str, Place]:
        """Return the valid headers of a gress and where they lie."""
        return {name: place for of, name, place in self.headers if of == gress}

    def is_valid(self, header: ir.Header) -> bool:
        """Return whether a header of this gress is valid."""
        return any(of == self.gress and name == header.name for of, name, _ in self.headers)

    def value(self, name: Name) -> Known | None:
        """Return what is known of a value."""
        return dict(self.values).get(name)

    def with_header(self, header: ir.Header, place: Place | None) -> Facts:
        """Return the facts with `header` valid at `place`, or invalid. Its fields read as 0 then,
        and of those of a valid one nothing is known.
        """
        others = {entry for entry in self.headers if entry[:2] != (self.gress, header.name)}
        if place is not None:
            others.add((self.gress, header.name, place))
        mine = (self.gress, header.name)
        values = frozenset(entry for entry in self.values if entry[0][:2] != mine)
        return dataclasses.replace(self, headers=frozenset(others), values=values)

    def with_values(self, known: Mapping[Name, Known | None]) -> Facts:
        """Return the facts with other knowledge of some values."""
        kept = {entry for entry in self.values if entry[0] not in known}
        kept |= {(name, value) for name, value in known.items() if value is not None}
        return dataclasses.replace(self, values=frozenset(kept))


def name_of(target: ir.Expression, gress: str) -> Name | None:
    """Return the name of a variable or a header's field, None of anything else."""
    match target:
        case ir.Read():
            return gress, "", target.variable.name
        case ir.HeaderField() if not target.header.intrinsic:
            return gress, target.header.name, target.field.name
        case _:
            return None


def evaluate(  # noqa: C901, PLR0911  # one case a kind
    expression: ir.Expression, facts: Facts, arguments: Sequence[int] | None = None
) -> Known | None:
    """Return what is known of a value. `arguments` are those of the action it stands in."""
    match expression:
        case ir.Const():
            return expression.value
        case ir.Param():
            return None if arguments is None else arguments[expression.index]
        case ir.IsValid():
            return int(facts.is_valid(expression.header))
        case ir.HeaderField() if not expression.header.intrinsic and not facts.is_valid(
            expression.header
        ):
            return 0
        case ir.Read() | ir.HeaderField():
            name = name_of(expression, facts.gress)
            return None if name is None else facts.value(name)
        case ir.Unary(op=ir.UnaryOp.NOT):
            value = evaluate(expression.operand, facts, arguments)
            return 1 - value if isinstance(value, int) else None
        case ir.Slice():
            value = evaluate(expression.operand, facts, arguments)
            if not isinstance(value, int):
                return None
            return value >> expression.low & ((1 << expression.width) - 1)
        case ir.Cast(signed=False):
            value = evaluate(expression.operand, facts, arguments)
            if isinstance(value, Other) and expression.width >= expression.operand.width:
                return value
            return value & ((1 << expression.width) - 1) if isinstance(value, int) else None
        case ir.Binary():
            left = evaluate(expression.left, facts, arguments)
            right = evaluate(expression.right, facts, arguments)
            return _combined(expression, left, right)
        case _:
            return None


def _combined(  # noqa: PLR0911  # one case a kind
    expression: ir.Binary, left: Known | None, right: Known | None
) -> Known | None:
    match expression.op:
        case ir.BinaryOp.LOGICAL_AND:
            if 0 in (left, right):
                return 0
            return 1 if left == right == 1 else None
        case ir.BinaryOp.LOGICAL_OR:
            if 1 in (left, right):
                return 1
            return 0 if left == right == 0 else None
        case ir.BinaryOp.EQUAL | ir.BinaryOp.NOT_EQUAL:
            is_equal = _are_equal(left, right)
            if is_equal is None:
                return None
            return int(is_equal == (expression.op is ir.BinaryOp.EQUAL))
        case _ if isinstance(left, int) and isinstance(right, int) and not expression.signed:
            return _computed(expression, left, right)
        case _:
            return None


def _computed(expression: ir.Binary, left: int, right: int) -> int | None:
    match expression.op:
        case ir.BinaryOp.AND:
            return left & right
        case ir.BinaryOp.GREATER_EQUAL:
            return int(left >= right)
        case ir.BinaryOp.LESS_EQUAL:
            return int(left <= right)
        case ir.BinaryOp.CONCAT:
            return left << expression.right.width | right
        case _:
            return None


def _are_equal(left: Known | None, right: Known | None) -> bool | None:
    if isinstance(left, int) and isinstance(right, int):
        return left == right
    if isinstance(left, Other) and right == left.value:
        return False
    if isinstance(right, Other) and left == right.value:
        return False
    return None


def assume(condition: ir.Expression, facts: Facts, *, holds: bool) -> Facts:
    """Return the facts where `condition`, which may hold or not, turns out as `holds` says."""
    match condition:
        case ir.Unary(op=ir.UnaryOp.NOT):
            return assume(condition.operand, facts, holds=not holds)
        case ir.Binary(op=ir.BinaryOp.LOGICAL_AND | ir.BinaryOp.LOGICAL_OR):
            return _assume_both(condition, facts, holds=holds)
        case ir.Binary(op=ir.BinaryOp.EQUAL | ir.BinaryOp.NOT_EQUAL, right=ir.Const() as right):
            equal = holds == (condition.op is ir.BinaryOp.EQUAL)
            return _assume_equal(condition.left, right.value, facts, equal=equal)
        case _:
            return _assume_equal(condition, 1, facts, equal=holds)


def _assume_both(condition: ir.Binary, facts: Facts, *, holds: bool) -> Facts:
    needed = condition.op is ir.BinaryOp.LOGICAL_AND
    if holds == needed:
        facts = assume(condition.left, facts, holds=holds)
        return assume(condition.right, facts, holds=holds)
    # One of both is so: if it cannot be this one, it is that one.
    for one, other in (
        (condition.left, condition.right),
        (condition.right, condition.left),
    ):
        if evaluate(one, facts) == int(needed):
            return assume(other, facts, holds=holds)
    return facts


def _assume_equal(expression: ir.Expression, constant: int, facts: Facts, *, equal: bool) -> Facts:
    name = name_of(expression, facts.gress)
    if name is None:
        return facts
    if equal:
        return facts.with_values({name: constant})
    if expression.width == 1:
        return facts.with_values({name: 1 - constant})
    if facts.value(name) is None:
        return facts.with_values({name: Other(constant)})
    return facts
