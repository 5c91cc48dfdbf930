"""Calls: actions and controls are inlined, externs become statements of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.frontend import syntax
from p4xdp.frontend.effects import Cell, cells, overlap, touches, writes
from p4xdp.frontend.elaborate_statements import StatementElaborator, as_lvalue, copy
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.registers import require_local, require_one_execution
from p4xdp.frontend.selections import DIGEST, MIRROR, require_octets, under_selection
from p4xdp.frontend.storage import (
    ActionBinding,
    Binding,
    ControlBinding,
    Environment,
    ExternBinding,
    PacketBinding,
    Place,
    StructBinding,
    TableBinding,
)
from p4xdp.frontend.types import BOOL, Aggregate, is_scalar, width_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from p4xdp.ir import Position


class CallElaborator(StatementElaborator):
    """Elaborates calls."""

    def _call(self, node: syntax.Call) -> list[ir.Statement]:
        callee = node.callee
        if isinstance(callee, syntax.Name):
            return self._call_action(node, callee)
        assert isinstance(callee, syntax.Member)
        base = self._binding(callee.base)
        match base:
            case ir.Header():
                return [ir.SetValid(base, callee.name == "setValid", node.at)]
            case TableBinding():
                return [ir.Apply(self._use_table(base), at=node.at)]
            case ControlBinding():
                return self._apply_control(base, node)
            case PacketBinding():
                return self._packet_call(node, callee)
            case ExternBinding():
                return self._extern_call(base, node, callee, None)
            case _:
                raise AssertionError(base)

    # --- packets ---

    def _packet_call(self, node: syntax.Call, callee: syntax.Member) -> list[ir.Statement]:
        argument = next(iter(node.bound.values()))
        assert argument is not None
        if callee.name == "advance":
            if not isinstance(argument.value, int):
                raise SourceError(
                    syntax.start_of(argument),
                    "advance by what is not known at compile time",
                    "use a const",
                )
            return [ir.Advance(argument.value, node.at)]
        binding = self._binding(argument)
        if callee.name == "emit":
            return self._emit(binding, node.at)
        if not isinstance(binding, ir.Header):
            raise SourceError(
                syntax.start_of(argument),
                f"extract wants a header, this is {argument.type}",
                "name a header",
            )
        return [ir.Extract(binding, node.at)]

    def _emit(self, binding: Binding, at: Position) -> list[ir.Statement]:
        if isinstance(binding, ir.Header):
            return [ir.Emit(binding, at)]
        if isinstance(binding, StructBinding):
            return [one for part in binding.fields.values() for one in self._emit(part, at)]
        raise SourceError(at, "emit wants a header or a struct of headers", "name a header")

    # --- actions ---

    def _call_action(self, node: syntax.Call, callee: syntax.Name) -> list[ir.Statement]:
        action = self._environment[callee.declaration]
        assert isinstance(action, ActionBinding)
        if self._place is not Place.ACTION:
            self._storage.called_actions[action.name] = None
        arguments, written = self._bindings(action.declaration.parameters, node)
        if written:
            self._refuse_aliases(action, arguments, node)
        mark = self._storage.mark()
        body = self.action_body(action, arguments)
        changed = writes(body)
        held = [
            parameter
            for parameter, binding in arguments.items()
            if parameter.direction in ("in", "") and overlap(cells(binding), changed)
        ]
        if not held:
            return [ir.CallAction(action.name, body, node.at)]
        self._storage.forget(mark)
        before: list[ir.Statement] = []
        for parameter in held:
            assert parameter.resolved is not None
            temporary = self._temporary(parameter.name, parameter.resolved)
            before += copy(temporary, arguments[parameter], node.at)
            arguments[parameter] = temporary
        body = self.action_body(action, arguments)
        return [*before, ir.CallAction(action.name, body, node.at)]

    def _bindings(
        self, parameters: Sequence[syntax.Parameter], node: syntax.Call
    ) -> tuple[dict[syntax.Parameter, Binding], set[Cell]]:
        """Return what the parameters stand for, and the cells that are written through them."""
        arguments: dict[syntax.Parameter, Binding] = {}
        written: set[Cell] = set()
        for parameter in parameters:
            value = node.bound[parameter.name]
            assert value is not None
            arguments[parameter] = self._binding(value)
            if parameter.direction in ("out", "inout"):
                if overlap(written, cells(arguments[parameter])):
                    raise SourceError(
                        syntax.start_of(value),
                        "this is written through two parameters",
                        "pass two variables and copy",
                    )
                written |= cells(arguments[parameter])
        return arguments, written

    def _refuse_aliases(
        self, action: ActionBinding, arguments: dict[syntax.Parameter, Binding], node: syntax.Call
    ) -> None:
        """Refuse an action that uses by its own name what it is given to write.

        Parameters are copied in and out (P4-16 clause 6.8); here they stand for the argument, which
        is the same only if the action does not see both.
        """
        mark = self._storage.mark()
        apart: dict[syntax.Parameter, Binding] = {}
        for parameter in arguments:
            assert parameter.resolved is not None
            apart[parameter] = self._storage.allocate("apart", parameter.resolved)
        body = self.action_body(action, apart)
        used = touches(body) | writes(body)
        self._storage.forget(mark)
        for parameter, binding in arguments.items():
            if parameter.direction in ("out", "inout") and overlap(cells(binding), used):
                raise SourceError(
                    node.at,
                    f"{action.declaration.name} uses what it is given as {parameter.name}",
                    "pass a variable of its own and copy",
                )

    def action_body(
        self, action: ActionBinding, arguments: dict[syntax.Parameter, Binding]
    ) -> tuple[ir.Statement, ...]:
        """Elaborate an action's body with its parameters bound."""
        environment = extended(action.environment, arguments)
        inner = type(self)(self._storage, action.path, environment, Place.ACTION)
        body = inner.body(action.declaration.body)
        require_one_execution(body)
        return body

    # --- controls ---

    def _apply_control(self, control: ControlBinding, node: syntax.Call) -> list[ir.Statement]:
        if control.applied:
            raise SourceError(
                node.at, f"{control.path} is applied a second time", "make another instance"
            )
        control.applied = True
        statements: list[ir.Statement] = []
        arguments, written = self._bindings(control.declaration.parameters, node)
        for parameter, binding in arguments.items():
            if parameter.direction == "out":
                statements += invalidate(binding, node.at)
        for parameter, binding in arguments.items():
            if parameter.direction == "in" and self._must_copy(binding, written):
                assert parameter.resolved is not None
                name = f"{control.declaration.name}.{parameter.name}"
                held = self._storage.allocate(self._local_name(name), parameter.resolved)
                statements += copy(held, binding, node.at)
                arguments[parameter] = held
        environment = extended(self._globals(), arguments)
        inner = type(self)(self._storage, control.path, environment, self._place)
        return [*statements, *inner.control_body(control.declaration)]

    @staticmethod
    def _must_copy(binding: Binding, written: set[Cell]) -> bool:
        """Tell an argument that the control can read where it stands from one it cannot."""
        if isinstance(binding, (PacketBinding, ir.Const, ir.Param)):
            return False
        plain = isinstance(binding, (ir.Read, ir.HeaderField, ir.Header, StructBinding))
        return not plain or overlap(cells(binding), written)

    def _globals(self) -> Environment:
        return {
            declaration: binding
            for declaration, binding in self._environment.items()
            if isinstance(binding, ActionBinding) and not binding.path
        }

    def control_body(self, declaration: syntax.ControlDeclaration) -> list[ir.Statement]:
        raise NotImplementedError

    # --- tables in expressions ---

    def _applied(self, node: syntax.Member) -> ir.Expression:
        assert isinstance(node.base, syntax.Call)
        self._require_unconditional(node, "table.apply()")
        table = self._table_of(node.base)
        hit = self._temporary(f"{table.declaration.name}.hit", BOOL)
        name = self._use_table(table)
        self._before.append(ir.Apply(name, hit.variable, at=node.at))
        return hit if node.name == "hit" else ir.Unary(ir.UnaryOp.NOT, hit, 1, node.at)

    # --- externs ---

    def _assign_call(self, target: Binding, value: syntax.Call) -> list[ir.Statement] | None:
        callee = value.callee
        assert isinstance(callee, syntax.Member)
        if callee.name not in ("execute", "update", "get"):
            return None
        base = self._binding(callee.base)
        if not isinstance(base, ExternBinding):
            return None
        assert value.type is not None
        return self._extern_call(base, value, callee, as_lvalue(target))

    def _extern_value(self, node: syntax.Call, callee: syntax.Member) -> ir.Expression:
        base = self._binding(callee.base)
        assert isinstance(base, ExternBinding)
        assert node.type is not None
        self._require_unconditional(node, callee.name)
        result = self._temporary(f"{base.name.rpartition('.')[2]}.{callee.name}", node.type)
        self._before.extend(self._extern_call(base, node, callee, result))
        return result

    def _extern_call(  # noqa: PLR0911  # one case a kind
        self,
        base: ExternBinding,
        node: syntax.Call,
        callee: syntax.Member,
        target: ir.LValue | None,
    ) -> list[ir.Statement]:
        if base.type.declaration.name.startswith("Direct") and self._place is not Place.ACTION:
            raise SourceError(
                node.at, f"{base.name} belongs to a table", "call it in the table's actions"
            )
        match base.type.declaration.name, callee.name:
            case (("Counter" | "DirectCounter"), "count"):
                index = self._argument(node, "index")
                return [ir.Count(base.name, index, self._adjustment(node), node.at)]
            case (("Meter" | "DirectMeter"), "execute"):
                index, color = self._argument(node, "index"), self._argument(node, "color")
                adjust = self._adjustment(node)
                return [ir.ExecuteMeter(base.name, target, index, color, adjust, node.at)]
            case "RegisterAction", "execute":
                return [self._execute_register(base, node, target)]
            case "Hash", "get":
                return self._compute_hash(base, node, target)
            case "Mirror", "emit":
                return [self._mirror(base, node)]
            case "Digest", "pack":
                return [self._pack(base, node)]
            case "Checksum", "update":
                assert target is not None
                return [self._update_checksum(node, target)]
            case _:
                raise SourceError(
                    node.at,
                    f"{base.type}.{callee.name} is not supported",
                    "see docs/p4-subset.md for what is",
                )

    def _execute_register(
        self, base: ExternBinding, node: syntax.Call, target: ir.LValue | None
    ) -> ir.ExecuteRegister:
        action, index = base.register_action, self._argument(node, "index")
        assert action is not None
        assert index is not None
        mark = len(self._storage.variables)
        arguments: dict[syntax.Parameter, Binding] = {}
        for parameter in action.method.parameters:
            assert parameter.resolved is not None
            name = f"{base.name.rpartition('.')[2]}.{parameter.name}"
            arguments[parameter] = self._storage.allocate(
                self._local_name(name), parameter.resolved
            )
        made = self._storage.variables[mark:]
        has_result = len(arguments) > 1
        environment = extended(action.environment, arguments)
        inner = type(self)(self._storage, self._path, environment, Place.REGISTER)
        body = inner.body(action.method.body)
        require_local(body, self._storage.variables[mark:], action.method)
        return ir.ExecuteRegister(
            action.register,
            index,
            tuple(made[:-1] if has_result else made),
            made[-1] if has_result else None,
            body,
            target,
            node.at,
        )

    def _argument(self, node: syntax.Call, name: str) -> ir.Expression | None:
        value = node.bound.get(name)
        return None if value is None else self._expression(value)

    @staticmethod
    def _adjustment(node: syntax.Call) -> int:
        value = node.bound.get("adjust_byte_count")
        if value is None:
            return 0
        if not isinstance(value.value, int):
            raise SourceError(
                syntax.start_of(value),
                "adjust_byte_count is not known at compile time",
                "use a const",
            )
        return value.value

    def _update_checksum(self, node: syntax.Call, target: ir.LValue) -> ir.UpdateChecksum:
        if self._place is not Place.DEPARSER:
            raise SourceError(node.at, "Checksum.update outside a deparser", "move it there")
        data, fields = self._data(node, "data")
        if not isinstance(data, syntax.ListOf) and is_scalar(data.type):
            raise SourceError(
                syntax.start_of(data), "a checksum is of a list", "put it in braces: {a, b}"
            )
        if sum(field.width for field in fields) % 16:
            raise SourceError(
                data.at,
                "the checksum is not over whole 16-bit words",
                "add constants to fill them: 8w0",
            )
        return ir.UpdateChecksum(target, fields, node.at)

    def _compute_hash(
        self, base: ExternBinding, node: syntax.Call, target: ir.LValue | None
    ) -> list[ir.Statement]:
        data, fields = self._data(node, "data")
        algorithm = base.hash_algorithm
        assert algorithm is not None
        bits, width = sum(field.width for field in fields), width_of(base.type.arguments[0])
        if algorithm is ir.HashAlgorithm.IDENTITY:
            if width > bits:
                raise SourceError(data.at, f"{base.type} of {bits} bits only", "add fields")
        elif bits == 0 or bits % 8:
            raise SourceError(
                data.at, f"{algorithm.value} of {bits} bits, not of whole octets", "add 0s: 4w0"
            )
        if target is None:
            return []
        return [ir.ComputeHash(target, algorithm, fields, width, node.at)]

    def _mirror(self, base: ExternBinding, node: syntax.Call) -> ir.Statement:
        session = self._argument(node, "session_id")
        assert session is not None
        fields = self._data(node, "hdr")[1] if "hdr" in node.bound else ()
        mirrored = ir.MirrorPacket(session, fields, node.at)
        require_octets(mirrored)
        return under_selection(MIRROR, mirrored, base.selected, self._storage.roles)

    def _pack(self, base: ExternBinding, node: syntax.Call) -> ir.Statement:
        assert base.digest is not None
        if base.name in self._storage.digests:
            raise SourceError(
                node.at, f"{base.name} is packed a second time", "declare another Digest"
            )
        self._storage.digests[base.name] = base.digest
        packed = ir.PackDigest(base.name, self._data(node, "data")[1], node.at)
        return under_selection(DIGEST, packed, base.selected, self._storage.roles)

    def _data(
        self, node: syntax.Call, name: str
    ) -> tuple[syntax.Expression, tuple[ir.Expression, ...]]:
        """Return the argument of that name and the scalars it consists of."""
        data = node.bound[name]
        assert data is not None
        return data, tuple(self._flatten(data))

    def _flatten(self, node: syntax.Expression) -> list[ir.Expression]:
        if isinstance(node, syntax.ListOf):
            return [part for item in node.items for part in self._flatten(item)]
        if not isinstance(node.type, Aggregate):
            if node.value is not None and not hasattr(node.type, "width"):
                raise SourceError(node.at, "a number without width", "write 8w0 or cast it")
            return [self._expression(node)]
        return _scalars(self._binding(node))


def extended(
    environment: Environment, arguments: Mapping[syntax.Parameter, Binding]
) -> Environment:
    """Add bound parameters to an environment."""
    bound: Environment = {parameter: binding for parameter, binding in arguments.items()}  # noqa: C416  # widens the key's type
    return {**environment, **bound}


def _scalars(binding: Binding) -> list[ir.Expression]:
    if isinstance(binding, ir.Header):
        return [ir.HeaderField(binding, field) for field in binding.type.fields]
    if isinstance(binding, StructBinding):
        return [one for part in binding.fields.values() for one in _scalars(part)]
    return [binding]  # type: ignore[list-item]


def invalidate(binding: Binding, at: Position) -> list[ir.Statement]:
    """Make the headers of an out parameter invalid (P4-16 clause 8.24)."""
    if isinstance(binding, ir.Header):
        return [ir.SetValid(binding, valid=False, at=at)]
    if isinstance(binding, StructBinding):
        return [one for part in binding.fields.values() for one in invalidate(part, at)]
    return []
