"""Grammar of declarations: a whole program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.frontend.block_grammar import BlockGrammar
from p4xdp.frontend.cursor import UNSUPPORTED
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.lexer import Token, TokenKind
from p4xdp.frontend.syntax import (
    Declaration,
    InstanceDeclaration,
    NamedType,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.ir import Annotation


def parse(tokens: Sequence[Token]) -> list[Declaration]:
    """Read a program, or raise SourceError at the first thing that is not P4."""
    return DeclarationGrammar(tokens).program()


class DeclarationGrammar(BlockGrammar):
    """Reads declarations; `program` reads all of them."""

    def program(self) -> list[Declaration]:
        declarations: list[Declaration] = []
        while self._token.kind is not TokenKind.END:
            if self._accept(";"):
                continue
            declarations.append(self._declaration())
        return declarations

    def _declaration(  # noqa: C901, PLR0911, PLR0912  # one case a keyword
        self,
    ) -> Declaration:
        annotations = self._annotations()
        token = self._token
        match token.text:
            case "const":
                return self._constant(annotations)
            case "header" | "struct":
                return self._aggregate(annotations)
            case "typedef":
                return self._typedef()
            case "enum":
                return self._enum()
            case "match_kind":
                return self._match_kinds()
            case "extern":
                return self._extern()
            case "parser":
                return self._parser(annotations)
            case "control":
                return self._control(annotations)
            case "package":
                return self._package(annotations)
            case "action":
                return self._action(annotations)
            case "error":
                raise SourceError(
                    token.at,
                    "declarations of errors are not supported",
                    "read parser_err of TNA instead",
                )
            case "type":
                raise SourceError(token.at, "new types are not supported", "use typedef")
            case _:
                pass
        if token.text in UNSUPPORTED:
            raise SourceError(token.at, *UNSUPPORTED[token.text])
        return self._instance_or_function(annotations)

    def _instance_or_function(self, annotations: tuple[Annotation, ...]) -> InstanceDeclaration:
        start = self._at
        kind = self._type()
        if isinstance(kind, NamedType) and self._is("("):
            return self._instance(kind, annotations)
        if self._ahead().text in ("(", "<"):
            raise SourceError(start, "functions are not supported", "write an action or a control")
        raise SourceError(start, "a variable cannot be declared here", "declare it in a control")
