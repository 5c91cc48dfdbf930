"""A place in the token stream, and the small steps every grammar rule is made of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.lexer import Token, TokenKind
from p4xdp.ir import Annotation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.ir import Position

KEYWORDS = frozenset(
    [
        "action",
        "abstract",
        "bit",
        "bool",
        "break",
        "const",
        "continue",
        "control",
        "default",
        "else",
        "enum",
        "error",
        "exit",
        "extern",
        "false",
        "for",
        "header",
        "header_union",
        "if",
        "in",
        "inout",
        "int",
        "match_kind",
        "out",
        "package",
        "parser",
        "return",
        "select",
        "string",
        "struct",
        "switch",
        "table",
        "this",
        "transition",
        "true",
        "tuple",
        "typedef",
        "value_set",
        "varbit",
        "void",
        "_",
    ]
)

# Constructs of P4-16 outside the subset that have a keyword of their own.
UNSUPPORTED = {
    "abstract": ("abstract methods are not supported", "use an extern without them"),
    "break": ("loops are not supported", "Tofino has none either: write the steps out"),
    "continue": ("loops are not supported", "Tofino has none either: write the steps out"),
    "for": ("loops are not supported", "Tofino has none either: write the steps out"),
    "header_union": ("header unions are not supported", "declare the headers one by one"),
    "this": ("`this` is not supported", "use an extern without abstract methods"),
    "tuple": ("tuple types are not supported", "declare a struct"),
    "value_set": ("parser value sets are not supported", "select on constants"),
    "varbit": ("varbit fields are not supported", "declare a header per length"),
}

UNSUPPORTED_EXTERNS = frozenset(
    [
        "Alpm",
        "Atcam",
        "CRCPolynomial",
        "DirectLpf",
        "DirectRegister",
        "DirectRegisterAction",
        "DirectWred",
        "IdleTimeout",
        "Lpf",
        "MathUnit",
        "ParserCounter",
        "ParserPriority",
        "Random",
        "RegisterParam",
        "Resubmit",
        "SelectorAction",
        "Wred",
    ]
)


class Cursor:
    """Reads tokens in order. Grammar rules are methods of the classes derived from it."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._index = 0
        # A name means a type or a value; P4 can be read only by who knows which.
        self._type_names: set[str] = set()

    @property
    def _token(self) -> Token:
        return self._tokens[self._index]

    @property
    def _at(self) -> Position:
        return self._token.at

    def _ahead(self, count: int = 1) -> Token:
        return self._tokens[min(self._index + count, len(self._tokens) - 1)]

    def _is(self, *texts: str) -> bool:
        return self._token.text in texts and self._token.kind is not TokenKind.STRING

    def _take(self) -> Token:
        token = self._token
        if token.kind is not TokenKind.END:
            self._index += 1
        return token

    def _accept(self, text: str) -> bool:
        if self._is(text):
            self._index += 1
            return True
        return False

    def _expect(self, text: str, after: str) -> Token:
        if not self._is(text):
            raise self._unexpected(f"{text!r} {after}")
        return self._take()

    def _unexpected(self, wanted: str) -> SourceError:
        token = self._token
        if token.text in UNSUPPORTED and token.kind is TokenKind.IDENTIFIER:
            return SourceError(token.at, *UNSUPPORTED[token.text])
        found = token.text if token.kind is not TokenKind.END else "the end of the file"
        return SourceError(token.at, f"expected {wanted}, found {found}", _missing(wanted, token))

    def _name(self, what: str) -> Token:
        if self._token.kind is not TokenKind.IDENTIFIER or self._token.text in KEYWORDS:
            raise self._unexpected(what)
        return self._take()

    def _annotations(self) -> tuple[Annotation, ...]:
        found: list[Annotation] = []
        while self._is("@"):
            at = self._take().at
            name = self._take()
            if name.kind is not TokenKind.IDENTIFIER:
                raise SourceError(
                    name.at, "expected the annotation's name after @", "write @name(...)"
                )
            text = ""
            if name.text == "pragma":
                found.append(Annotation("pragma", self._rest_of_line(name)))
                continue
            if self._is("["):
                raise SourceError(at, "structured annotations are not supported", "use @name(...)")
            if self._accept("("):
                text = self._annotation_body(at)
            _check_annotation(name.text, text, at)
            found.append(Annotation(name.text, text))
        return tuple(found)

    def _rest_of_line(self, pragma: Token) -> str:
        """Read `@pragma name arguments`, which ends with its line."""
        pieces: list[str] = []
        while self._at.line == pragma.at.line and self._token.kind is not TokenKind.END:
            pieces.append(self._take().text)
        return " ".join(pieces)

    def _annotation_body(self, at: Position) -> str:
        pieces: list[str] = []
        depth = 1
        while True:
            token = self._take()
            if token.kind is TokenKind.END:
                raise SourceError(at, "annotation is never closed", "add )")
            if token.kind is TokenKind.SYMBOL:
                depth += (token.text == "(") - (token.text == ")")
            if depth == 0:
                return "".join(pieces)
            pieces.append(token.text if token.glued or not pieces else f" {token.text}")


def _missing(wanted: str, found: Token) -> str:
    """Say what to do where `wanted`, a symbol in quotes or words, is not there."""
    if wanted.startswith("'"):
        symbol = wanted.split("'")[1]
        return f"add {symbol}"
    if found.text in KEYWORDS and "name" in wanted:
        return "it is a keyword: choose another name"
    if "name" in wanted:
        return "names are letters, digits and _, no digit first"
    if wanted == "an expression":
        return "write a number, a name or a call"
    return f"write {wanted} here"


def _check_annotation(name: str, text: str, at: Position) -> None:
    """Those that decide names and identifiers have to be well formed."""
    if name == "name" and not re.fullmatch(r'"[^"]+"', text):
        raise SourceError(at, "@name wants a string", 'write @name("...")')
    if name == "id" and not re.fullmatch(r"0[xX][0-9a-fA-F]+|[0-9]+", text):
        raise SourceError(at, "@id wants a number", "write @id(1) or @id(0x1)")
