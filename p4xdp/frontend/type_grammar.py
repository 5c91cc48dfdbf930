"""Grammar of the declarations that make types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.statements import StatementGrammar
from p4xdp.frontend.syntax import (
    AggregateDeclaration,
    EnumDeclaration,
    Expression,
    ExternDeclaration,
    FieldNode,
    MatchKindDeclaration,
    Method,
    PackageDeclaration,
    Parameter,
    TypedefDeclaration,
)

if TYPE_CHECKING:
    from p4xdp.frontend.lexer import Token
    from p4xdp.ir import Annotation


class TypeGrammar(StatementGrammar):
    """Reads declarations of types, externs and packages."""

    def _declare_type(self, what: str) -> Token:
        name = self._name(what)
        self._type_names.add(name.text)
        return name

    def _aggregate(self, annotations: tuple[Annotation, ...]) -> AggregateDeclaration:
        is_header = self._take().text == "header"
        name = self._name("the type's name")
        if self._is("<"):
            raise SourceError(
                self._at,
                "generic headers and structs are not supported",
                "declare one for each type",
            )
        self._expect("{", "before the fields")
        fields: list[FieldNode] = []
        while not self._accept("}"):
            field_annotations = self._annotations()
            kind = self._type()
            field = self._name("the field's name")
            self._expect(";", "after the field")
            fields.append(FieldNode(field.at, kind, field.text, field_annotations))
        self._type_names.add(name.text)
        return AggregateDeclaration(name.at, is_header, name.text, fields, annotations)

    def _typedef(self) -> TypedefDeclaration:
        self._take()
        self._annotations()
        kind = self._type()
        name = self._declare_type("the type's name")
        self._expect(";", "after typedef")
        return TypedefDeclaration(name.at, kind, name.text)

    def _enum(self) -> EnumDeclaration:
        self._take()
        is_typed = self._starts_type() and self._ahead().text != "{"
        underlying = self._type() if is_typed else None
        name = self._declare_type("the enum's name")
        self._expect("{", "before the members")
        members: list[tuple[str, Expression | None]] = []
        while not self._is("}"):
            member = self._name("a member's name")
            value = self._expression() if self._accept("=") else None
            if (value is None) != (underlying is None):
                raise SourceError(
                    member.at,
                    "values go with a representation and only with one",
                    "write enum bit<8> name { A = 0 } or enum name { A }",
                )
            members.append((member.text, value))
            if not self._accept(","):
                break
        self._expect("}", "after the members")
        return EnumDeclaration(name.at, name.text, underlying, members)

    def _match_kinds(self) -> MatchKindDeclaration:
        at = self._take().at
        self._expect("{", "before the match kinds")
        members = [self._name("a match kind").text]
        while self._accept(","):
            members.append(self._name("a match kind").text)
        self._expect("}", "after the match kinds")
        return MatchKindDeclaration(at, members)

    def _type_parameters(self) -> list[str]:
        names: list[str] = []
        if self._accept("<"):
            names.append(self._declare_type("a type parameter").text)
            while self._accept(","):
                names.append(self._declare_type("a type parameter").text)
            self._expect(">", "after type parameters")
        return names

    def _parameters(self) -> list[Parameter]:
        self._expect("(", "before parameters")
        parameters: list[Parameter] = []
        while not self._is(")"):
            annotations = self._annotations()
            direction = self._take().text if self._is("in", "out", "inout") else ""
            kind = self._type()
            name = self._name("the parameter's name")
            if self._is("="):
                raise SourceError(
                    self._at, "default values of parameters are not supported", "pass the argument"
                )
            parameters.append(Parameter(name.at, direction, kind, name.text, annotations))
            if not self._accept(","):
                break
        self._expect(")", "after the parameters")
        return parameters

    def _extern(self) -> ExternDeclaration:
        at = self._take().at
        if self._ahead().text not in ("{", "<"):
            raise SourceError(at, "extern functions are not supported", "use externs of TNA")
        known = set(self._type_names)
        name = self._declare_type("the extern's name")
        extern = ExternDeclaration(name.at, name.text, self._type_parameters(), [], [])
        self._expect("{", "before the methods")
        while not self._accept("}"):
            self._annotations()
            if self._is(name.text) and self._ahead().text == "(":
                token = self._take()
                method = Method(token.at, None, token.text, [], self._parameters())
                extern.constructors.append(method)
            else:
                extern.methods.append(self._method())
            self._expect(";", "after the method")
        self._type_names = known | {name.text}
        return extern

    def _method(self) -> Method:
        # The result may be a type parameter that is declared after it: `T lookahead<T>();`.
        start = self._index
        if self._token.text == "_":
            raise self._unexpected("a type")
        if self._ahead(2).text == "<":
            self._take()
            self._take()
            self._type_parameters()
            self._index = start
        result = self._type()
        name = self._name("the method's name")
        type_parameters = self._type_parameters()
        return Method(name.at, result, name.text, type_parameters, self._parameters())

    def _package(self, annotations: tuple[Annotation, ...]) -> PackageDeclaration:
        self._take()
        known = set(self._type_names)
        name = self._declare_type("the package's name")
        package = PackageDeclaration(
            name.at, name.text, self._type_parameters(), self._parameters(), annotations
        )
        self._expect(";", "after the package")
        self._type_names = known | {name.text}
        return package
