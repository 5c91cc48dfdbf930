"""Mirror and Digest: what a deparser has copied or told the controller, as far as Tofino has it.

The deparser chooses one list of fields by a number in its metadata. In the source that is a Mirror
or Digest constructed with the number, or `if (mirror_type == N)` around the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from p4xdp import ir
from p4xdp.frontend.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from p4xdp.frontend import syntax

Chosen: TypeAlias = ir.MirrorPacket | ir.PackDigest

_OCTET = 8


@dataclass(frozen=True, slots=True)
class Selection:
    """`selector` is the field that chooses. `does` is what happens, `call` how it is written.
    `has_calls_in_ingress`: p4c adds calls of its own there, without a type constructed.
    """

    extern: str
    selector: str
    statement: type[Chosen]
    does: str
    call: str
    has_calls_in_ingress: bool = False

    @property
    def form(self) -> str:
        """Return how it is written."""
        return f"if (..._dprsr_md.{self.selector} == 1) {{ {self.call} }}"


MIRROR = Selection(
    "Mirror",
    "mirror_type",
    ir.MirrorPacket,
    "a copy is made",
    "mirror.emit<h>(...);",
    has_calls_in_ingress=True,
)
DIGEST = Selection("Digest", "digest_type", ir.PackDigest, "a digest is made", "digest.pack(...);")
SELECTIONS = (MIRROR, DIGEST)


def selected_type(selection: Selection, node: syntax.InstanceDeclaration) -> int | None:
    """Return the type an instance is constructed with, if it is; SourceError if that is 0."""
    argument = node.bound.get(selection.selector)
    if argument is None:
        return None
    assert isinstance(argument.value, int)
    _require_type(selection, argument.value, argument.at)
    return argument.value


def under_selection(
    selection: Selection, call: Chosen, selected: int | None, roles: Mapping[str, ir.Variable]
) -> ir.Statement:
    """Return a call, under the condition that its instance was constructed with."""
    if selected is None:
        return call
    role = roles.get(selection.selector)
    if role is None:
        raise SourceError(
            call.at, f"no block has the metadata with {selection.selector}", "take it as parameter"
        )
    chosen = ir.Const(selected, role.width)
    condition = ir.Binary(ir.BinaryOp.EQUAL, ir.Read(role), chosen, 1, at=call.at)
    return ir.If(condition, (call,), (), call.at)


def require_octets(mirrored: ir.MirrorPacket) -> None:
    """Refuse to put anything but whole octets in front of a copy."""
    if sum(field.width for field in mirrored.fields) % _OCTET:
        raise SourceError(
            mirrored.at, "what is mirrored is not of whole octets", "add 0s: a field bit<7> pad"
        )


class SelectionChecker:
    """Checks the branches of one deparser that make a selection."""

    def __init__(
        self, selection: Selection, roles: Mapping[str, ir.Variable], *, is_ingress: bool
    ) -> None:
        self._selection = selection
        self._is_ingress = is_ingress
        self._role = roles.get(selection.selector)
        self._seen: set[int] = set()
        self._forms: set[bool] = set()  # whether constructed with a type, of all calls

    def is_branch(self, node: ir.If) -> bool:
        """Return whether the branch holds a call; SourceError if it is no legal one."""
        kind, selector = self._selection.statement, self._selection.selector
        if not any(isinstance(one, kind) for one in (*node.then, *node.otherwise)):
            return self._is_repeated(node)
        call = node.then[0] if len(node.then) == 1 else None
        chosen = self._chosen(node.condition)
        if not isinstance(call, kind) or chosen is None:
            raise self._alone(node.at)
        _require_type(self._selection, chosen, node.at)
        if chosen in self._seen:
            raise SourceError(node.at, f"{selector} {chosen} is used twice", "use another type")
        self._seen.add(chosen)
        self._check_form(node, is_constructed=node.at == call.at)
        _check_fields(call)
        return True

    def _check_form(self, node: ir.If, *, is_constructed: bool) -> None:
        extern = self._selection.extern
        self._forms.add(is_constructed)
        if len(self._forms) > 1:
            raise SourceError(
                node.at, f"one deparser with {extern}s of both forms", "construct all without types"
            )
        if is_constructed and self._is_ingress and self._selection.has_calls_in_ingress:
            raise SourceError(
                node.at,
                f"a {extern} constructed with a type in ingress",
                f"{extern}(), and {self._selection.form}",
            )

    def _is_repeated(self, node: ir.If) -> bool:
        """A call constructed with a type may stand under the very same condition once more."""
        inner = node.then[0] if len(node.then) == 1 else None
        kind = self._selection.statement
        if not isinstance(inner, ir.If) or not any(isinstance(one, kind) for one in inner.then):
            return False
        if self._chosen(node.condition) != self._chosen(inner.condition):
            raise self._alone(node.at)
        return self.is_branch(inner)

    def _alone(self, at: ir.Position) -> SourceError:
        selection = self._selection
        return SourceError(at, f"{selection.does} under {selection.selector} alone", selection.form)

    def _chosen(self, condition: ir.Expression) -> int | None:
        match condition:
            case ir.Binary(op=ir.BinaryOp.EQUAL, left=ir.Read() as read, right=ir.Const() as const):
                pass
            case ir.Binary(op=ir.BinaryOp.EQUAL, left=ir.Const() as const, right=ir.Read() as read):
                pass
            case _:
                return None
        return const.value if read.variable == self._role else None


def refuse_unselected(call: Chosen) -> None:
    """Refuse a call that stands under no condition on the type."""
    (selection,) = (one for one in SELECTIONS if isinstance(call, one.statement))
    hint = f"{selection.form}, or construct {selection.extern}(1)"
    raise SourceError(call.at, f"{selection.does} under {selection.selector} alone", hint)


def _require_type(selection: Selection, chosen: int, at: ir.Position) -> None:
    if chosen == 0:
        raise SourceError(
            at, f"{selection.selector} 0 is that of all packets that do not ask", "begin with 1"
        )


def _check_fields(call: Chosen) -> None:
    session = (call.session,) if isinstance(call, ir.MirrorPacket) else ()
    for field in (*session, *call.fields):
        if not _is_stored(field):
            raise SourceError(
                call.at,
                "what a deparser mirrors or packs is whole fields and zeros",
                "compute it in the control, into metadata",
            )
        is_zero = isinstance(field, ir.Const) and field.width % _OCTET == 0
        if is_zero and isinstance(call, ir.PackDigest):
            raise SourceError(
                call.at, "a digest with a 0 of whole octets", "pack metadata that is 0"
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
