"""Which storage expressions read and statements write, to know what may be read later.

A cell is (name, field): a variable has field "", a header its fields and "$valid$". A write of
(header, "*") touches all of it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, TypeAlias

from p4xdp import ir
from p4xdp.frontend.storage import StructBinding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from p4xdp.frontend.storage import Binding

Cell: TypeAlias = tuple[str, str]


def reads(node: ir.Expression) -> set[Cell]:  # noqa: PLR0911  # one case a kind
    """Cells the value of an expression depends on."""
    match node:
        case ir.Const() | ir.Param() | ir.Lookahead():
            return set()
        case ir.Read():
            return {(node.variable.name, "")}
        case ir.HeaderField():
            return {(node.header.name, node.field.name)}
        case ir.IsValid():
            return {(node.header.name, "$valid$")}
        case ir.Slice() | ir.Unary() | ir.Cast():
            return reads(node.operand)
        case ir.Binary():
            return reads(node.left) | reads(node.right)
        case ir.Conditional():
            return reads(node.condition) | reads(node.if_true) | reads(node.if_false)


def cells(binding: Binding) -> set[Cell]:
    """Cells a value of any type consists of."""
    if isinstance(binding, StructBinding):
        return {cell for part in binding.fields.values() for cell in cells(part)}
    if isinstance(binding, ir.Header):
        return {(binding.name, "*")}
    return reads(binding)  # type: ignore[arg-type]


def writes(body: Iterable[ir.Statement]) -> set[Cell]:
    """Cells that the body of an action may write."""
    found: set[Cell] = set()
    for node in body:
        match node:
            case ir.Assign() | ir.UpdateChecksum() | ir.ComputeHash():
                found |= reads(node.target)
            case ir.ExecuteMeter():
                found |= reads(node.target) if node.target is not None else set()
            case ir.ExecuteRegister():
                found |= reads(node.target) if node.target is not None else set()
                found |= writes(node.body)
            case ir.SetValid():
                found.add((node.header.name, "*"))
            case ir.If():
                found |= writes((*node.then, *node.otherwise))
            case ir.CallAction():
                found |= writes(node.body)
            case _:
                pass
    return found


def touches(node: object) -> set[Cell]:  # noqa: PLR0911  # one case a kind
    """Cells read or written anywhere in statements, tables or actions.

    The target of an assignment to a variable is not a reading of it and is left out.
    """
    match node:
        case ir.Read() | ir.HeaderField() | ir.IsValid():
            return reads(node)
        case ir.SetValid():
            return {(node.header.name, "*")}
        case ir.Assign(target=ir.Read()):
            return touches(node.value)
        case dict():
            return touches(tuple(node.values()))
        case tuple() | list():
            return {cell for part in node for cell in touches(part)}
        case _ if dataclasses.is_dataclass(node) and not isinstance(node, type):
            return touches([getattr(node, field.name) for field in dataclasses.fields(node)])
        case _:
            return set()


def overlap(some: set[Cell], others: set[Cell]) -> bool:
    """Whether two sets of cells share storage."""
    if some & others:
        return True
    for one, other in ((some, others), (others, some)):
        whole = {name for name, part in one if part == "*"}
        if any(name in whole for name, _ in other):
            return True
    return False
