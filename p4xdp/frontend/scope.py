"""Names and what they stand for."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from p4xdp.frontend import syntax
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.types import Type

if TYPE_CHECKING:
    from p4xdp.ir import Position


@dataclass(frozen=True, slots=True)
class TypeSymbol:
    """The name of a type: a typedef, header, struct, enum or type parameter."""

    type: Type


Symbol: TypeAlias = (
    TypeSymbol
    | syntax.ConstantDeclaration
    | syntax.VariableDeclaration
    | syntax.Parameter
    | syntax.InstanceDeclaration
    | syntax.ActionDeclaration
    | syntax.TableDeclaration
    | syntax.ExternDeclaration
    | syntax.PackageDeclaration
    | syntax.BlockTypeDeclaration
    | syntax.ParserDeclaration
    | syntax.ControlDeclaration
)

# Extern functions of the architecture that a reader of its manual may reach for.
_UNSUPPORTED_FUNCTIONS = {
    "funnel_shift_right": "shift and concatenate instead",
    "invalidate": "use setInvalid() of a header",
    "is_validated": "use isValid() of a header",
    "max": "compare with if",
    "min": "compare with if",
    "port_metadata_unpack": "skip it: packet.advance(PORT_METADATA_SIZE)",
    "sizeInBits": "write the number",
    "sizeInBytes": "write the number",
    "static_assert": "remove it, or write #if and #error",
    "verify": "read parser_err instead",
}


class Scope:
    """One level of names, inside another.

    `may_hide`: what is declared here may have the name of a parameter outside.
    """

    def __init__(self, parent: Scope | None = None, *, may_hide: bool = False) -> None:
        self._parent = parent
        self._may_hide = may_hide
        self._symbols: dict[str, Symbol] = {}

    def declare(self, name: str, symbol: Symbol, at: Position) -> None:
        """Add a name; SourceError if this level has it already, or it would hide a parameter."""
        if name in self._symbols:
            raise SourceError(at, f"{name} is declared twice", "rename one of them")
        if not (isinstance(symbol, syntax.Parameter) or self._may_hide):
            hidden = self.find(name)
            if isinstance(hidden, syntax.Parameter):
                raise SourceError(at, f"{name} hides a parameter", "rename one of them")
        self._symbols[name] = symbol

    def find(self, name: str) -> Symbol | None:
        """Return what the innermost declaration of `name` stands for."""
        found = self._symbols.get(name)
        if found is None and self._parent is not None:
            return self._parent.find(name)
        return found

    def names(self) -> set[str]:
        """Every name that can be used here."""
        outer = self._parent.names() if self._parent is not None else set()
        return outer | set(self._symbols)

    def resolve(self, name: str, at: Position) -> Symbol:
        """As `find`, but a name that stands for nothing is a SourceError."""
        found = self.find(name)
        if found is not None:
            return found
        if name in _UNSUPPORTED_FUNCTIONS:
            raise SourceError(at, f"{name}() is not supported", _UNSUPPORTED_FUNCTIONS[name])
        close = difflib.get_close_matches(name, self.names(), n=1)
        hint = f"did you mean {close[0]}?" if close else "declare it before its use"
        raise SourceError(at, f"unknown name {name}", hint)

    def outermost(self) -> Scope:
        """The scope of the program."""
        return self if self._parent is None else self._parent.outermost()
