"""Grammar of declarations: a whole program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.frontend.cursor import UNSUPPORTED
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.lexer import Token, TokenKind
from p4xdp.frontend.statements import StatementGrammar
from p4xdp.frontend.syntax import (
    ActionDeclaration,
    ActionRefNode,
    AggregateDeclaration,
    Anything,
    BlockTypeDeclaration,
    ControlDeclaration,
    Declaration,
    EnumDeclaration,
    Expression,
    ExternDeclaration,
    FieldNode,
    InstanceDeclaration,
    LocalDeclaration,
    MatchKindDeclaration,
    Method,
    Name,
    NamedType,
    PackageDeclaration,
    Parameter,
    ParserDeclaration,
    SelectCase,
    StatementNode,
    StateNode,
    TableDeclaration,
    TableKeyNode,
    TableProperty,
    Transition,
    TypedefDeclaration,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.ir import Annotation


def parse(tokens: Sequence[Token]) -> list[Declaration]:
    """Read a program, or raise SourceError at the first thing that is not P4."""
    return DeclarationGrammar(tokens).program()


class DeclarationGrammar(StatementGrammar):
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
                raise SourceError(token.at, "declarations of errors are not supported")
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

    def _declare_type(self, what: str) -> Token:
        name = self._name(what)
        self._type_names.add(name.text)
        return name

    # --- types ---

    def _aggregate(self, annotations: tuple[Annotation, ...]) -> AggregateDeclaration:
        is_header = self._take().text == "header"
        name = self._name("the type's name")
        if self._is("<"):
            raise SourceError(self._at, "generic headers and structs are not supported")
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
                raise SourceError(self._at, "default values of parameters are not supported")
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

    # --- blocks ---

    def _block_head(self) -> tuple[Token, list[str], list[Parameter]]:
        known = set(self._type_names)
        name = self._declare_type("the block's name")
        type_parameters = self._type_parameters()
        parameters = self._parameters()
        self._type_names = known | {name.text}
        return name, type_parameters, parameters

    def _parser(
        self, annotations: tuple[Annotation, ...]
    ) -> ParserDeclaration | BlockTypeDeclaration:
        self._take()
        name, type_parameters, parameters = self._block_head()
        if self._accept(";"):
            return BlockTypeDeclaration(name.at, "parser", name.text, type_parameters, parameters)
        self._refuse_generic(name, type_parameters)
        constructor = self._parameters() if self._is("(") else []
        self._expect("{", "before the parser's body")
        parsed = ParserDeclaration(name.at, name.text, parameters, constructor, [], [], annotations)
        while not self._accept("}"):
            local_annotations = self._annotations()
            if self._is("state"):
                parsed.states.append(self._state(local_annotations))
            else:
                parsed.locals.append(self._local(local_annotations))
        return parsed

    def _control(
        self, annotations: tuple[Annotation, ...]
    ) -> ControlDeclaration | BlockTypeDeclaration:
        self._take()
        name, type_parameters, parameters = self._block_head()
        if self._accept(";"):
            return BlockTypeDeclaration(name.at, "control", name.text, type_parameters, parameters)
        self._refuse_generic(name, type_parameters)
        constructor = self._parameters() if self._is("(") else []
        self._expect("{", "before the control's body")
        local: list[LocalDeclaration] = []
        while not self._is("apply"):
            local.append(self._local(self._annotations()))
        self._take()
        body = self._block()
        self._expect("}", "after apply, the last part of a control")
        return ControlDeclaration(
            name.at, name.text, parameters, constructor, local, body, annotations
        )

    @staticmethod
    def _refuse_generic(name: Token, type_parameters: list[str]) -> None:
        if type_parameters:
            raise SourceError(
                name.at, f"{name.text} has type parameters", "generic blocks are not supported"
            )

    def _local(self, annotations: tuple[Annotation, ...]) -> LocalDeclaration:
        match self._token.text:
            case "const":
                return self._constant(annotations)
            case "action":
                return self._action(annotations)
            case "table":
                return self._table(annotations)
            case _:
                pass
        if self._token.text in UNSUPPORTED:
            raise SourceError(self._at, *UNSUPPORTED[self._token.text])
        if self._token.kind is TokenKind.END or self._is("}"):
            raise self._unexpected("apply { }" if self._is("}") else "a declaration")
        kind = self._type()
        if isinstance(kind, NamedType) and self._is("("):
            return self._instance(kind, annotations)
        return self._variable_of(kind, annotations)

    def _instance(
        self, kind: NamedType, annotations: tuple[Annotation, ...]
    ) -> InstanceDeclaration:
        arguments = self._arguments()
        name = self._name("the instance's name")
        if self._is("="):
            raise SourceError(self._at, "instances with abstract methods are not supported")
        self._expect(";", "after the instance")
        return InstanceDeclaration(name.at, kind, arguments, name.text, annotations)

    def _action(self, annotations: tuple[Annotation, ...]) -> ActionDeclaration:
        self._take()
        name = self._name("the action's name")
        parameters = self._parameters()
        return ActionDeclaration(name.at, name.text, parameters, self._block(), annotations)

    def _state(self, annotations: tuple[Annotation, ...]) -> StateNode:
        self._take()
        name = self._name("the state's name")
        self._expect("{", "before the state's body")
        statements: list[StatementNode] = []
        transition: Transition | None = None
        while not self._accept("}"):
            if self._accept(";"):
                continue
            if self._is("transition"):
                transition = self._transition()
                self._expect("}", "after the transition, the last part of a state")
                break
            if self._token.kind is TokenKind.END:
                raise SourceError(name.at, f"state {name.text} is never closed", "add }")
            statements.append(self._statement())
        if transition is None:
            # P4-16 clause 13.4: without a transition a state rejects.
            transition = Transition(name.at, [], [SelectCase(name.at, Anything(name.at), "reject")])
        return StateNode(name.at, name.text, statements, transition, annotations)

    def _transition(self) -> Transition:
        at = self._take().at
        if not self._is("select"):
            target = self._name("a state's name or select")
            self._expect(";", "after the transition")
            return Transition(at, [], [SelectCase(target.at, Anything(target.at), target.text)])
        self._take()
        self._expect("(", "after select")
        keys = [self._expression()]
        while self._accept(","):
            keys.append(self._expression())
        self._expect(")", "after the keys of select")
        self._expect("{", "before the cases")
        cases: list[SelectCase] = []
        while not self._accept("}"):
            key_set = self._key_set()
            self._expect(":", "after the key set")
            target = self._name("a state's name")
            self._expect(";", "after the state's name")
            cases.append(SelectCase(target.at, key_set, target.text))
        return Transition(at, keys, cases)

    # --- tables ---

    def _table(self, annotations: tuple[Annotation, ...]) -> TableDeclaration:
        self._take()
        name = self._name("the table's name")
        self._expect("{", "before the table's properties")
        table = TableDeclaration(name.at, name.text, [], None, {}, annotations)
        seen: set[str] = set()
        while not self._accept("}"):
            self._annotations()
            is_const = self._accept("const")
            token = self._take()
            if token.text in seen:
                raise SourceError(token.at, f"{token.text} is given twice")
            seen.add(token.text)
            self._expect("=", f"after {token.text}")
            if token.text == "key":
                table.keys = self._table_keys()
            elif token.text == "actions":
                table.actions = self._table_actions()
            else:
                table.properties[token.text] = self._property(token, is_const)
        return table

    def _property(self, token: Token, is_const: bool) -> TableProperty:  # noqa: FBT001
        if token.text == "entries":
            raise SourceError(
                token.at, "initial entries are not supported", "write them when the switch starts"
            )
        value = self._expression()
        self._expect(";", f"after {token.text}")
        return TableProperty(token.at, token.text, value, is_const)

    def _table_keys(self) -> list[TableKeyNode]:
        self._expect("{", "before the key")
        keys: list[TableKeyNode] = []
        while not self._accept("}"):
            at = self._at
            expression = self._expression()
            self._expect(":", "before the match kind")
            kind = self._name("a match kind")
            annotations = self._annotations()
            self._expect(";", "after the match kind")
            keys.append(TableKeyNode(at, expression, Name(kind.at, kind.text), annotations))
        return keys

    def _table_actions(self) -> list[ActionRefNode]:
        self._expect("{", "before the actions")
        actions: list[ActionRefNode] = []
        while not self._accept("}"):
            annotations = self._annotations()
            is_global = self._accept(".")
            name = self._name("an action's name")
            arguments = self._arguments() if self._is("(") else []
            self._expect(";", "after the action")
            reference = Name(name.at, name.text, is_global)
            actions.append(ActionRefNode(name.at, reference, arguments, annotations))
        return actions
