"""Where every value of the program is kept while C handles a packet.

A header that was extracted is a pointer into the frame, and its fields are read there. Only what
the program writes has variables of its own, loaded when the header is extracted: some fields, or
all fields of a header that the program may make (setValid).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.walk import statements_of, written
from p4xdp.xdp.errors import UnsupportedProgramError
from p4xdp.xdp.layout import LARGEST_SCALAR_BITS, size_of
from p4xdp.xdp.names import identifier
from p4xdp.xdp.shapes import PAYLOAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p4xdp.xdp.shapes import Shapes


SCRATCH = "scratch->"
SIZES = {"u128": 16, "__u64": 8, "__u32": 4, "__u16": 2, "__u8": 1}  # octets
_REGISTER_BITS = 64
_MOST_SLOTS = 200  # of what the source names; a compiled program has 64 slots of eight octets


@dataclass(slots=True)
class Storage:
    """Of one gress. `made`: headers with variables for all fields and no pointer. `kept`: for the
    other headers, the positions of fields with variables. `is_large`: not all of that has room on
    BPF's stack of 512 octets: fields, and what is wider than a register, lie in a scratchpad.
    """

    gress: ir.Gress
    prefix: str
    is_large: bool = False
    made: set[str] = field(default_factory=set)
    kept: dict[str, set[int]] = field(default_factory=dict)

    def variable(self, variable: ir.Variable) -> str:
        """Return the C variable of a variable."""
        is_wide = variable.width > _REGISTER_BITS
        return self._place(f"{self.prefix}{identifier(variable.name)}", is_wide=is_wide)

    def valid(self, header: ir.Header) -> str:
        """Return the C variable of a header's validity."""
        return f"{self.prefix}{identifier(header.name)}_is_valid"

    def pointer(self, header: ir.Header) -> str:
        """Return the C pointer to a header in the frame; null if it is invalid."""
        return f"{self.prefix}{identifier(header.name)}"

    def field(self, header: ir.Header, of: ir.Field) -> str:
        """Return the C variable of a field that has one."""
        return self._place(f"{self.prefix}{identifier(header.name)}_{identifier(of.name)}")

    def _place(self, name: str, *, is_wide: bool = True) -> str:
        return f"{SCRATCH}{name}" if self.is_large and is_wide else name

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


def ctype(width: int) -> str:
    """Return the C type of a value of `width` bits."""
    size = size_of(width)
    return "u128" if size == 16 else f"__u{size * 8}"


def wide(width: int) -> str:
    """Return the C type to compute values of `width` bits in: nothing is lost on the way."""
    return "u128" if width > 64 else "__u64"


def storage_of(program: ir.Program, shapes: Shapes) -> tuple[Storage, Storage]:
    """Return the storage of ingress and egress."""
    ingress = _own(program.ingress, "ig_")
    egress = _own(program.egress, "eg_")
    for header in egress.headers():
        sources = shapes.sources.get(header.name, set())
        if any(source in ingress.made for source in sources):
            egress.made.add(header.name)
        # What ingress changed is not in the frame yet.
        for source in sources - {PAYLOAD}:
            egress.kept.setdefault(header.name, set()).update(ingress.kept.get(source, ()))
    both = (ingress, egress)
    is_large = sum(map(_largest_number_of_slots, both)) > _MOST_SLOTS
    for storage in both:
        storage.is_large = is_large
        _require_scalars(storage)
        _require_distinct_names(storage)
    return ingress, egress


def _largest_number_of_slots(storage: Storage) -> int:
    """Return how many variables a gress has, if the compiler gets rid of none."""
    headers = list(storage.headers())
    fields = sum(len(storage.local_fields(header)) for header in headers)
    return len(storage.gress.variables) + 2 * len(headers) + fields


def _own(gress: ir.Gress, prefix: str) -> Storage:
    storage = Storage(gress, prefix)
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
