"""Controls: what they declare, and the tables that are applied."""

from __future__ import annotations

from dataclasses import replace

from p4xdp import ir
from p4xdp.dataplane import Entry
from p4xdp.frontend import syntax
from p4xdp.frontend.check_tables import control_plane_name, key_text
from p4xdp.frontend.constants import unsigned
from p4xdp.frontend.digests import elaborate_digest
from p4xdp.frontend.elaborate_calls import CallElaborator
from p4xdp.frontend.entries import entry_matches, require_distinct
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.hashes import hash_algorithm
from p4xdp.frontend.profiles import with_selector
from p4xdp.frontend.registers import elaborate_register
from p4xdp.frontend.selections import DIGEST, MIRROR, selected_type
from p4xdp.frontend.storage import (
    ActionBinding,
    Binding,
    ControlBinding,
    ExternBinding,
    Place,
    RegisterMethod,
    TableBinding,
)
from p4xdp.frontend.types import BlockOf, ExternOf, width_of

_DEFAULT_TABLE_SIZE = 512  # of the Tofino back end
_NO_ACTION = "NoAction"
_OF_DEPARSERS = frozenset({"Mirror", "Digest"})


class ControlElaborator(CallElaborator):
    """Elaborates controls and their tables."""

    def statements(self, nodes: list[syntax.StatementNode]) -> list[ir.Statement]:
        """Elaborate the statements of a parser state."""
        return self._sequence(nodes)

    def key(self, node: syntax.Expression) -> ir.Expression:
        """Elaborate a key of a select."""
        return self._expression(node)

    def control_body(self, declaration: syntax.ControlDeclaration) -> list[ir.Statement]:
        """Elaborate a control whose parameters are bound: its locals, then its apply."""
        statements: list[ir.Statement] = []
        for node in declaration.locals:
            if isinstance(node, syntax.VariableDeclaration):
                statements.extend(self._statement(node))
            elif isinstance(node, syntax.ActionDeclaration):
                name = self.control_plane_name(node.name, node.annotations)
                self._environment[node] = ActionBinding(name, node, self._environment, self._path)
            elif isinstance(node, syntax.TableDeclaration):
                name = self.control_plane_name(node.name, node.annotations)
                self._environment[node] = TableBinding(name, node, self._environment)
            elif isinstance(node, syntax.InstanceDeclaration):
                self._environment[node] = self._instance(node)
        return [*statements, *self.body(declaration.body)]

    def control_plane_name(self, name: str, annotations: tuple[ir.Annotation, ...]) -> str:
        """Return the hierarchical name; @name replaces the last part, or all with a dot before."""
        given = control_plane_name(annotations) or name
        if given.startswith("."):
            return given[1:]
        return f"{self._path}.{given}" if self._path else given

    # --- instances ---

    def _instance(self, node: syntax.InstanceDeclaration) -> Binding:
        name = self.control_plane_name(node.name, node.annotations)
        kind = node.resolved
        if isinstance(kind, BlockOf):
            assert isinstance(kind.declaration, syntax.ControlDeclaration)
            return ControlBinding(name, kind.declaration)
        assert isinstance(kind, ExternOf)
        self._require_place(node, kind)
        storage = self._storage
        if any(
            name in known
            for known in (storage.counters, storage.meters, storage.registers, storage.profiles)
        ):
            raise SourceError(node.at, f"{name} names two objects", "change an @name")
        if "Counter" in kind.declaration.name:
            storage.counters[name] = self._counter(name, node, kind)
        elif "Meter" in kind.declaration.name:
            storage.meters[name] = self._meter(name, node, kind)
        elif kind.declaration.name == "Register":
            storage.registers[name] = elaborate_register(name, node, kind)
        bind = {
            "RegisterAction": self._register_action,
            "ActionProfile": self._profile,
            "ActionSelector": self._selector,
            "Hash": self._hash,
            "Mirror": self._mirroring,
            "Digest": self._digest,
        }.get(kind.declaration.name, self._plain)
        return bind(name, node, kind)

    @staticmethod
    def _plain(name: str, _node: syntax.InstanceDeclaration, kind: ExternOf) -> ExternBinding:
        return ExternBinding(name, kind)

    def _register_action(
        self, name: str, node: syntax.InstanceDeclaration, kind: ExternOf
    ) -> ExternBinding:
        (register,) = node.bound.values()
        assert register is not None
        known = self._binding(register)
        assert isinstance(known, ExternBinding)
        method = RegisterMethod(known.name, node.methods[0], self._environment)
        return ExternBinding(name, kind, register_action=method)

    @staticmethod
    def _hash(name: str, node: syntax.InstanceDeclaration, kind: ExternOf) -> ExternBinding:
        return ExternBinding(name, kind, hash_algorithm(node, kind))

    @staticmethod
    def _mirroring(name: str, node: syntax.InstanceDeclaration, kind: ExternOf) -> ExternBinding:
        return ExternBinding(name, kind, selected=selected_type(MIRROR, node))

    def _digest(self, name: str, node: syntax.InstanceDeclaration, kind: ExternOf) -> ExternBinding:
        if self._storage.name != "ingress":
            raise SourceError(node.at, f"a {kind} in egress", "move it to the ingress deparser")
        digest = elaborate_digest(name, node, kind)
        return ExternBinding(name, kind, selected=selected_type(DIGEST, node), digest=digest)

    def _profile(
        self, name: str, node: syntax.InstanceDeclaration, kind: ExternOf
    ) -> ExternBinding:
        size = self._size(node)
        assert size is not None
        profile = ir.ActionProfile(name, size, annotations=node.annotations)
        self._storage.profiles[name] = profile
        return ExternBinding(name, kind, profile=name)

    def _selector(
        self, name: str, node: syntax.InstanceDeclaration, kind: ExternOf
    ) -> ExternBinding:
        profile, hashing = (
            self._binding(value)
            for value in (node.bound["action_profile"], node.bound["hash"])
            if value is not None
        )
        assert isinstance(profile, ExternBinding)
        assert isinstance(hashing, ExternBinding)
        profiles = self._storage.profiles
        profiles[profile.name] = with_selector(profiles[profile.name], name, node, hashing)
        return ExternBinding(name, kind, profile=profile.name)

    def _require_place(self, node: syntax.InstanceDeclaration, kind: ExternOf) -> None:
        extern, is_deparser = kind.declaration.name, self._place is Place.DEPARSER
        if is_deparser and extern not in ("Checksum", *_OF_DEPARSERS):
            raise SourceError(node.at, f"a {kind} in a deparser", "move it to the control")
        if not is_deparser and extern in _OF_DEPARSERS:
            raise SourceError(node.at, f"a {kind} outside a deparser", "move it to the deparser")

    @staticmethod
    def _size(node: syntax.InstanceDeclaration) -> int | None:
        size = node.bound.get("size")
        if size is None:
            return None
        assert isinstance(size.value, int)
        if size.value < 1:
            raise SourceError(size.at, "the size is less than 1", "it has at least one cell")
        return size.value

    def _counter(self, name: str, node: syntax.InstanceDeclaration, kind: ExternOf) -> ir.Counter:
        unit = node.bound["type"]
        assert unit is not None
        return ir.Counter(
            name,
            ir.CounterUnit(unit.value),
            width_of(kind.arguments[0]),
            self._size(node),
            index_width=width_of(kind.arguments[1]) if len(kind.arguments) > 1 else 32,
            annotations=node.annotations,
        )

    def _meter(self, name: str, node: syntax.InstanceDeclaration, kind: ExternOf) -> ir.Meter:
        unit = node.bound["type"]
        assert unit is not None
        return ir.Meter(
            name,
            unit.value == "BYTES",
            self._size(node),
            index_width=width_of(kind.arguments[0]) if kind.arguments else 32,
            annotations=node.annotations,
        )

    # --- tables ---

    def _use_table(self, table: TableBinding) -> str:
        if table.name not in self._storage.tables:
            if self._place is Place.DEPARSER:
                raise SourceError(
                    table.declaration.at, "a table in a deparser", "move it to the control"
                )
            inner = type(self)(self._storage, self._path, table.environment, self._place)
            self._storage.tables[table.name] = inner.table(table)
        elif self._storage.tables[table.name].at != table.declaration.at:
            raise SourceError(
                table.declaration.at, f"{table.name} names two tables", "change an @name"
            )
        return table.name

    def table(self, table: TableBinding) -> ir.Table:
        """Elaborate a table and the actions it may run."""
        node = table.declaration
        references = [self._action_ref(table, reference) for reference in node.actions or []]
        default, arguments, is_const = self._default_action(node)
        if all(reference.action != default for reference in references):
            note = (ir.Annotation("defaultonly"),)
            references.append(ir.ActionRef(default, default_only=True, annotations=note))
        size = node.properties.get("size")
        wanted = int(size.value.value or 0) if size is not None else _DEFAULT_TABLE_SIZE
        return ir.Table(
            name=table.name,
            keys=tuple(self._key(key) for key in node.keys),
            actions=tuple(references),
            default_action=default,
            default_arguments=arguments,
            is_default_const=is_const,
            size=wanted,
            direct_counter=self._attach(table, "counters"),
            direct_meter=self._attach(table, "meters"),
            annotations=node.annotations,
            entries=self._entries(node, wanted),
            implementation=self._implementation(node),
            has_idle_timeout=_is_true(node.properties.get("idle_timeout")),
            at=node.at,
        )

    def _implementation(self, node: syntax.TableDeclaration) -> str | None:
        found = node.properties.get("implementation")
        if found is None:
            return None
        binding = self._binding(found.value)
        assert isinstance(binding, ExternBinding)
        return binding.profile

    def _entries(self, node: syntax.TableDeclaration, size: int) -> tuple[Entry, ...] | None:
        if node.entries is None:
            return None
        is_ordered = any(key.match_kind.name in ("ternary", "range") for key in node.keys)
        count = len(node.entries)
        matches = [entry_matches(entry.key_set, node.keys) for entry in node.entries]
        require_distinct(node, matches)
        if count > size:
            raise SourceError(
                node.at, f"{node.name} has {count} entries, its size is {size}", "raise it"
            )
        return tuple(
            Entry(
                matches[position],
                *self._call_with_constants(entry.action),
                priority=count - position if is_ordered else 0,
            )
            for position, entry in enumerate(node.entries)
        )

    def _key(self, key: syntax.TableKeyNode) -> ir.Key:
        name = control_plane_name(key.annotations) or key_text(key.expression)
        assert name is not None
        expression = self._expression(key.expression)
        if self._before:
            raise SourceError(key.at, "a call with effects in a key", "call it before apply")
        return ir.Key(name, expression, ir.MatchKind(key.match_kind.name), key.annotations)

    def _action_ref(self, table: TableBinding, reference: syntax.ActionRefNode) -> ir.ActionRef:
        flags = {annotation.name for annotation in reference.annotations}
        return ir.ActionRef(
            self._action_name(table, reference),
            table_only="tableonly" in flags,
            default_only="defaultonly" in flags,
            annotations=reference.annotations,
        )

    def _action_name(self, table: TableBinding, reference: syntax.ActionRefNode) -> str:
        action = table.environment[reference.name.declaration]
        assert isinstance(action, ActionBinding)
        return self._use_action(action)

    def _use_action(self, action: ActionBinding) -> str:
        known = self._storage.actions.get(action.name)
        if known is not None:
            if known.at != action.declaration.at:
                raise SourceError(
                    action.declaration.at, f"{action.name} names two actions", "change an @name"
                )
            return action.name
        params: list[tuple[str, int]] = []
        arguments: dict[syntax.Parameter, Binding] = {}
        for index, parameter in enumerate(action.declaration.parameters):
            assert parameter.resolved is not None
            width = width_of(parameter.resolved)
            name = control_plane_name(parameter.annotations) or parameter.name
            params.append((name, width))
            arguments[parameter] = ir.Param(name, index, width)
        node = action.declaration
        self._storage.actions[action.name] = ir.Action(
            action.name, tuple(params), self.action_body(action, arguments),
            node.annotations, node.at,
        )  # fmt: skip
        return action.name

    def _default_action(self, node: syntax.TableDeclaration) -> tuple[str, tuple[int, ...], bool]:
        found = node.properties.get("default_action")
        if found is None:
            action = next(
                binding
                for binding in self._environment.values()
                if isinstance(binding, ActionBinding) and binding.name == _NO_ACTION
            )
            return self._use_action(action), (), False
        return *self._call_with_constants(found.value), found.is_const

    def _call_with_constants(self, value: syntax.Expression) -> tuple[str, tuple[int, ...]]:
        callee = value.callee if isinstance(value, syntax.Call) else value
        assert isinstance(callee, syntax.Name)
        chosen = self._environment[callee.declaration]
        assert isinstance(chosen, ActionBinding)
        arguments: list[int] = []
        for parameter in chosen.declaration.parameters:
            assert isinstance(value, syntax.Call)
            argument = value.bound[parameter.name]
            assert argument is not None
            assert argument.value is not None
            assert parameter.resolved is not None
            arguments.append(unsigned(argument.value, width_of(parameter.resolved)))
        return chosen.name, tuple(arguments)

    def _attach(self, table: TableBinding, property_name: str) -> str | None:
        """Tie a direct counter or meter to its table."""
        found = table.declaration.properties.get(property_name)
        if found is None:
            return None
        assert isinstance(found.value, syntax.Name)
        extern = self._environment[found.value.declaration]
        assert isinstance(extern, ExternBinding)
        counters, meters = self._storage.counters, self._storage.meters
        known = counters[extern.name] if property_name == "counters" else meters[extern.name]
        if known.table is not None:
            raise SourceError(
                found.value.at,
                f"{extern.name} belongs to {known.table} already",
                "declare another one",
            )
        if isinstance(known, ir.Counter):
            counters[extern.name] = replace(known, table=table.name)
        else:
            meters[extern.name] = replace(known, table=table.name)
        return extern.name


def _is_true(found: syntax.TableProperty | None) -> bool:
    return found is not None and found.value.value is True
