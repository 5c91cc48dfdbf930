"""Grammar of types and expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.frontend.cursor import UNSUPPORTED, UNSUPPORTED_EXTERNS, Cursor
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.lexer import TokenKind, integer_value
from p4xdp.frontend.syntax import (
    Anything,
    AnyType,
    Argument,
    BinaryOperation,
    BitsType,
    BoolLiteral,
    Call,
    CastTo,
    Expression,
    IntegerLiteral,
    KeywordType,
    ListOf,
    Masked,
    Member,
    Name,
    NamedType,
    RangeOf,
    SliceOf,
    StringLiteral,
    Ternary,
    TypeNode,
    UnaryOperation,
)

if TYPE_CHECKING:
    from p4xdp.ir import Position

_KEYWORD_TYPES = frozenset({"bool", "error", "match_kind", "string", "void"})

# P4-16 clause 8: operators from the loosest binding to the tightest.
_PRECEDENCE = (
    ("||",),
    ("&&",),
    ("==", "!="),
    ("<", ">", "<=", ">="),
    ("|",),  # unlike in C, tighter than comparison
    ("^",),
    ("&",),
    ("<<", ">>"),
    ("++", "+", "-", "|+|", "|-|"),
    ("*", "/", "%"),
)


class ExpressionGrammar(Cursor):
    """Reads types and expressions."""

    # --- types ---

    def _starts_type(self) -> bool:
        token = self._token
        if token.kind is not TokenKind.IDENTIFIER:
            return False
        return (
            token.text in _KEYWORD_TYPES
            or token.text in ("bit", "int")
            or token.text in self._type_names
        )

    def _type(self) -> TypeNode:
        token = self._token
        if token.text in UNSUPPORTED:
            raise SourceError(token.at, *UNSUPPORTED[token.text])
        if token.text in _KEYWORD_TYPES:
            self._take()
            return KeywordType(token.at, token.text)
        if token.text in ("bit", "int"):
            return self._bits_type()
        name = self._name("a type")
        if name.text in UNSUPPORTED_EXTERNS and name.text not in self._type_names:
            raise SourceError(
                name.at, f"the extern {name.text} is not supported", "see docs/p4-subset.md"
            )
        if name.text not in self._type_names:
            raise SourceError(name.at, f"unknown type {name.text}", "declare it before its use")
        named = NamedType(name.at, name.text)
        if self._is("<"):
            named.arguments = self._type_arguments()
        if self._is("["):
            raise SourceError(self._at, "header stacks are not supported", "name each header")
        return named

    def _bits_type(self) -> TypeNode:
        token = self._take()
        signed = token.text == "int"
        if not self._is("<"):
            if signed:
                return KeywordType(token.at, "int")
            return BitsType(token.at, IntegerLiteral(token.at, 1, None, signed=False), signed=False)
        self._take()
        width: Expression
        if self._is("("):
            self._take()
            width = self._expression()
            self._expect(")", "after the width")
        else:
            width = self._primary()
        self._expect(">", "after the width")
        return BitsType(token.at, width, signed)

    def _type_arguments(self) -> list[TypeNode]:
        self._expect("<", "before type arguments")
        arguments: list[TypeNode] = []
        while True:
            if self._is("_"):
                arguments.append(AnyType(self._take().at))
            else:
                arguments.append(self._type())
            if not self._accept(","):
                break
        self._expect(">", "after type arguments")
        return arguments

    # --- expressions ---

    def _expression(self) -> Expression:
        condition = self._binary(0)
        if not self._is("?"):
            return condition
        at = self._take().at
        if_true = self._expression()
        self._expect(":", "between the values of ?:")
        return Ternary(at, condition, if_true, self._expression())

    def _binary(self, level: int) -> Expression:
        if level == len(_PRECEDENCE):
            return self._unary()
        left = self._binary(level + 1)
        while True:
            operator = self._operator()
            if operator not in _PRECEDENCE[level]:
                return left
            at = self._take().at
            if operator == ">>":
                self._take()
            left = BinaryOperation(at, operator, left, self._binary(level + 1))

    def _operator(self) -> str:
        """Return the operator ahead; two adjacent `>` make a shift."""
        if self._token.kind is not TokenKind.SYMBOL:
            return ""
        if self._is(">") and self._ahead().text == ">" and self._ahead().glued:
            return ">>"
        return self._token.text

    def _unary(self) -> Expression:
        token = self._token
        if token.kind is TokenKind.SYMBOL and token.text in ("!", "~", "-", "+"):
            self._take()
            return UnaryOperation(token.at, token.text, self._unary())
        if self._is("("):
            cast = self._cast()
            if cast is not None:
                return cast
        return self._postfix(self._primary())

    def _cast(self) -> Expression | None:
        start = self._index
        at = self._take().at
        if self._starts_type() and self._ahead().text != ".":
            target = self._type()
            if self._accept(")"):
                return CastTo(at, target, self._unary())
        self._index = start
        return None

    def _primary(self) -> Expression:
        token = self._token
        if token.kind is TokenKind.INTEGER:
            self._take()
            read = integer_value(token)
            return IntegerLiteral(token.at, read.value, read.width, read.signed)
        if token.kind is TokenKind.STRING:
            self._take()
            return StringLiteral(token.at, token.text[1:-1])
        if self._is("true", "false"):
            self._take()
            return BoolLiteral(token.at, token.text == "true")
        if self._is("("):
            self._take()
            inner = self._expression()
            self._expect(")", "after the expression")
            return inner
        if self._is("{"):
            return self._list()
        if self._is("error"):
            raise SourceError(
                token.at, "values of type error are not supported", "read parser_err of TNA instead"
            )
        is_global = self._accept(".")
        name = self._name("an expression")
        return Name(token.at, name.text, is_global)

    def _list(self) -> Expression:
        at = self._take().at
        items: list[Expression] = []
        while not self._is("}"):
            if self._ahead().text == "=" and self._token.kind is TokenKind.IDENTIFIER:
                raise SourceError(
                    self._at, "named fields in braces are not supported", "list them in order"
                )
            items.append(self._expression())
            if not self._accept(","):
                break
        self._expect("}", "after the list")
        return ListOf(at, items)

    def _postfix(self, base: Expression) -> Expression:
        while True:
            if self._is("."):
                self._take()
                name = self._take()
                if name.kind is not TokenKind.IDENTIFIER:
                    raise SourceError(
                        name.at,
                        f"expected a member's name, found {name.text}",
                        "write x.field or x.method()",
                    )
                base = Member(name.at, base, name.text)
            elif self._is("["):
                base = self._slice(base)
            elif self._is("("):
                at = self._at
                base = Call(_start_of(base, at), base, [], self._arguments())
            elif self._is("<") and isinstance(base, (Member, Name)):
                call = self._generic_call(base)
                if call is None:
                    return base
                base = call
            else:
                return base

    def _generic_call(self, callee: Member | Name) -> Call | None:
        """Read `<T>(...)`, or nothing if `<` is a comparison."""
        start = self._index
        self._take()
        is_type = self._starts_type() or self._is("_")
        self._index = start
        if not is_type:
            return None
        arguments = self._type_arguments()
        return Call(_start_of(callee, callee.at), callee, arguments, self._arguments())

    def _slice(self, base: Expression) -> Expression:
        at = self._take().at
        high = self._expression()
        if self._is("]"):
            raise SourceError(at, "indexing is not supported", "write a slice as x[7:0]")
        self._expect(":", "in a slice")
        low = self._expression()
        self._expect("]", "after the slice")
        return SliceOf(at, base, high, low)

    def _arguments(self) -> list[Argument]:
        self._expect("(", "before arguments")
        arguments: list[Argument] = []
        while not self._is(")"):
            token = self._token
            name: str | None = None
            if token.kind is TokenKind.IDENTIFIER and self._ahead().text == "=":
                name = self._take().text
                self._take()
            if self._is("_"):
                self._take()
                arguments.append(Argument(token.at, name, None))
            else:
                value = self._expression()
                arguments.append(Argument(token.at, name, value))
            if not self._accept(","):
                break
        self._expect(")", "after the arguments")
        return arguments

    # --- key sets ---

    def _key_set(self) -> Expression:
        """Read what stands before `:` in a select: one key set, or several in parentheses."""
        if not self._is("(") or not self._is_tuple():
            return self._simple_key_set()
        at = self._take().at
        items = [self._simple_key_set()]
        while self._accept(","):
            items.append(self._simple_key_set())
        self._expect(")", "after the key sets")
        return ListOf(at, items)

    def _is_tuple(self) -> bool:
        """Tell `(a, b): state` from `(a + b) &&& c: state`."""
        depth = 0
        for index in range(self._index, len(self._tokens) - 1):
            text = self._tokens[index].text
            depth += (text == "(") - (text == ")")
            if depth == 0:
                return self._tokens[index + 1].text == ":"
        return False

    def _simple_key_set(self) -> Expression:
        token = self._token
        if self._is("default", "_"):
            self._take()
            return Anything(token.at)
        operand = self._expression()
        if self._is("&&&"):
            at = self._take().at
            return Masked(at, operand, self._expression())
        if self._is(".."):
            at = self._take().at
            return RangeOf(at, operand, self._expression())
        return operand


def _start_of(callee: Expression, fallback: Position) -> Position:
    while isinstance(callee, Member):
        callee = callee.base
    return callee.at if isinstance(callee, Name) else fallback
