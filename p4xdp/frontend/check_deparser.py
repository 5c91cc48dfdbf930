"""What a deparser of Tofino can do: emit headers, update checksums under simple conditions, and
have packets copied or told to the controller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.selections import SELECTIONS, SelectionChecker, refuse_unselected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from p4xdp.ir import Position

_HINT = "do it in the control"


def check_deparser(
    body: Iterable[ir.Statement], roles: Mapping[str, ir.Variable], *, is_ingress: bool
) -> None:
    """Refuse what a deparser cannot do; SourceError at the first one. `roles` as in a Gress."""
    _Checker(roles, is_ingress=is_ingress).check(body, conditional=False)


class _Checker:
    """`_computed` are the variables that the deparser assigns."""

    def __init__(self, roles: Mapping[str, ir.Variable], *, is_ingress: bool) -> None:
        self._computed: set[str] = set()
        self._selections = [
            SelectionChecker(selection, roles, is_ingress=is_ingress) for selection in SELECTIONS
        ]

    def check(self, body: Iterable[ir.Statement], *, conditional: bool) -> None:
        for node in body:
            match node:
                case ir.If() if node.then or node.otherwise:
                    self._check_branch(node, conditional=conditional)
                case ir.CallAction():
                    self.check(node.body, conditional=conditional)
                case ir.Assign(target=ir.Read(variable=variable)):
                    self._computed.add(variable.name)
                case _:
                    _check_effect(node, conditional=conditional)

    def _check_branch(self, node: ir.If, *, conditional: bool) -> None:
        if not conditional and any(one.is_branch(node) for one in self._selections):
            self.check(node.otherwise, conditional=False)
            return
        _check_condition(node.condition, self._computed, node.at)
        self.check((*node.then, *node.otherwise), conditional=True)


def _check_effect(node: ir.Statement, *, conditional: bool) -> None:
    match node:
        case ir.Emit() | ir.Exit() if conditional:
            raise SourceError(
                node.at,
                "a deparser emits the same headers always",
                "make the header invalid in the control instead",
            )
        case ir.MirrorPacket() | ir.PackDigest():
            refuse_unselected(node)
        case ir.UpdateChecksum():
            for field in node.fields:
                _check_summand(field, node.at)
        case ir.Assign():
            raise SourceError(node.at, "only checksums are assigned in a deparser", _HINT)
        case ir.SetValid():
            raise SourceError(node.at, "a deparser cannot change the validity of headers", _HINT)
        case _:
            pass


def _check_condition(node: ir.Expression, computed: set[str], at: Position) -> None:
    match node:
        case ir.Binary(op=ir.BinaryOp.LOGICAL_AND):
            _check_condition(node.left, computed, at)
            _check_condition(node.right, computed, at)
            return
        case ir.Binary(op=ir.BinaryOp.EQUAL | ir.BinaryOp.NOT_EQUAL, right=ir.Const()):
            bit = node.left
        case ir.Unary(op=ir.UnaryOp.NOT):
            bit = node.operand
        case _:
            bit = node
    is_stored = isinstance(bit, (ir.Read, ir.HeaderField, ir.IsValid)) and bit.width == 1
    if not is_stored or (isinstance(bit, ir.Read) and bit.variable.name in computed):
        raise SourceError(
            at, "a condition in a deparser is of single bits, joined by &&",
            "compute it in the control, into a bool of the metadata",
        )  # fmt: skip


def _check_summand(node: ir.Expression, at: Position) -> None:
    match node:
        case ir.HeaderField() | ir.Read():
            return
        case ir.Const(value=0):
            return
        case ir.Cast(signed=False) if node.width > node.operand.width:
            _check_summand(node.operand, at)
        case ir.Binary(op=ir.BinaryOp.CONCAT):
            _check_summand(node.left, at)
            _check_summand(node.right, at)
        case _:
            raise SourceError(
                at, "a checksum is of whole fields and zeros", "store the value in a field first"
            )
