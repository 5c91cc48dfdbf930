"""The program as a whole: two gresses and what the control plane knows of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.frontend import syntax
from p4xdp.frontend.check_applies import check_applies
from p4xdp.frontend.check_deparser import check_deparser
from p4xdp.frontend.effects import touches
from p4xdp.frontend.elaborate_controls import ControlElaborator
from p4xdp.frontend.elaborate_parser import elaborate_parser
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.profiles import check_sharing
from p4xdp.frontend.storage import (
    ActionBinding,
    Binding,
    Environment,
    GressStorage,
    PacketBinding,
    Place,
    StructBinding,
    header_type,
)
from p4xdp.frontend.types import Aggregate, BlockOf, ExternOf, PackageOf, TypeItself

if TYPE_CHECKING:
    from collections.abc import Sequence

_PARSER_ERROR = "parser_err"


def elaborate(
    declarations: Sequence[syntax.Declaration], main: syntax.InstanceDeclaration, digest: str
) -> ir.Program:
    """Elaborate a checked program; `digest` is of its preprocessed source."""
    kind = main.resolved
    assert isinstance(kind, PackageOf)
    argument = main.bound["pipe0"]
    assert isinstance(argument, syntax.Name)
    pipe = argument.declaration
    assert isinstance(pipe, syntax.InstanceDeclaration)
    global_names: Environment = {
        node: ActionBinding(node.name, node, {}, "")
        for node in declarations
        if isinstance(node, syntax.ActionDeclaration)
    }
    ingress = _Gress("ingress", pipe, global_names)
    egress = _Gress("egress", pipe, global_names)
    port_metadata = next(
        node.value
        for node in declarations
        if isinstance(node, syntax.ConstantDeclaration) and node.name == "PORT_METADATA_SIZE"
    )
    assert isinstance(port_metadata, int)
    gresses = ingress.elaborate(port_metadata), egress.elaborate(0)
    tabled = set(gresses[0].actions) | set(gresses[1].actions)
    called = {**ingress.storage.called_actions, **egress.storage.called_actions}
    return ir.Program(
        pipe=pipe.name,
        architecture=_architecture(kind.declaration),
        ingress=gresses[0],
        egress=gresses[1],
        controller_headers=tuple(_controller_headers(declarations)),
        other_actions=tuple(name for name in called if name not in tabled),
        source_sha256=digest,
        annotations=main.annotations,
    )


def _architecture(package: syntax.PackageDeclaration) -> str:
    for annotation in package.annotations:
        if annotation.name == "pkginfo":
            return annotation.text.partition('arch="')[2].partition('"')[0].lower()
    raise AssertionError(package.name)


def _controller_headers(
    declarations: Sequence[syntax.Declaration],
) -> list[tuple[str, ir.HeaderType]]:
    found: list[tuple[str, ir.HeaderType]] = []
    for node in declarations:
        if isinstance(node, syntax.AggregateDeclaration):
            for annotation in node.annotations:
                if annotation.name == "controller_header":
                    if not node.is_header or not annotation.text.startswith('"'):
                        raise SourceError(
                            node.at, "@controller_header wants a header and a name",
                            '@controller_header("packet_in") header ...',
                        )  # fmt: skip
                    assert node.resolved is not None
                    found.append((annotation.text.strip('"'), header_type(node.resolved)))
    return found


class _Gress:
    """Elaborates parser, control and deparser of one direction over the same storage."""

    def __init__(
        self, name: str, pipe: syntax.InstanceDeclaration, global_names: Environment
    ) -> None:
        self.storage = GressStorage(name)
        self._name = name
        self._globals = global_names
        self._by_role: dict[str, Binding] = {}
        self._control = self._block(pipe, name)
        self._parser = self._block(pipe, f"{name}_parser")
        self._deparser = self._block(pipe, f"{name}_deparser")

    @staticmethod
    def _block(pipe: syntax.InstanceDeclaration, role: str) -> BlockOf:
        call = pipe.bound[role]
        assert isinstance(call, syntax.Call)
        kind = call.callee.type
        assert isinstance(kind, TypeItself)
        assert isinstance(kind.type, BlockOf)
        return kind.type

    def elaborate(self, port_metadata_bits: int) -> ir.Gress:
        storage = self.storage
        control, parser, deparser = (
            self._environment(block) for block in (self._control, self._parser, self._deparser)
        )
        parser_node = self._parser.declaration
        assert isinstance(parser_node, syntax.ParserDeclaration)
        states = elaborate_parser(
            ControlElaborator(storage, parser_node.name, parser, Place.PARSER),
            parser_node,
            port_metadata_bits,
        )
        control_node, deparser_node = self._control.declaration, self._deparser.declaration
        assert isinstance(control_node, syntax.ControlDeclaration)
        assert isinstance(deparser_node, syntax.ControlDeclaration)
        body = ControlElaborator(storage, control_node.name, control, Place.CONTROL).control_body(
            control_node
        )
        last = ControlElaborator(storage, deparser_node.name, deparser, Place.DEPARSER)
        emitted = tuple(last.control_body(deparser_node))
        check_sharing(storage.tables)
        check_applies(body, storage.tables)
        check_deparser(emitted, storage.roles, is_ingress=self._name == "ingress")
        self._check_direct()
        error = storage.roles.get(_PARSER_ERROR)
        read = touches((body, emitted, storage.actions, storage.tables))
        return ir.Gress(
            name=self._name,
            headers=tuple(storage.headers),
            variables=tuple(storage.variables),
            parser=states,
            control=tuple(body),
            deparser=emitted,
            actions=storage.actions,
            tables=storage.tables,
            counters=storage.counters,
            meters=storage.meters,
            registers=storage.registers,
            digests=storage.digests,
            profiles=storage.profiles,
            roles=storage.roles,
            intrinsic=storage.intrinsic,
            reads_parser_error=error is not None and (error.name, "") in read,
        )

    def _environment(self, block: BlockOf) -> Environment:
        """Bind a block's parameters: those of one meaning are one storage in all three blocks."""
        environment = dict(self._globals)
        position = 0
        for parameter in block.declaration.parameters:
            kind = parameter.resolved
            assert kind is not None
            if isinstance(kind, ExternOf):
                environment[parameter] = PacketBinding()
                continue
            role = ("headers", "metadata")[position] if position < 2 else str(kind)
            position += 1
            if role not in self._by_role:
                self._by_role[role] = self._allocate(role, parameter.name, kind)
            environment[parameter] = self._by_role[role]
        return environment

    def _allocate(self, role: str, name: str, kind: object) -> Binding:
        assert isinstance(kind, Aggregate) or role in ("headers", "metadata")
        if role in ("headers", "metadata"):
            return self.storage.allocate(name, kind)  # type: ignore[arg-type]
        assert isinstance(kind, Aggregate)
        if kind.is_header:
            self.storage.intrinsic = self.storage.header(name, kind, intrinsic=True)
            return self.storage.intrinsic
        binding = self.storage.allocate(name, kind)
        assert isinstance(binding, StructBinding)
        for field, part in binding.fields.items():
            assert isinstance(part, ir.Read)
            self.storage.roles[field] = part.variable
        return binding

    def _check_direct(self) -> None:
        """A direct counter or meter has one table, and only that table's actions use it."""
        storage = self.storage
        objects: list[ir.Counter | ir.Meter] = [
            *storage.counters.values(),
            *storage.meters.values(),
        ]
        direct = {one.name: one.table for one in objects if one.size is None}
        for name, owner in direct.items():
            if owner is None:
                at = self._control.declaration.at
                raise SourceError(
                    at, f"{name} belongs to no table", "name it in counters = or meters ="
                )
        for table in storage.tables.values():
            for reference in table.actions:
                for used in _externs_of(storage.actions[reference.action].body):
                    if direct.get(used, table.name) != table.name:
                        raise SourceError(
                            table.at,
                            f"action {reference.action} of {table.name} uses {used}",
                            f"that belongs to {direct[used]}",
                        )


def _externs_of(body: Sequence[ir.Statement]) -> list[str]:
    """Names of the counters and meters that the body of an action uses."""
    found: list[str] = []
    for node in body:
        match node:
            case ir.Count():
                found.append(node.counter)
            case ir.ExecuteMeter():
                found.append(node.meter)
            case ir.CallAction():
                found.extend(_externs_of(node.body))
            case _:
                pass
    return found
