"""The syntax tree: what the source says, before anything is known about what it means.

The checker writes what it learns into the fields marked so (`type`, `value`, `declaration`); nodes
are compared by identity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from p4xdp.frontend import types
from p4xdp.ir import Annotation, Position


@dataclass(slots=True, eq=False)
class Node:
    at: Position


# --- types ----------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class NamedType(Node):
    name: str
    arguments: list[TypeNode] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class BitsType(Node):
    width: Expression
    signed: bool


@dataclass(slots=True, eq=False)
class KeywordType(Node):
    """bool, int, void, string, error or match_kind."""

    name: str


@dataclass(slots=True, eq=False)
class AnyType(Node):
    """`_` as a type argument."""


TypeNode: TypeAlias = NamedType | BitsType | KeywordType | AnyType


# --- expressions ----------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class ExpressionNode(Node):
    """`type` and, for what is known at compile time, `value` are the checker's."""

    type: types.Type | None = field(default=None, kw_only=True)
    value: int | bool | str | None = field(default=None, kw_only=True)


@dataclass(slots=True, eq=False)
class IntegerLiteral(ExpressionNode):
    number: int
    width: int | None
    signed: bool


@dataclass(slots=True, eq=False)
class BoolLiteral(ExpressionNode):
    truth: bool


@dataclass(slots=True, eq=False)
class StringLiteral(ExpressionNode):
    text: str


@dataclass(slots=True, eq=False)
class Name(ExpressionNode):
    """`is_global`: written `.name`. `declaration` is the checker's."""

    name: str
    is_global: bool = False
    declaration: object = None


@dataclass(slots=True, eq=False)
class Member(ExpressionNode):
    base: Expression
    name: str


@dataclass(slots=True, eq=False)
class SliceOf(ExpressionNode):
    base: Expression
    high: Expression
    low: Expression


@dataclass(slots=True, eq=False)
class UnaryOperation(ExpressionNode):
    operator: str
    operand: Expression


@dataclass(slots=True, eq=False)
class BinaryOperation(ExpressionNode):
    operator: str
    left: Expression
    right: Expression


@dataclass(slots=True, eq=False)
class Ternary(ExpressionNode):
    condition: Expression
    if_true: Expression
    if_false: Expression


@dataclass(slots=True, eq=False)
class CastTo(ExpressionNode):
    target: TypeNode
    operand: Expression


@dataclass(slots=True, eq=False)
class Argument(Node):
    """`name = value`, or `value`. `value` is None for `_`."""

    name: str | None
    value: Expression | None


