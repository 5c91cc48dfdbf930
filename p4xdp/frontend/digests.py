"""Instances of Digest: what packets tell the controller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.types import BOOL, Aggregate, Bits, is_scalar, width_of

if TYPE_CHECKING:
    from p4xdp.frontend import syntax
    from p4xdp.frontend.types import ExternOf, Type


def elaborate_digest(name: str, node: syntax.InstanceDeclaration, kind: ExternOf) -> ir.Digest:
    """Return a checked Digest; SourceError if it is of what a digest cannot hold."""
    (told,) = kind.arguments
    if isinstance(told, Bits):
        return ir.Digest(name, (_field("", told),), annotations=node.annotations)
    if not isinstance(told, Aggregate) or not told.fields:
        raise SourceError(node.type.at, f"a digest of {told}", "a struct or header of numbers")
    for part in told.fields:
        if not is_scalar(part.type):
            raise SourceError(
                node.type.at, f"a digest with {part.name}, {part.type}", "flatten the struct"
            )
    fields = tuple(_field(part.name, part.type) for part in told.fields)
    return ir.Digest(name, fields, told.name, told.is_header, node.annotations)


def _field(name: str, kind: Type) -> ir.DigestField:
    is_signed = isinstance(kind, Bits) and kind.signed
    return ir.DigestField(name, width_of(kind), is_signed, is_bool=kind == BOOL)
