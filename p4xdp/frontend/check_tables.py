"""Tables and the parsers' selects: what the control plane and the wire are matched against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.frontend import syntax
from p4xdp.frontend.check_statements import StatementChecker
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.types import BOOL, ActionOf, ExternOf, Type, is_scalar

if TYPE_CHECKING:
    from p4xdp.ir import Annotation

MATCH_KINDS = ("exact", "lpm", "ternary", "range", "selector")

_PROPERTY_HINTS = {
    "registers": "registers are not supported",
    "filters": "filters are not supported",
}


class TableChecker(StatementChecker):
    """Checks table declarations and select expressions."""

    def __init__(self) -> None:
        super().__init__()
        self._match_kinds: set[str] = set()

    # --- tables ---

    def _check_table(self, table: syntax.TableDeclaration) -> None:
        for key in table.keys:
            self._check_key(key)
        self._check_key_kinds(table)
        if not table.actions:
            raise SourceError(table.at, f"table {table.name} has no actions", "actions = { ... }")
        seen: set[str] = set()
        for reference in table.actions:
            self._check_action_ref(table, reference)
            if reference.name.name in seen:
                raise SourceError(
                    reference.at,
                    f"action {reference.name.name} is listed twice in {table.name}",
                    "remove one of them",
                )
            seen.add(reference.name.name)
        for name, found in table.properties.items():
            self._check_property(table, name, found)
        self._check_entries(table)
        self._check_implementation(table)
        self._scope.declare(table.name, table, table.at)

    def _check_key(self, key: syntax.TableKeyNode) -> None:
        kind = self._check(key.expression)
        if not is_scalar(kind):
            raise SourceError(key.at, f"a key of type {kind}", "match on its fields")
        if key.expression.value is not None:
            raise SourceError(key.at, "a constant as key matches nothing", "remove it")
        name = key.match_kind.name
        if name not in self._match_kinds:
            raise SourceError(
                key.match_kind.at, f"unknown match kind {name}", f"use {', '.join(MATCH_KINDS)}"
            )
        if name not in MATCH_KINDS:
            raise SourceError(
                key.match_kind.at, f"match kind {name} is not supported",
                f"use {', '.join(MATCH_KINDS)}",
            )  # fmt: skip
        if control_plane_name(key.annotations) is None and key_text(key.expression) is None:
            raise SourceError(key.at, "this key needs a name", 'add @name("...")')

    @staticmethod
    def _check_key_kinds(table: syntax.TableDeclaration) -> None:
        lpm = [key for key in table.keys if key.match_kind.name == "lpm"]
        wild = [key for key in table.keys if key.match_kind.name in ("ternary", "range")]
        if len(lpm) > 1:
            raise SourceError(lpm[1].at, f"table {table.name} has two lpm keys", "one is ternary")
        if lpm and wild:
            raise SourceError(
                lpm[0].at, "an lpm key beside a ternary or range key",
                "Tofino refuses it: make it ternary",
            )  # fmt: skip
        names: set[str] = set()
        for key in (key for key in table.keys if key.match_kind.name != "selector"):
            name = control_plane_name(key.annotations) or key_text(key.expression) or ""
            if name in names:
                raise SourceError(
                    key.at, f"two keys of {table.name} are named {name}", "give one another @name"
                )
            names.add(name)

    def _check_action_ref(
        self, table: syntax.TableDeclaration, reference: syntax.ActionRefNode
    ) -> None:
        kind = self._check(reference.name)
        if not isinstance(kind, ActionOf):
            raise SourceError(
                reference.at,
                f"{reference.name.name} is not an action",
                "name an action that is declared before the table",
            )
        directed = [found for found in kind.declaration.parameters if found.direction]
        if reference.arguments or directed:
            raise SourceError(
                reference.at,
                f"action {reference.name.name} of table {table.name} has parameters with a "
                "direction",
                "let the action use the variable itself",
            )
        flags = {annotation.name for annotation in reference.annotations}
        if {"tableonly", "defaultonly"} <= flags:
            raise SourceError(
                reference.at, "@tableonly and @defaultonly exclude each other", "remove one of them"
            )

    def _check_property(
        self, table: syntax.TableDeclaration, name: str, found: syntax.TableProperty
    ) -> None:
        if name == "size":
            if self._constant_int(found.value, "the size") < 1:
                raise SourceError(
                    syntax.start_of(found.value),
                    "the size is less than 1",
                    "a table has at least one entry",
                )
        elif name == "default_action":
            self._check_default_action(table, found)
        elif name == "implementation":
            self._check(found.value)
        elif name == "idle_timeout":
            if not (self._check(found.value) == BOOL and isinstance(found.value.value, bool)):
                raise SourceError(
                    syntax.start_of(found.value), "idle_timeout is true or false", "write true"
                )
        elif name in ("counters", "meters"):
            wanted = "DirectCounter" if name == "counters" else "DirectMeter"
            kind = self._check(found.value)
            if not (isinstance(kind, ExternOf) and kind.declaration.name == wanted):
                raise SourceError(
                    syntax.start_of(found.value),
                    f"{name} wants a {wanted}, this is {kind}",
                    f"declare {wanted}(...) before the table and name it",
                )
        else:
            raise SourceError(
                found.at,
                f"table property {name} is not supported",
                _PROPERTY_HINTS.get(name, "remove it"),
            )

    def _check_implementation(self, table: syntax.TableDeclaration) -> None:
        """Check what the entries have instead of actions, and what the members are chosen by."""
        found = table.properties.get("implementation")
        kind = None if found is None else found.value.type
        extern = kind.declaration.name if isinstance(kind, ExternOf) else None
        choosing = [key for key in table.keys if key.match_kind.name == "selector"]
        if choosing and extern != "ActionSelector":
            raise SourceError(
                choosing[0].at, "a selector key, but no ActionSelector", "implementation = ..."
            )
        if found is None:
            return
        if extern not in ("ActionProfile", "ActionSelector"):
            raise SourceError(
                syntax.start_of(found.value),
                f"{kind} is no implementation",
                "name an ActionProfile or an ActionSelector",
            )
        if extern == "ActionSelector" and not choosing:
            raise SourceError(
                found.at, f"table {table.name} has no selector key", "add field: selector;"
            )
        others = {"counters", "meters", "idle_timeout"} & table.properties.keys()
        if others or table.entries is not None:
            raise SourceError(
                found.at,
                f"an implementation beside {' and '.join(sorted(others)) or 'entries'}",
                "use a table without implementation",
            )

    def _check_default_action(
        self, table: syntax.TableDeclaration, found: syntax.TableProperty
    ) -> None:
        value = found.value
        reference = self._action_of(table, value, "the default action")
        if any(annotation.name == "tableonly" for annotation in reference.annotations):
            raise SourceError(
                syntax.start_of(value),
                f"{reference.name.name} is @tableonly and cannot be the default",
                "remove @tableonly",
            )

    def _check_entries(self, table: syntax.TableDeclaration) -> None:
        kinds = [key.expression.type for key in table.keys]
        for entry in table.entries or []:
            parts = entry.key_set.items if isinstance(entry.key_set, syntax.ListOf) else []
            self._check_key_set(entry.key_set, [kind for kind in kinds if kind is not None])
            if len(kinds) > 1 and not parts:
                raise SourceError(
                    entry.at, f"an entry of {table.name} has {len(kinds)} key sets",
                    f"write ({', '.join('_' for _ in kinds)})",
                )  # fmt: skip
            for part, key in zip(parts or [entry.key_set], table.keys, strict=True):
                _check_match(part, key)
            reference = self._action_of(table, entry.action, "the entry's action")
            if any(annotation.name == "defaultonly" for annotation in reference.annotations):
                raise SourceError(
                    syntax.start_of(entry.action),
                    f"{reference.name.name} is @defaultonly and cannot be an entry's",
                    "remove @defaultonly",
                )

    def _action_of(
        self, table: syntax.TableDeclaration, value: syntax.Expression, what: str
    ) -> syntax.ActionRefNode:
        """Check an action with constant arguments; return where the table lists it."""
        callee = value.callee if isinstance(value, syntax.Call) else value
        arguments = value.arguments if isinstance(value, syntax.Call) else []
        kind = self._check(callee)
        if not (isinstance(callee, syntax.Name) and isinstance(kind, ActionOf)):
            raise SourceError(
                syntax.start_of(value), f"{what} is not an action", "name one of its actions"
            )
        reference = next(
            (one for one in table.actions or [] if one.name.declaration is callee.declaration),
            None,
        )
        if reference is None:
            raise SourceError(
                syntax.start_of(value), f"{callee.name} is not in the actions of {table.name}",
                f"add {callee.name}; to them",
            )  # fmt: skip
        bound = self._bind(
            f"action {callee.name}", kind.declaration.parameters, arguments, value.at, {}
        )
        for name, argument in bound.items():
            if argument is not None and argument.value is None:
                raise SourceError(
                    syntax.start_of(argument),
                    f"{name} of {what} is not a constant",
                    "use a number or a const",
                )
        if isinstance(value, syntax.Call):
            value.bound = bound
        return reference

    # --- selects ---

    def _check_transition(self, transition: syntax.Transition, states: set[str]) -> None:
        kinds = [self._check(key) for key in transition.keys]
        for key, kind in zip(transition.keys, kinds, strict=True):
            if not is_scalar(kind):
                raise SourceError(key.at, f"select on {kind}", "select on bits")
        for case in transition.cases:
            if case.next_state not in states | {"accept", "reject"}:
                raise SourceError(
                    case.at, f"unknown state {case.next_state}", "declare it in this parser"
                )
            if transition.keys:
                self._check_key_set(case.key_set, kinds)

    def _check_key_set(self, node: syntax.Expression, kinds: list[Type]) -> None:
        if isinstance(node, syntax.Anything):
            return
        parts = node.items if isinstance(node, syntax.ListOf) else [node]
        if len(parts) != len(kinds):
            raise SourceError(
                node.at, f"select has {len(kinds)} keys, this case has {len(parts)}",
                "write (a, b)" if len(kinds) > 1 else "write one value, without a comma",
            )  # fmt: skip
        for part, kind in zip(parts, kinds, strict=True):
            self._check_simple_key_set(part, kind)

    def _check_simple_key_set(self, node: syntax.Expression, kind: Type) -> None:
        match node:
            case syntax.Anything():
                return
            case syntax.Masked():
                values = [node.operand, node.mask]
            case syntax.RangeOf():
                values = [node.low, node.high]
            case _:
                values = [node]
        for value in values:
            self._check_as(value, kind, "the key set")
            if value.value is None:
                raise SourceError(
                    syntax.start_of(value), "a key set wants constants", "use a number or a const"
                )
        if isinstance(node, syntax.RangeOf):
            low, high = node.low.value, node.high.value
            assert isinstance(low, int)
            assert isinstance(high, int)
            if low > high:
                raise SourceError(
                    syntax.start_of(node), f"the range {low}..{high} is empty", "write low..high"
                )


def _check_match(node: syntax.Expression, key: syntax.TableKeyNode) -> None:
    """A key set of an entry fits the key's match kind."""
    allowed: dict[str, tuple[type, ...]] = {
        "ternary": (syntax.Anything, syntax.Masked),
        "range": (syntax.Anything, syntax.RangeOf),
    }
    kind = key.match_kind.name
    if kind == "lpm":
        raise SourceError(
            node.at, "entries of a table with an lpm key", "Tofino refuses them: make it ternary"
        )
    if isinstance(node, (syntax.Anything, syntax.Masked, syntax.RangeOf)) and not isinstance(
        node, allowed.get(kind, ())
    ):
        raise SourceError(syntax.start_of(node), f"this does not fit {kind}", "give a value")


def control_plane_name(annotations: tuple[Annotation, ...]) -> str | None:
    """Return the text of `@name("text")`, if it is there."""
    for annotation in annotations:
        if annotation.name == "name":
            return annotation.text.strip('"')
    return None


def key_text(node: syntax.Expression) -> str | None:
    """Return what P4Info calls a key without @name, or None if it needs one."""
    match node:
        case syntax.Name():
            return node.name
        case syntax.Member():
            base = key_text(node.base)
            return None if base is None else f"{base}.{node.name}"
        case syntax.SliceOf():
            base = key_text(node.base)
            return None if base is None else f"{base}[{node.high.value}:{node.low.value}]"
        case syntax.Call(callee=syntax.Member(name="isValid", base=header)):
            base = key_text(header)
            return None if base is None else f"{base}.$valid$"
        case _:
            return None
