"""Where every value of the program is kept while C handles a packet.

A header that was extracted is a pointer into the frame, and its fields are read there. Only what
the program writes has variables of its own, loaded when the header is extracted: some fields, or
all fields of a header that the program may make (setValid).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.walk import expressions, nested, parts, statements_of, written
from p4xdp.xdp.errors import UnsupportedProgramError
from p4xdp.xdp.layout import LARGEST_SCALAR_BITS, size_of
from p4xdp.xdp.names import identifier
from p4xdp.xdp.shapes import PAYLOAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p4xdp.xdp.shapes import Shapes


STATE = "packet->"
CARRIED = "carried->"
SIZES = {"u128": 16, "__u64": 8, "__u32": 4, "__u16": 2, "__u8": 1}  # octets
CURSOR_AT, LEAVING_AT = f"{STATE}cursor_at", f"{CARRIED}leaving_at"  # offsets in the frame
GROWTH = f"{CARRIED}growth"  # of the frame, in octets
_MOST_VARIABLES = 100  # the compiler finds room for 64 at a time, and most live shortly


@dataclass(slots=True)
class Storage:
    """Of one gress. `made`: headers with variables for all fields and no pointer. `kept`: for the
    other headers, the positions of fields with variables.

    `is_large`: not all of that has room on BPF's stack of 512 octets, and the verifier would not
    live to see the end of all ways through the program. Then everything is in a structure that
    lies in a scratchpad, and a header's place is an offset: the verifier knows nothing of what is
    read from there, so ways that meet are one to it. Pointers are made where they are used.
    Places of headers and the variables that are `known_by_way` are in a structure of their own. On
    likely ways both are local: what the compiler does not know lies in registers.
    """

    gress: ir.Gress
    prefix: str
    kind: str = "packet"
    is_large: bool = False
    known_by_way: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    kept: dict[str, set[int]] = field(default_factory=dict)

    def variable(self, variable: ir.Variable) -> str:
        """Return the C variable of a variable."""
        return self._place(f"{self.prefix}{identifier(variable.name)}")

    def valid(self, header: ir.Header) -> str:
        """Return the C variable of a header's validity."""
        return self._place(f"{self.prefix}{identifier(header.name)}_is_valid")

    def pointer(self, header: ir.Header) -> str:
        """Return the C pointer to a header in the frame; null if it is invalid. In a large program
        it points there only behind `reach`.
        """
        return f"{self.prefix}{identifier(header.name)}"

    def offset(self, header: ir.Header) -> str:
        """Return the C variable of where a header lies in the frame, in a large program."""
        return f"{STATE}{self.pointer(header)}_at"

    def reach(self, header: ir.Header, *, is_certain: bool) -> str:
        """Return the C after which the pointer may be used, if the header is valid."""
        pointer, octets = self.pointer(header), header.type.width // 8
        if not self.is_large:
            return f"REQUIRE({pointer});" if is_certain else ""
        if is_certain:
            return f"FIND({pointer}, {self.offset(header)}, {octets});"
        return f"SEEK({pointer}, {self.valid(header)}, {self.offset(header)}, {octets});"

    def place(self, header: ir.Header, pointer: str) -> str:
        """Return the C that says that a header lies where `pointer` points."""
        if self.is_large:
            return f"{self.offset(header)} = distance(data, {pointer});"
        return f"{self.pointer(header)} = {pointer};"

    def field(self, header: ir.Header, of: ir.Field) -> str:
        """Return the C variable of a field that has one."""
        return self._place(f"{self.prefix}{identifier(header.name)}_{identifier(of.name)}")

    def own(self, name: str) -> str:
        """Return the C variable of what the generator itself keeps."""
        return self._place(name)

    def _place(self, name: str) -> str:
        if not self.is_large:
            return name
        return f"{STATE if name in self.known_by_way else CARRIED}{name}"

    def is_in_frame(self, header: ir.Header) -> bool:
        """Return whether the header is a pointer into the frame."""
        return header.name not in self.made

    def local_fields(self, header: ir.Header) -> tuple[ir.Field, ...]:
        """Return the fields of `header` that have variables."""
        if header.name in self.made:
            return header.type.fields
        positions = self.kept.get(header.name, set())
        return tuple(f for i, f in enumerate(header.type.fields) if i in positions)

    def carried(self, header: ir.Header, octet: int) -> str:
        """Return the C variable of octets that are carried to another place in the frame."""
        return self._place(f"{self.pointer(header)}_octet_{octet}")

    def headers(self) -> Iterator[ir.Header]:
        """Yield the headers that can be in a packet."""
        return (header for header in self.gress.headers if not header.intrinsic)


def cursor_octets(storage: Storage) -> str:
    """Return the C of where the payload begins in the frame."""
    return CURSOR_AT if storage.is_large else "distance(data, cursor)"


