"""Mirror: which copies a deparser may have made, as far as Tofino's deparser has them.

The deparser chooses one list of fields by a number in its metadata. In the source that is a Mirror
constructed with the number, or `if (mirror_type == N)` around the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.frontend.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from p4xdp.frontend import syntax

_SELECTOR = "mirror_type"
_FORM = f"if (..._dprsr_md.{_SELECTOR} == 1) {{ mirror.emit<h>(...); }}"
_OCTET = 8


def mirror_type(node: syntax.InstanceDeclaration) -> int | None:
    """Return the type that a Mirror is constructed with, if it is; SourceError if that is 0."""
    argument = node.bound.get(_SELECTOR)
    if argument is None:
        return None
    assert isinstance(argument.value, int)
    _require_type(argument.value, argument.at)
    return argument.value


def mirror_of(
    mirrored: ir.MirrorPacket, selected: int | None, roles: Mapping[str, ir.Variable]
) -> ir.Statement:
    """Return a call of emit, under the condition that its Mirror was constructed with."""
    if sum(field.width for field in mirrored.fields) % _OCTET:
        raise SourceError(
            mirrored.at, "what is mirrored is not of whole octets", "add 0s: a field bit<7> pad"
        )
    if selected is None:
        return mirrored
    role = roles.get(_SELECTOR)
    if role is None:
        raise SourceError(
            mirrored.at, f"no block has the metadata with {_SELECTOR}", "take it as a parameter"
        )
    chosen = ir.Const(selected, role.width)
    condition = ir.Binary(ir.BinaryOp.EQUAL, ir.Read(role), chosen, 1, at=mirrored.at)
    return ir.If(condition, (mirrored,), (), mirrored.at)


class MirrorChecker:
    """Checks the branches of one deparser that have packets copied. `is_ingress`: p4c adds a Mirror
    without a type there, of its own.
    """

    def __init__(self, roles: Mapping[str, ir.Variable], *, is_ingress: bool) -> None:
        self._is_ingress = is_ingress
        self._role = roles.get(_SELECTOR)
        self._seen: set[int] = set()
        self._forms: set[bool] = set()  # whether constructed with a type, of all calls of emit

    def is_branch(self, node: ir.If) -> bool:
        """Return whether the branch holds a call of emit; SourceError if it is no legal one."""
        if not any(isinstance(one, ir.MirrorPacket) for one in (*node.then, *node.otherwise)):
            return self._is_repeated(node)
        mirrored = node.then[0] if len(node.then) == 1 else None
        chosen = self._chosen(node.condition)
        if not isinstance(mirrored, ir.MirrorPacket) or chosen is None:
            raise SourceError(node.at, f"a copy is made under {_SELECTOR} alone", _FORM)
        _require_type(chosen, node.at)
        if chosen in self._seen:
            raise SourceError(
                node.at, f"{_SELECTOR} {chosen} is mirrored twice", "use another type"
            )
        self._seen.add(chosen)
        is_constructed = node.at == mirrored.at
        self._forms.add(is_constructed)
        if len(self._forms) > 1:
            raise SourceError(
                node.at, "one deparser with Mirrors of both forms", "construct all without types"
            )
        if is_constructed and self._is_ingress:
            raise SourceError(
                node.at, "a Mirror constructed with a type in ingress", f"Mirror(), and {_FORM}"
            )
        _check_fields(mirrored)
        return True

    def _is_repeated(self, node: ir.If) -> bool:
        """A Mirror constructed with a type may stand under the very same condition once more."""
        inner = node.then[0] if len(node.then) == 1 else None
        if not isinstance(inner, ir.If) or not self._is_copying(inner):
            return False
        if self._chosen(node.condition) != self._chosen(inner.condition):
            raise SourceError(node.at, f"a copy is made under {_SELECTOR} alone", _FORM)
        return self.is_branch(inner)

    @staticmethod
    def _is_copying(node: ir.If) -> bool:
        return any(isinstance(one, ir.MirrorPacket) for one in node.then)

    def _chosen(self, condition: ir.Expression) -> int | None:
        match condition:
            case ir.Binary(op=ir.BinaryOp.EQUAL, left=ir.Read() as read, right=ir.Const() as const):
                pass
            case ir.Binary(op=ir.BinaryOp.EQUAL, left=ir.Const() as const, right=ir.Read() as read):
                pass
            case _:
                return None
        return const.value if read.variable == self._role else None


def _require_type(chosen: int, at: ir.Position) -> None:
    if chosen == 0:
        raise SourceError(at, f"{_SELECTOR} 0 is that of packets not mirrored", "begin with 1")


def _check_fields(mirrored: ir.MirrorPacket) -> None:
    for field in (mirrored.session, *mirrored.fields):
        if not _is_stored(field):
            raise SourceError(
                mirrored.at,
                "what a deparser mirrors is whole fields and zeros",
                "compute it in the control, into metadata",
            )


def _is_stored(node: ir.Expression) -> bool:
    match node:
        case ir.HeaderField() | ir.Read() | ir.Const(value=0):
            return True
        case ir.Slice(operand=operand):
            return isinstance(operand, ir.HeaderField | ir.Read)
        case ir.Cast(operand=operand):
            is_cut = node.width <= operand.width
            return is_cut and isinstance(operand, ir.HeaderField | ir.Read)
        case _:
            return False