@dataclass(slots=True, eq=False)
class Call(ExpressionNode):
    """`bound` is the checker's: parameter name -> argument."""

    callee: Expression
    type_arguments: list[TypeNode]
    arguments: list[Argument]
    bound: dict[str, Expression | None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class ListOf(ExpressionNode):
    """`{a, b}`, or in a select a tuple of key sets."""

    items: list[Expression]


@dataclass(slots=True, eq=False)
class Masked(ExpressionNode):
    """`value &&& mask` in a key set."""

    operand: Expression
    mask: Expression


@dataclass(slots=True, eq=False)
class RangeOf(ExpressionNode):
    """`low .. high` in a key set."""

    low: Expression
    high: Expression


@dataclass(slots=True, eq=False)
class Anything(ExpressionNode):
    """`default` or `_` in a key set."""


Expression: TypeAlias = (
    IntegerLiteral
    | BoolLiteral
    | StringLiteral
    | Name
    | Member
    | SliceOf
    | UnaryOperation
    | BinaryOperation
    | Ternary
    | CastTo
    | Call
    | ListOf
    | Masked
    | RangeOf
    | Anything
)


def start_of(node: Expression) -> Position:
    """Where an expression begins; `at` is where its operator or last name stands."""
    while True:
        match node:
            case Member() | SliceOf():
                node = node.base
            case BinaryOperation():
                node = node.left
            case Ternary():
                node = node.condition
            case Call():
                node = node.callee
            case Masked():
                node = node.operand
            case RangeOf():
                node = node.low
            case _:
                return node.at


# --- statements -----------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Block(Node):
    statements: list[StatementNode]


@dataclass(slots=True, eq=False)
class Assignment(Node):
    target: Expression
    value: Expression


@dataclass(slots=True, eq=False)
class CallStatement(Node):
    call: Call


@dataclass(slots=True, eq=False)
class IfStatement(Node):
    condition: Expression
    then: StatementNode
    otherwise: StatementNode | None


@dataclass(slots=True, eq=False)
class SwitchCase(Node):
    """`label` None is `default`; `body` None falls through."""

    label: Name | None
    body: Block | None


@dataclass(slots=True, eq=False)
class SwitchStatement(Node):
    subject: Expression
    cases: list[SwitchCase]


@dataclass(slots=True, eq=False)
class ReturnStatement(Node):
    pass


@dataclass(slots=True, eq=False)
class ExitStatement(Node):
    pass


@dataclass(slots=True, eq=False)
class VariableDeclaration(Node):
    """`resolved` is the checker's."""

    type: TypeNode
    name: str
    initial: Expression | None
    annotations: tuple[Annotation, ...] = ()
    resolved: types.Type | None = None


@dataclass(slots=True, eq=False)
class ConstantDeclaration(Node):
    """`resolved` and `value` are the checker's."""

    type: TypeNode
    name: str
    initial: Expression
    annotations: tuple[Annotation, ...] = ()
    resolved: types.Type | None = None
    value: int | bool | str | None = None


StatementNode: TypeAlias = (
    Block
    | Assignment
    | CallStatement
    | IfStatement
    | SwitchStatement
    | ReturnStatement
    | ExitStatement
    | VariableDeclaration
    | ConstantDeclaration
)


# --- declarations ---------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Parameter(Node):
    """`direction` is "in", "out", "inout" or "". `resolved` is the checker's."""

    direction: str
    type: TypeNode
    name: str
    annotations: tuple[Annotation, ...] = ()
    resolved: types.Type | None = None

    @property
    def is_optional(self) -> bool:
        return any(annotation.name == "optional" for annotation in self.annotations)


@dataclass(slots=True, eq=False)
class FieldNode(Node):
    type: TypeNode
    name: str
    annotations: tuple[Annotation, ...]


@dataclass(slots=True, eq=False)
class AggregateDeclaration(Node):
    """A header or a struct. `resolved` is the checker's."""

    is_header: bool
    name: str
    fields: list[FieldNode]
    annotations: tuple[Annotation, ...]
    resolved: types.Aggregate | None = None


@dataclass(slots=True, eq=False)
class TypedefDeclaration(Node):
    type: TypeNode
    name: str


@dataclass(slots=True, eq=False)
class EnumDeclaration(Node):
    """`underlying` is None for an enum without representation; then `values` are None too."""

    name: str
    underlying: TypeNode | None
    members: list[tuple[str, Expression | None]]


@dataclass(slots=True, eq=False)
class MatchKindDeclaration(Node):
    members: list[str]


@dataclass(slots=True, eq=False)
class Method(Node):
    """`result` is None for a constructor. `resolved` is the checker's: the result's type."""

    result: TypeNode | None
    name: str
    type_parameters: list[str]
    parameters: list[Parameter]
    resolved: types.Type | None = None


@dataclass(slots=True, eq=False)
class ExternDeclaration(Node):
    name: str
    type_parameters: list[str]
    constructors: list[Method]
    methods: list[Method]


@dataclass(slots=True, eq=False)
class BlockTypeDeclaration(Node):
    """A type of parsers or controls: `parser P<H>(...);`."""

    kind: str
    name: str
    type_parameters: list[str]
    parameters: list[Parameter]


@dataclass(slots=True, eq=False)
class PackageDeclaration(Node):
    name: str
    type_parameters: list[str]
    parameters: list[Parameter]
    annotations: tuple[Annotation, ...]


@dataclass(slots=True, eq=False)
class MethodBody(Node):
    """What the program gives for an abstract method of an extern."""

    name: str
    parameters: list[Parameter]
    body: Block


@dataclass(slots=True, eq=False)
class InstanceDeclaration(Node):
    """`Type(arguments) name;` or `... name = { methods };`.

    `resolved` and `bound` are the checker's.
    """

    type: NamedType
    arguments: list[Argument]
    name: str
    annotations: tuple[Annotation, ...]
    methods: list[MethodBody] = field(default_factory=list)
    resolved: types.Type | None = None
    bound: dict[str, Expression | None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class ActionDeclaration(Node):
    name: str
    parameters: list[Parameter]
    body: Block
    annotations: tuple[Annotation, ...]


@dataclass(slots=True, eq=False)
class TableKeyNode(Node):
    expression: Expression
    match_kind: Name
    annotations: tuple[Annotation, ...]


@dataclass(slots=True, eq=False)
class ActionRefNode(Node):
    name: Name
    arguments: list[Argument]
    annotations: tuple[Annotation, ...]


@dataclass(slots=True, eq=False)
class TableProperty(Node):
    name: str
    value: Expression
    is_const: bool


@dataclass(slots=True, eq=False)
class TableEntryNode(Node):
    """`key_set : action;` where `action` is a name or a call."""

    key_set: Expression
    action: Expression


@dataclass(slots=True, eq=False)
class TableDeclaration(Node):
    """`entries` is None for a table that the control plane fills."""

    name: str
    keys: list[TableKeyNode]
    actions: list[ActionRefNode] | None
    properties: dict[str, TableProperty]
    annotations: tuple[Annotation, ...]
    entries: list[TableEntryNode] | None = None


@dataclass(slots=True, eq=False)
class SelectCase(Node):
    key_set: Expression
    next_state: str


@dataclass(slots=True, eq=False)
class Transition(Node):
    """`keys` is empty for a direct transition, which has one case for anything."""

    keys: list[Expression]
    cases: list[SelectCase]


@dataclass(slots=True, eq=False)
class StateNode(Node):
    name: str
    statements: list[StatementNode]
    transition: Transition
    annotations: tuple[Annotation, ...]


@dataclass(slots=True, eq=False)
class ParserDeclaration(Node):
    name: str
    parameters: list[Parameter]
    constructor_parameters: list[Parameter]
    locals: list[LocalDeclaration]
    states: list[StateNode]
    annotations: tuple[Annotation, ...]


@dataclass(slots=True, eq=False)
class ControlDeclaration(Node):
    name: str
    parameters: list[Parameter]
    constructor_parameters: list[Parameter]
    locals: list[LocalDeclaration]
    body: Block
    annotations: tuple[Annotation, ...]


LocalDeclaration: TypeAlias = (
    VariableDeclaration
    | ConstantDeclaration
    | InstanceDeclaration
    | ActionDeclaration
    | TableDeclaration
)

Declaration: TypeAlias = (
    ConstantDeclaration
    | AggregateDeclaration
    | TypedefDeclaration
    | EnumDeclaration
    | MatchKindDeclaration
    | ExternDeclaration
    | BlockTypeDeclaration
    | PackageDeclaration
    | InstanceDeclaration
    | ActionDeclaration
    | ParserDeclaration
    | ControlDeclaration
)
