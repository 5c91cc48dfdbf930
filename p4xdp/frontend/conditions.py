"""What stands after `#if`: integer expressions as in C."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.lexer import Token, TokenKind, integer_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from p4xdp.ir import Position

_LEVELS: tuple[dict[str, Callable[[int, int], int]], ...] = (
    {"||": lambda a, b: int(bool(a) or bool(b))},
    {"&&": lambda a, b: int(bool(a) and bool(b))},
    {"|": operator.or_},
    {"^": operator.xor},
    {"&": operator.and_},
    {"==": operator.eq, "!=": operator.ne},
    {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge},
    {"<<": operator.lshift},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul},
)


class _Condition:
    def __init__(self, tokens: Sequence[Token], at: Position) -> None:
        self._tokens = tokens
        self._at = at
        self._index = 0

    def _peek(self) -> str:
        return self._tokens[self._index].text if self._index < len(self._tokens) else ""

    def parse(self) -> int:
        value = self._level(0)
        if self._index < len(self._tokens):
            raise SourceError(
                self._at,
                f"unexpected {self._peek()} in #if",
                "numbers, defined(NAME) and operators of C can stand there",
            )
        return value

    def _level(self, level: int) -> int:
        if level == len(_LEVELS):
            return self._unary()
        value = self._level(level + 1)
        while self._peek() in _LEVELS[level]:
            operation = _LEVELS[level][self._peek()]
            self._index += 1
            value = int(operation(value, self._level(level + 1)))
        return value

    def _unary(self) -> int:
        if self._index >= len(self._tokens):
            raise SourceError(
                self._at, "#if lacks an operand", "write #if NAME == 1 or #if defined(NAME)"
            )
        token = self._tokens[self._index]
        self._index += 1
        if token.text == "!":
            return int(not self._unary())
        if token.text == "-":
            return -self._unary()
        if token.text == "~":
            return ~self._unary()
        if token.text == "(":
            value = self._level(0)
            if self._peek() != ")":
                raise SourceError(self._at, "#if lacks )", "add )")
            self._index += 1
            return value
        if token.kind is TokenKind.INTEGER:
            return integer_value(token).value
        if token.kind is TokenKind.IDENTIFIER:
            return 0  # as in C: a name that is no macro
        raise SourceError(
            token.at,
            f"unexpected {token.text} in #if",
            "numbers, defined(NAME) and operators of C can stand there",
        )


def evaluate_condition(tokens: Sequence[Token], at: Position) -> int:
    """Evaluate the tokens after `#if`, macros already expanded."""
    return _Condition(tokens, at).parse()
