"""Grammar of statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.frontend.cursor import UNSUPPORTED
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.expressions import ExpressionGrammar
from p4xdp.frontend.lexer import TokenKind
from p4xdp.frontend.syntax import (
    Assignment,
    Block,
    Call,
    CallStatement,
    ConstantDeclaration,
    ExitStatement,
    IfStatement,
    Name,
    ReturnStatement,
    StatementNode,
    SwitchCase,
    SwitchStatement,
    TypeNode,
    VariableDeclaration,
)

if TYPE_CHECKING:
    from p4xdp.ir import Annotation


class StatementGrammar(ExpressionGrammar):
    """Reads statements and the declarations that may stand among them."""

    def _block(self) -> Block:
        at = self._expect("{", "before a block").at
        statements: list[StatementNode] = []
        while not self._accept("}"):
            if self._token.kind is TokenKind.END:
                raise SourceError(at, "block is never closed", "add }")
            if self._accept(";"):
                continue
            statements.append(self._statement())
        return Block(at, statements)

    def _statement(self) -> StatementNode:  # noqa: PLR0911  # one case a keyword
        annotations = self._annotations()
        token = self._token
        if token.text in UNSUPPORTED and token.kind is TokenKind.IDENTIFIER:
            raise SourceError(token.at, *UNSUPPORTED[token.text])
        match token.text:
            case "{":
                return self._block()
            case "if":
                return self._if()
            case "switch":
                return self._switch()
            case "return":
                return self._return()
            case "exit":
                self._take()
                self._expect(";", "after exit")
                return ExitStatement(token.at)
            case "const":
                return self._constant(annotations)
            case _:
                pass
        if self._starts_declaration():
            return self._variable(annotations)
        return self._assignment_or_call()

    def _starts_declaration(self) -> bool:
        if not self._starts_type():
            return (
                self._token.kind is TokenKind.IDENTIFIER
                and self._ahead().kind is TokenKind.IDENTIFIER
            )
        return self._ahead().text != "."

    def _return(self) -> ReturnStatement:
        at = self._take().at
        if not self._is(";"):
            raise SourceError(self._at, "return with a value", "only functions return values")
        self._take()
        return ReturnStatement(at)

    def _if(self) -> IfStatement:
        at = self._take().at
        self._expect("(", "after if")
        condition = self._expression()
        self._expect(")", "after the condition")
        then = self._body()
        otherwise = self._body() if self._accept("else") else None
        return IfStatement(at, condition, then, otherwise)

    def _body(self) -> StatementNode:
        if self._is(";"):
            return Block(self._take().at, [])
        statement = self._statement()
        if isinstance(statement, (VariableDeclaration, ConstantDeclaration)):
            raise SourceError(statement.at, "a declaration cannot stand alone here", "add braces")
        return statement

    def _switch(self) -> SwitchStatement:
        at = self._take().at
        self._expect("(", "after switch")
        subject = self._expression()
        self._expect(")", "after the subject of switch")
        self._expect("{", "before the cases")
        cases: list[SwitchCase] = []
        while not self._accept("}"):
            case_at = self._at
            label: Name | None = None
            if not self._accept("default"):
                name = self._name("an action's name or default")
                label = Name(name.at, name.text)
            self._expect(":", "after the label")
            body = self._block() if self._is("{") else None
            cases.append(SwitchCase(case_at, label, body))
        return SwitchStatement(at, subject, cases)

    def _variable(self, annotations: tuple[Annotation, ...]) -> VariableDeclaration:
        kind = self._type()
        if self._is("("):
            raise SourceError(
                self._at, "an instance cannot be made here", "declare it before apply"
            )
        return self._variable_of(kind, annotations)

    def _variable_of(
        self, kind: TypeNode, annotations: tuple[Annotation, ...]
    ) -> VariableDeclaration:
        name = self._name("the variable's name")
        initial = self._expression() if self._accept("=") else None
        self._expect(";", "after the variable")
        return VariableDeclaration(name.at, kind, name.text, initial, annotations)

    def _constant(self, annotations: tuple[Annotation, ...]) -> ConstantDeclaration:
        self._expect("const", "")
        kind = self._type()
        name = self._name("the constant's name")
        self._expect("=", "after the constant's name")
        initial = self._expression()
        self._expect(";", "after the constant")
        return ConstantDeclaration(name.at, kind, name.text, initial, annotations)

    def _assignment_or_call(self) -> StatementNode:
        if self._starts_type() and self._ahead().text == ".":
            raise SourceError(
                self._at,
                f"{self._token.text} is a type, not an instance",
                "declare an instance and apply that",
            )
        start = self._at
        target = self._postfix(self._primary())
        if self._accept(";"):
            if not isinstance(target, Call):
                raise SourceError(start, "this has no effect", "a statement assigns or calls")
            return CallStatement(target.at, target)
        at = self._at
        if self._token.kind is TokenKind.SYMBOL and self._ahead().text == "=":
            raise SourceError(at, f"{self._token.text}= is not supported", "write x = x + y")
        self._expect("=", "or ';' in a statement")
        value = self._expression()
        self._expect(";", "after the assignment")
        return Assignment(start, target, value)