def ctype(width: int) -> str:
    """Return the C type of a value of `width` bits."""
    size = size_of(width)
    return "u128" if size == 16 else f"__u{size * 8}"


def wide(width: int) -> str:
    """Return the C type to compute values of `width` bits in: nothing is lost on the way."""
    return "u128" if width > 64 else "__u64"


def storage_of(program: ir.Program, shapes: Shapes, kind: str) -> tuple[Storage, Storage]:
    """Return the storage of ingress and egress for a kind of packet."""
    ingress = _own(program.ingress, "ig_", kind)
    egress = _own(program.egress, "eg_", kind)
    for header in egress.headers():
        sources = shapes.sources.get(header.name, set())
        if any(source in ingress.made for source in sources):
            egress.made.add(header.name)
        # What ingress changed is not in the frame yet.
        for source in sources - {PAYLOAD}:
            egress.kept.setdefault(header.name, set()).update(ingress.kept.get(source, ()))
    both = (ingress, egress)
    is_large = sum(map(_number_of_variables, both)) > _MOST_VARIABLES
    for storage in both:
        storage.known_by_way = _known_by_way(storage)
        storage.is_large = is_large
        _require_scalars(storage)
        _require_distinct_names(storage)
    return ingress, egress


def _number_of_variables(storage: Storage) -> int:
    """Return how many variables a gress has, if the compiler gets rid of none."""
    headers = list(storage.headers())
    fields = sum(len(storage.local_fields(header)) for header in headers)
    return len(storage.gress.variables) + 2 * len(headers) + fields


def _known_by_way(storage: Storage) -> set[str]:
    """Return the C variables of a gress whose values the way through the parser tells: those that
    something is decided by, and that only the parser writes or a table whose entries are constant.
    Which headers are valid is among them, but for what entries make.
    """
    gress = storage.gress
    known = {storage.valid(header) for header in storage.headers()}
    deciding = [s.condition for s in statements_of(gress) if isinstance(s, ir.If)]
    constant = [table for table in gress.tables.values() if table.entries is not None]
    deciding += [key.expression for table in constant for key in table.keys]
    for part in (part for one in deciding for part in parts(one)):
        if isinstance(part, ir.Read):
            known.add(storage.variable(part.variable))
        elif isinstance(part, ir.HeaderField) and not part.header.intrinsic:
            known.add(storage.field(part.header, part.field))
    return known - set(_written_otherwise(storage))


def _written_otherwise(storage: Storage) -> Iterator[str]:
    """Yield the C variables that the control writes, or an entry, or a register."""
    gress = storage.gress
    by_entries = [
        statement
        for table in gress.tables.values()
        if table.entries is None
        for reference in table.actions
        for statement in nested(gress.actions[reference.action].body)
    ]
    yield from (storage.valid(s.header) for s in by_entries if isinstance(s, ir.SetValid))
    for statement in (*nested(gress.control), *by_entries):
        target = written(statement)
        if isinstance(target, ir.Read):
            yield storage.variable(target.variable)
        elif target is not None:
            yield storage.field(target.header, target.field)
        if isinstance(statement, ir.Apply) and statement.hit is not None:
            yield storage.variable(statement.hit)
        if isinstance(statement, ir.ExecuteRegister):
            mentioned = [e for one in nested(statement.body) for e in expressions(one)]
            read = {p.variable for e in mentioned for p in parts(e) if isinstance(p, ir.Read)}
            yield from (storage.variable(variable) for variable in read | set(statement.cell))


def _own(gress: ir.Gress, prefix: str, kind: str) -> Storage:
    storage = Storage(gress, prefix, kind)
    for statement in statements_of(gress):
        if isinstance(statement, ir.SetValid) and statement.valid:
            storage.made.add(statement.header.name)
        target = written(statement)
        if isinstance(target, ir.HeaderField):
            position = target.header.type.fields.index(target.field)
            storage.kept.setdefault(target.header.name, set()).add(position)
    return storage


def _require_scalars(storage: Storage) -> None:
    for header in storage.headers():
        for of in storage.local_fields(header):
            if of.width > LARGEST_SCALAR_BITS:
                raise UnsupportedProgramError(
                    f"{header.name}.{of.name} has {of.width} bits; XDP writes fields of at most "
                    f"{LARGEST_SCALAR_BITS}"
                )


def _require_distinct_names(storage: Storage) -> None:
    names = [storage.variable(variable) for variable in storage.gress.variables]
    for header in storage.headers():
        names += [storage.valid(header), storage.pointer(header)]
        names += [storage.field(header, of) for of in storage.local_fields(header)]
    assert len(names) == len(set(names)), "names that differ in P4 alone"
