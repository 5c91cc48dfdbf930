"""Grammar of parsers, controls and what they declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.frontend.cursor import UNSUPPORTED
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.lexer import Token, TokenKind
from p4xdp.frontend.syntax import (
    ActionDeclaration,
    ActionRefNode,
    Anything,
    BlockTypeDeclaration,
    ControlDeclaration,
    InstanceDeclaration,
    LocalDeclaration,
    MethodBody,
    Name,
    NamedType,
    Parameter,
    ParserDeclaration,
    SelectCase,
    StatementNode,
    StateNode,
    TableDeclaration,
    TableEntryNode,
    TableKeyNode,
    TableProperty,
    Transition,
)
from p4xdp.frontend.type_grammar import TypeGrammar

if TYPE_CHECKING:
    from p4xdp.ir import Annotation


class BlockGrammar(TypeGrammar):
    """Reads parsers and controls with all that stands in them."""

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
        methods = self._methods() if self._accept("=") else []
        self._expect(";", "after the instance")
        return InstanceDeclaration(name.at, kind, arguments, name.text, annotations, methods)

    def _methods(self) -> list[MethodBody]:
        self._expect("{", "before the methods")
        methods: list[MethodBody] = []
        while not self._accept("}"):
            self._expect("void", "before a method's name")
            name = self._take()
            parameters = self._parameters()
            methods.append(MethodBody(name.at, name.text, parameters, self._block()))
        return methods

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
            if is_const and token.text in ("key", "actions"):
                raise SourceError(token.at, f"const {token.text}", "remove const: it never changes")
            if token.text in seen:
                raise SourceError(token.at, f"{token.text} is given twice", "remove one of them")
            seen.add(token.text)
            self._expect("=", f"after {token.text}")
            if token.text == "key":
                table.keys = self._table_keys()
            elif token.text == "actions":
                table.actions = self._table_actions()
            elif token.text == "entries":
                table.entries = self._table_entries(table, token, is_const)
            else:
                table.properties[token.text] = self._property(token, is_const)
        return table

    def _property(self, token: Token, is_const: bool) -> TableProperty:  # noqa: FBT001
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

    def _table_entries(
        self,
        table: TableDeclaration,
        token: Token,
        is_const: bool,  # noqa: FBT001
    ) -> list[TableEntryNode]:
        if not is_const:
            raise SourceError(
                token.at, "initial entries that may change are not supported", "const entries"
            )
        if not table.keys or table.actions is None:
            raise SourceError(token.at, "entries before key and actions", "write them last")
        self._expect("{", "before the entries")
        entries: list[TableEntryNode] = []
        while not self._accept("}"):
            self._accept("const")
            if self._is("priority"):
                raise SourceError(
                    self._at, "const entries have no priority", "the first is highest"
                )
            key_set = self._key_set()
            self._expect(":", "after the key set")
            action = self._expression()
            self._expect(";", "after the action")
            entries.append(TableEntryNode(key_set.at, key_set, action))
        return entries
