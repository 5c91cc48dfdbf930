"""Registers: executed in C, and in memory shared with the kernel for the control path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.dataplane import require_cells
from p4xdp.walk import expressions, nested, parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.xdp.manifest import RegisterInfo
    from p4xdp.xdp.maps import Map

REGISTER_CELL_SIZE = 8
_FIELD_BITS = 32  # the place of each field in a cell


def unpacked(widths: Sequence[int], word: str) -> list[str]:
    """Return the C of the fields of the cell `word`."""
    shifted = (f"{word} >> {at * _FIELD_BITS}" if at else word for at in range(len(widths)))
    return [
        f"({part}) & {(1 << width) - 1:#x}" for part, width in zip(shifted, widths, strict=True)
    ]


def packed(fields: Sequence[str]) -> str:
    """Return the C of the cell with `fields`."""
    first, *others = fields
    return " | ".join(
        [f"(__u64){first}"]
        + [f"(__u64){other} << {at * _FIELD_BITS}" for at, other in enumerate(others, start=1)]
    )


def is_of_variables(statement: ir.ExecuteRegister) -> bool:
    """Return whether what is done to a cell reads and writes variables alone."""
    mentioned = [one for s in nested(statement.body) for one in expressions(s)]
    found = {part for one in mentioned for part in parts(one)}
    return not any(isinstance(p, ir.HeaderField | ir.IsValid | ir.Param) for p in found)


def widths_of(statement: ir.ExecuteRegister) -> list[int]:
    """Return the widths of the fields in a cell."""
    return [variable.width for variable in statement.cell]


class XdpRegister:
    """A register. Every cell is read and written in one step, as packets do it."""

    def __init__(self, name: str, info: RegisterInfo, cells: Map, size: int) -> None:
        self._name = name
        self._fields = range(len(info.widths))
        self._size = size
        self._memory = cells.mapped(size)
        self._words = memoryview(self._memory).cast("Q")
        self._initial = info.initial

    def read(self, first: int, count: int) -> list[tuple[int, ...]]:
        """Return `count` cells from `first` on, each a number a field."""
        require_cells(self._name, first, count, self._size)
        ones = (1 << _FIELD_BITS) - 1
        return [
            tuple(word >> (at * _FIELD_BITS) & ones for at in self._fields)
            for word in self._words[first : first + count]
        ]

    def write(self, index: int, value: Sequence[int]) -> None:
        """Set a cell."""
        require_cells(self._name, index, 1, self._size)
        self._words[index] = sum(part << (at * _FIELD_BITS) for at, part in enumerate(value))

    def begin(self) -> None:
        """Make new cells, which are zero, what the program starts with."""
        if any(self._initial):
            self.reset()

    def reset(self) -> None:
        """Set every cell to what the program starts with."""
        for index in range(self._size):
            self.write(index, self._initial)

    def close(self) -> None:
        """Give the memory back."""
        self._words.release()
        self._memory.close()
