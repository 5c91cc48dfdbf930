"""Declarations: the whole program is checked here, in the order it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.frontend import syntax
from p4xdp.frontend.check_calls import accepts
from p4xdp.frontend.check_profiles import ProfileChecker
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.scope import Scope, TypeSymbol
from p4xdp.frontend.types import (
    BOOL,
    VOID,
    Aggregate,
    Bits,
    BlockOf,
    EnumOf,
    ExternOf,
    FieldOf,
    PackageOf,
    TypeVariable,
    is_scalar,
    width_of,
)
from p4xdp.ir import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager


_OF_ARCHITECTURES = (
    syntax.BlockTypeDeclaration,
    syntax.ExternDeclaration,
    syntax.MatchKindDeclaration,
    syntax.PackageDeclaration,
)


def check(declarations: Sequence[syntax.Declaration]) -> syntax.InstanceDeclaration:
    """Check a program; return its `main`."""
    return DeclarationChecker().program(declarations)


class DeclarationChecker(ProfileChecker):
    """Checks declarations, top level and inside blocks."""

    def program(self, declarations: Sequence[syntax.Declaration]) -> syntax.InstanceDeclaration:
        main: syntax.InstanceDeclaration | None = None
        for declaration in declarations:
            self._check_declaration(declaration)
            if isinstance(declaration, syntax.InstanceDeclaration) and declaration.name == "main":
                main = declaration
        if main is None:
            at = declarations[-1].at if declarations else NOWHERE
            raise SourceError(at, "the program has no main", "end with Switch(pipe) main;")
        kind = main.resolved
        if not isinstance(kind, PackageOf) or kind.declaration.name != "Switch":
            raise SourceError(main.at, "main is not a Switch", "Switch(pipe) main;")
        return main

    def _check_declaration(  # noqa: C901  # one case a kind
        self, node: syntax.Declaration
    ) -> None:
        if isinstance(node, _OF_ARCHITECTURES) and not node.at.file.startswith("<"):
            raise SourceError(
                node.at, "only an architecture can declare this", "include core.p4 and tna.p4"
            )
        match node:
            case syntax.ConstantDeclaration():
                self._check_constant(node)
            case syntax.AggregateDeclaration():
                self._check_aggregate(node)
            case syntax.TypedefDeclaration():
                symbol = TypeSymbol(self._resolve_type(node.type))
                self._scope.declare(node.name, symbol, node.at)
            case syntax.EnumDeclaration():
                self._check_enum(node)
            case syntax.MatchKindDeclaration():
                self._match_kinds.update(node.members)
            case syntax.ExternDeclaration():
                self._check_extern(node)
            case syntax.BlockTypeDeclaration() | syntax.PackageDeclaration():
                with self._generic_scope(node.type_parameters):
                    self._check_parameters(node.parameters)
                self._scope.declare(node.name, node, node.at)
            case syntax.InstanceDeclaration():
                self._check_package_instance(node)
            case syntax.ActionDeclaration():
                self._check_action(node)
            case syntax.ParserDeclaration():
                self._check_parser(node)
            case syntax.ControlDeclaration():
                self._check_control(node)

    # --- types ---

    def _check_aggregate(self, node: syntax.AggregateDeclaration) -> None:
        fields: list[FieldOf] = []
        for field in node.fields:
            kind = self._resolve_type(field.type)
            if any(field.name == other.name for other in fields):
                raise SourceError(
                    field.at, f"field {field.name} is declared twice", "rename one of them"
                )
            if node.is_header and (not is_scalar(kind) or kind == BOOL):
                raise SourceError(field.at, f"a header field of type {kind}", "use bit<>")
            if not (is_scalar(kind) or isinstance(kind, Aggregate)):
                raise SourceError(
                    field.at,
                    f"a field of type {kind} is not supported",
                    "use bit<>, bool, a header or a struct",
                )
            fields.append(FieldOf(field.name, kind, field.annotations))
        aggregate = Aggregate(node.name, node.is_header, tuple(fields), node.annotations)
        if node.is_header and width_of(aggregate) % 8:
            raise SourceError(
                node.at, f"header {node.name} is {width_of(aggregate)} bits, not whole octets",
                "add @padding fields",
            )  # fmt: skip
        node.resolved = aggregate
        self._scope.declare(node.name, TypeSymbol(aggregate), node.at)

    def _check_enum(self, node: syntax.EnumDeclaration) -> None:
        names = [name for name, _ in node.members]
        if len(set(names)) != len(names) or not names:
            raise SourceError(
                node.at,
                f"enum {node.name} is empty or repeats a member",
                "members have names of their own",
            )
        if node.underlying is None:
            enum = EnumOf(node.name, tuple(names))
        else:
            underlying = self._resolve_type(node.underlying)
            if not isinstance(underlying, Bits) or underlying.signed:
                raise SourceError(node.at, f"enum {node.name} of {underlying}", "use bit<>")
            values: list[int] = []
            for name, value in node.members:
                assert value is not None
                self._check_as(value, underlying, f"{node.name}.{name}")
                values.append(self._constant_int(value, f"{node.name}.{name}"))
            enum = EnumOf(node.name, tuple(names), underlying, tuple(values))
        self._scope.declare(node.name, TypeSymbol(enum), node.at)

    # --- signatures ---

    def _generic_scope(self, names: Sequence[str]) -> AbstractContextManager[Scope]:
        scope = Scope(self._scope)
        for name in names:
            scope.declare(name, TypeSymbol(TypeVariable(name)), NOWHERE)
        return self._entered(scope)

    def _check_parameters(self, parameters: Sequence[syntax.Parameter]) -> None:
        for parameter in parameters:
            parameter.resolved = self._resolve_type(parameter.type)
            self._scope.declare(parameter.name, parameter, parameter.at)

    def _check_extern(self, node: syntax.ExternDeclaration) -> None:
        self._scope.declare(node.name, node, node.at)
        for method in (*node.constructors, *node.methods):
            names = dict.fromkeys((*node.type_parameters, *method.type_parameters))
            with self._generic_scope(list(names)):
                self._check_parameters(method.parameters)
                method.resolved = self._resolve_type(method.result) if method.result else VOID

    def _check_block_parameters(
        self, node: syntax.ParserDeclaration | syntax.ControlDeclaration
    ) -> None:
        if node.constructor_parameters:
            raise SourceError(
                node.constructor_parameters[0].at,
                "constructor parameters are not supported",
                "pass it to apply, or use a const",
            )
        self._check_parameters(node.parameters)
        for parameter in node.parameters:
            kind = parameter.resolved
            if isinstance(kind, ExternOf) and kind.declaration.name.startswith("packet_"):
                if parameter.direction:
                    raise SourceError(
                        parameter.at,
                        f"{parameter.name} of type {kind} has a direction",
                        f"remove {parameter.direction}",
                    )
                continue
            if not (is_scalar(kind) or isinstance(kind, Aggregate)):
                raise SourceError(
                    parameter.at,
                    f"a parameter of type {kind} is not supported",
                    "use bit<>, bool, a header or a struct",
                )
            if not parameter.direction:
                raise SourceError(
                    parameter.at, f"parameter {parameter.name} has no direction", "in, out or inout"
                )

    # --- actions and blocks ---

    def _check_action(self, node: syntax.ActionDeclaration) -> None:
        with self._inner_scope():
            self._check_parameters(node.parameters)
            directionless = False
            for parameter in node.parameters:
                if not is_scalar(parameter.resolved):
                    raise SourceError(
                        parameter.at, f"an action parameter of type {parameter.resolved}",
                        "pass its fields",
                    )  # fmt: skip
                if any(annotation.name == "id" for annotation in parameter.annotations):
                    raise SourceError(
                        parameter.at,
                        "@id of an action parameter is not supported",
                        "remove it: parameters are numbered in their order",
                    )
                if parameter.direction and directionless:
                    raise SourceError(
                        parameter.at, "a parameter with a direction after one without",
                        "those that table entries set come last",
                    )  # fmt: skip
                directionless = directionless or not parameter.direction
            outer, self._place = self._place, "action"
            self._recursion.append(node.name)
            self._check_statement(node.body)
            self._recursion.pop()
            self._place = outer
        self._scope.declare(node.name, node, node.at)

    def _check_local(self, node: syntax.LocalDeclaration) -> None:
        match node:
            case syntax.VariableDeclaration():
                self._check_variable(node)
            case syntax.ConstantDeclaration():
                self._check_constant(node)
            case syntax.ActionDeclaration():
                self._check_action(node)
            case syntax.TableDeclaration():
                self._check_table(node)
            case syntax.InstanceDeclaration():
                self._check_instance(node)

    def _check_instance(self, node: syntax.InstanceDeclaration) -> None:
        if node.type.name in self._recursion:
            raise SourceError(
                node.at,
                f"{node.type.name} contains itself",
                "write the steps out: hardware has no recursion",
            )
        kind = self._resolve_type(node.type)
        extern = kind.declaration.name if isinstance(kind, ExternOf) else ""
        if node.methods and extern != "RegisterAction":
            raise SourceError(node.at, f"{kind} has no abstract methods", "end with a semicolon")
        if isinstance(kind, BlockOf) and isinstance(kind.declaration, syntax.ControlDeclaration):
            node.bound = self._bind(f"{kind}", [], node.arguments, node.at, {})
        elif isinstance(kind, ExternOf) and extern == "Register":
            self._check_register(node, kind)
        elif isinstance(kind, ExternOf) and extern == "RegisterAction":
            self._check_register_action(node, kind)
        elif isinstance(kind, ExternOf) and extern == "ActionSelector":
            self._check_selector(node, kind)
        elif isinstance(kind, ExternOf) and kind.declaration.constructors:
            self._check_constructor(node, kind)
        else:
            raise SourceError(
                node.type.at,
                f"{kind} cannot be instantiated here",
                "declare externs and controls in controls",
            )
        node.resolved = kind
        self._scope.declare(node.name, node, node.at)

    def _check_constructor(self, node: syntax.InstanceDeclaration, kind: ExternOf) -> None:
        constructors = kind.declaration.constructors
        fitting = [found for found in constructors if accepts(found, node.arguments)]
        chosen = fitting[0] if fitting else constructors[0]
        node.bound = self._bind(
            f"{kind}", chosen.parameters, node.arguments, node.at, dict(kind.bindings)
        )
        for name, argument in node.bound.items():
            if argument is None or argument.value is None:
                raise SourceError(
                    node.at,
                    f"{kind}: {name} is not known at compile time",
                    "use a number or a const",
                )
        for width in kind.arguments:
            if not isinstance(width, Bits) and kind.declaration.name != "Digest":
                raise SourceError(node.type.at, f"{kind} of {width}", "use bit<>")

    def _check_parser(self, node: syntax.ParserDeclaration) -> None:
        with self._inner_scope():
            self._check_block_parameters(node)
            with self._inner_scope(may_hide=True):
                for local in node.locals:
                    if not isinstance(
                        local, (syntax.VariableDeclaration, syntax.ConstantDeclaration)
                    ):
                        raise SourceError(
                            local.at, f"{local.name} cannot be declared in a parser",
                            "only variables and constants can",
                        )  # fmt: skip
                    self._check_local(local)
                names = _state_names(node)
                self._place = "parser"
                for state in node.states:
                    with self._inner_scope():
                        for statement in state.statements:
                            self._check_statement(statement)
                        self._check_transition(state.transition, names)
                self._place = ""
        self._scope.declare(node.name, node, node.at)

    def _check_control(self, node: syntax.ControlDeclaration) -> None:
        self._recursion.append(node.name)
        with self._inner_scope():
            self._check_block_parameters(node)
            with self._inner_scope(may_hide=True):
                for local in node.locals:
                    self._check_local(local)
                self._place = "control"
                self._check_statement(node.body)
                self._place = ""
        self._recursion.pop()
        self._scope.declare(node.name, node, node.at)


def _state_names(node: syntax.ParserDeclaration) -> set[str]:
    """Return the names of a parser's states; they share them with its parameters and locals."""
    taken = {"accept", "reject", *(one.name for one in (*node.parameters, *node.locals))}
    names: set[str] = set()
    for state in node.states:
        if state.name in names | taken:
            raise SourceError(
                state.at,
                f"state {state.name}: the name is declared twice",
                "rename one of them; accept and reject are taken",
            )
        names.add(state.name)
    if "start" not in names:
        raise SourceError(
            node.at,
            f"parser {node.name} has no state start",
            "parsing begins there: state start { ... }",
        )
    return names
