"""Statements: assignments, calls, branches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.frontend import syntax
from p4xdp.frontend.check_calls import CallChecker
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.scope import Scope
from p4xdp.frontend.types import (
    BOOL,
    INT,
    VOID,
    ActionRun,
    Aggregate,
    ApplyResult,
    EnumOf,
    Type,
    is_scalar,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

from contextlib import contextmanager


class StatementChecker(CallChecker):
    """Checks statements in `_scope`; `_place` says which statements may stand here."""

    def _inner_scope(self, *, may_hide: bool = False) -> AbstractContextManager[Scope]:
        return self._entered(Scope(self._scope, may_hide=may_hide))

    @contextmanager
    def _entered(self, scope: Scope) -> Iterator[Scope]:
        outer, self._scope = self._scope, scope
        try:
            yield scope
        finally:
            self._scope = outer

    def _check_statement(  # noqa: C901  # one case a kind
        self, node: syntax.StatementNode
    ) -> None:
        match node:
            case syntax.Block():
                with self._inner_scope():
                    for statement in node.statements:
                        self._check_statement(statement)
            case syntax.Assignment():
                self._check_assignment(node)
            case syntax.CallStatement():
                self._check_call_statement(node)
            case syntax.IfStatement():
                self._check_if(node)
            case syntax.SwitchStatement():
                self._check_switch(node)
            case syntax.ReturnStatement():
                if self._place == "parser":
                    raise SourceError(node.at, "a parser state cannot return", "use transition")
            case syntax.ExitStatement():
                if self._place == "parser":
                    raise SourceError(node.at, "a parser state cannot exit", "use transition")
            case syntax.VariableDeclaration():
                self._check_variable(node)
            case syntax.ConstantDeclaration():
                self._check_constant(node)

    def _check_assignment(self, node: syntax.Assignment) -> None:
        kind = self._check(node.target)
        self._require_lvalue(node.target, "the left side of =")
        self._check_as(node.value, kind, "the right side of =")
        if not (is_scalar(kind) or isinstance(kind, Aggregate)):
            raise SourceError(
                node.at, f"{kind} cannot be assigned", "assign numbers, headers or structs"
            )

    def _check_call_statement(self, node: syntax.CallStatement) -> None:
        kind = self._check(node.call)
        if kind == VOID or isinstance(kind, ApplyResult):
            return
        callee = node.call.callee
        if isinstance(callee, syntax.Member) and callee.name in ("isValid", "lookahead", "update"):
            raise SourceError(
                node.at, f"the result of {callee.name} is not used", "assign it, or remove the call"
            )

    def _check_if(self, node: syntax.IfStatement) -> None:
        if self._place == "parser":
            raise SourceError(node.at, "if in a parser state is not supported", "use select")
        if self._place == "action":
            raise SourceError(
                node.at, "if in an action is not supported",
                "Tofino's actions have none: branch in apply, or write another action",
            )  # fmt: skip
        kind = self._check(node.condition)
        if kind != BOOL:
            hint = "write .hit" if isinstance(kind, ApplyResult) else "compare it: x == 1"
            raise SourceError(
                syntax.start_of(node.condition), f"if wants bool, this is {kind}", hint
            )
        with self._inner_scope():
            self._check_statement(node.then)
        if node.otherwise is not None:
            with self._inner_scope():
                self._check_statement(node.otherwise)

    def _check_switch(self, node: syntax.SwitchStatement) -> None:
        if self._place != "control":
            raise SourceError(
                node.at, "switch can stand only in the apply of a control", "move it there"
            )
        kind = self._check(node.subject)
        if not isinstance(kind, ActionRun):
            raise SourceError(
                syntax.start_of(node.subject), f"switch of {kind} is not supported",
                "switch (table.apply().action_run), or use if",
            )  # fmt: skip
        actions = {reference.name.name for reference in kind.table.actions or []}
        if "NoAction" not in actions and "default_action" not in kind.table.properties:
            actions.add("NoAction")
        seen: set[str | None] = set()
        for case in node.cases:
            label = case.label.name if case.label is not None else None
            if None in seen:
                raise SourceError(case.at, "a label after default", "default is the last one")
            if label in seen:
                raise SourceError(case.at, f"label {label} is there twice", "remove one of them")
            if label is not None and label not in actions:
                raise SourceError(
                    case.at, f"{label} is not an action of {kind.table.name}",
                    f"it has {', '.join(sorted(actions))}",
                )  # fmt: skip
            seen.add(label)
            if case.body is not None:
                self._check_statement(case.body)

    # --- declarations among statements ---

    def _check_variable(self, node: syntax.VariableDeclaration) -> None:
        kind = self._resolve_type(node.type)
        if not (is_scalar(kind) or isinstance(kind, Aggregate)):
            raise SourceError(
                node.at, f"a variable of type {kind} is not supported", _variable_hint(kind)
            )
        if node.initial is not None:
            self._check_as(node.initial, kind, f"variable {node.name}")
        node.resolved = kind
        self._scope.declare(node.name, node, node.at)

    def _check_constant(self, node: syntax.ConstantDeclaration) -> None:
        kind = self._resolve_type(node.type)
        if not (is_scalar(kind) or kind == INT):
            raise SourceError(
                node.at,
                f"a constant of type {kind} is not supported",
                "use bit<>, int, bool or an enum with a representation",
            )
        self._check_as(node.initial, kind, f"constant {node.name}")
        if node.initial.value is None:
            raise SourceError(
                syntax.start_of(node.initial),
                f"the value of {node.name} is not a constant",
                "declare a variable",
            )
        node.resolved = kind
        node.value = node.initial.value
        self._scope.declare(node.name, node, node.at)


def _variable_hint(kind: Type) -> str:
    if kind == INT:
        return "give it a width: bit<32>"
    if isinstance(kind, EnumOf):
        return "give the enum a representation: enum bit<8>"
    return "use bit<>, bool, a header or a struct; declare instances before apply"
