"""Where the time goes: addresses at which the CPU was found, told by stages of the program.

The kernel knows the line of C that each instruction of a loaded program was made of. What that
line does follows from the generated C, which names tables, meters, counters and places in the P4
program. Code of inlined helpers belongs to the stage that calls them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testbed.bench.forwarding.measuring import Case

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


PARSER = "ingress: parser"
ADMISSION = "tables of ports, endpoints, verdicts"
SESSION = "tables of sessions"
FILTERS = "tables of filters and flows"
ROUTES = "tables of tunnel peers and routes"
NEXT_HOP = "table of next hops"
ENCAPSULATION = "tables of encapsulation"
ACTIONS = "actions of tables"
CONTROL = "ingress: conditions and assignments"
METERS = "meters"
COUNTERS = "counters"
QUOTAS = "quotas"
EGRESS = "egress: conditions and assignments"
DEPARSER = "egress: deparser"
SWITCH = "ports in and out, a packet's state"
HELPERS = "kernel: clock, head of the frame, redirect"
AROUND = "kernel and sender"
PROGRAM = (
    *(SWITCH, PARSER, ADMISSION, SESSION, FILTERS, ROUTES, NEXT_HOP, ENCAPSULATION, ACTIONS),
    *(CONTROL, METERS, COUNTERS, QUOTAS, EGRESS, DEPARSER, HELPERS),
)
STAGES = (*PROGRAM, AROUND)

_TABLES = {
    "classified": SESSION,
    "sessions": SESSION,
    "framed": SESSION,
    "source": SESSION,
    "filters": FILTERS,
    "flows": FILTERS,
    "queues": ROUTES,
    "tunnel_peers": ROUTES,
    "routes": ROUTES,
    "next": NEXT_HOP,
    "tunnel_headers": ENCAPSULATION,
    "encapsulations": ENCAPSULATION,
    "hops": ENCAPSULATION,
    "markings": ENCAPSULATION,
}
_FILES = {
    "parser/ingress": PARSER,
    "parser/egress": EGRESS,
    "control/enforcement": EGRESS,
    "control/hop": EGRESS,
    "control/encapsulation": EGRESS,
}
_DECLARED_TABLE = re.compile(r"/\* table (?:\w+\.)*(\w+) \*/")
_FUNCTION = re.compile(r"(?:\w.*\W)?(\w+)\((?:$|.*[^;]$)")
_PLACE = re.compile(r"\s*/\* p4/((?:parser|control)/\w+)\.p4:\d+ \*/")
_BLOCKS = (
    (re.compile(r"struct meter_cell \*cell"), METERS),
    (re.compile(r"__u64 \*cell = register_at"), QUOTAS),
)
_ENTRY = re.compile(r"union t_(\w+)_entry \*entry")
_WRITES_FRAME = re.compile(
    r"STORE\d+\(|PASTE\d+\(|bpf_xdp_adjust_head|\(long\)ctx->data|data_end\) return"
)
_SELECTS = re.compile(r"__u64 key\d+ = |if \(\(?key\d|> data_end\) \{$")
_HEADERS = (
    ("meter_", METERS),
    ("count", COUNTERS),
    ("register_", QUOTAS),
    ("clock_ns", HELPERS),
    ("checksum_of", EGRESS),
    *((name, SWITCH) for name in ("from_", "leave", "drop", "finish", "recirculates")),
)
_SYMBOLS = (
    (re.compile(r"trie_lookup_elem|longest_prefix_match"), ROUTES),
    (re.compile(r"(bpf_)?ktime_get|read_tsc|kvm_clock|pvclock|tsc_clock"), HELPERS),
    (re.compile(r"bpf_xdp_adjust_head|bpf_xdp_get_buff_len|dev_map_redirect"), HELPERS),
    (re.compile(r"bpf_xdp_redirect_map|bpf_get_smp_processor_id"), HELPERS),
)


@dataclass(frozen=True, slots=True)
class Line:
    """From `address` on, instructions were made of line `number` of `file`; 0 is of no line."""

    address: int
    file: str
    number: int


@dataclass(frozen=True, slots=True)
class Image:
    """A loaded program: where its functions are (address, octets), and of which lines."""

    functions: tuple[tuple[int, int], ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """`ns` a frame, of which each stage has its share; `cache_misses` a frame, if they count."""

    case: Case
    ns: float
    samples: int
    shares: Mapping[str, float]
    cache_misses: float | None


class Attribution:
    """Says the stage of an address. `sources` are the texts of files, by their names: of the
    generated C at least. `symbols` are the kernel's, by address.
    """

    def __init__(
        self, image: Image, sources: Mapping[str, str], symbols: Sequence[tuple[int, str]]
    ) -> None:
        stages = {
            name: (of_generated(text) if name.endswith(".c") else of_header(text))
            for name, text in sources.items()
        }
        self._functions = sorted(image.functions)
        starts = {start for start, _ in self._functions}
        self._lines: list[tuple[int, str]] = []
        current = SWITCH
        for line in sorted(image.lines, key=lambda line: line.address):
            of_file = stages.get(line.file, [])
            known = of_file[line.number - 1] if 0 < line.number <= len(of_file) else None
            inherited = SWITCH if line.address in starts else current
            current = known or inherited
            self._lines.append((line.address, current))
        self._symbols = sorted(symbols)

    def stage(self, address: int) -> str:
        """Return one of STAGES."""
        at = bisect_right(self._functions, address, key=lambda one: one[0]) - 1
        if at >= 0 and address < sum(self._functions[at]):
            line = bisect_right(self._lines, address, key=lambda one: one[0]) - 1
            return self._lines[line][1] if line >= 0 else SWITCH
        at = bisect_right(self._symbols, address, key=lambda one: one[0]) - 1
        name = self._symbols[at][1] if at >= 0 else ""
        return next((stage for form, stage in _SYMBOLS if form.search(name)), AROUND)

    def shares(self, addresses: Iterable[int]) -> dict[str, float]:
        """Return what part of `addresses` each of STAGES has; nothing if there are none."""
        counts = Counter(self.stage(address) for address in addresses)
        total = counts.total()
        return {stage: counts[stage] / total for stage in STAGES} if total else {}


def of_header(text: str) -> list[str | None]:
    """Return the stage of each line of a header; None: that of whoever calls it."""
    found: list[str | None] = []
    current: str | None = None
    for line in text.splitlines():
        function = _FUNCTION.match(line)
        if function and not line.startswith((" ", "#", "/")):
            name = function[1]
            current = next((stage for start, stage in _HEADERS if name.startswith(start)), None)
        found.append(current)
        if line.startswith("}"):
            current = None
    return found


def of_generated(text: str) -> list[str | None]:
    """Return the stage of each line of the generated C; None: that of the line before it."""
    return list(_Reader().read(text.splitlines()))


class _Reader:
    """Goes down the generated C; a block of a table, meter or register ends where its brace is."""

    def __init__(self) -> None:
        self._declared: str | None = None
        self._current: str | None = None
        self._block: str | None = None
        self._block_end = ""

    def read(self, lines: Iterable[str]) -> Iterable[str | None]:
        for line in lines:
            if line and not line.startswith((" ", "}")):
                self._at_top(line)
            yield self._stage(line)

    def _at_top(self, line: str) -> None:
        if table := _DECLARED_TABLE.match(line):
            self._declared = _table_stage(table[1])
        elif line.startswith("METER("):
            self._declared = METERS
        elif line.startswith(("COUNTER(", "REGISTER(", "struct packet_", "struct copy_")):
            self._declared = None
        elif line.startswith("__attribute__((noinline)) int"):
            self._current = None
        elif line.startswith("ALWAYS_INLINE int"):
            self._current = SWITCH

    def _stage(self, line: str) -> str | None:
        if self._declared:
            return self._declared
        if self._block:
            return self._in_block(line)
        if entry := _ENTRY.search(line):
            self._open(line, _table_stage(entry[1]))
        for form, stage in _BLOCKS:
            if form.search(line):
                self._open(line, stage)
        return self._block or self._outside(line)

    def _open(self, line: str, stage: str) -> None:
        self._block = stage
        self._block_end = " " * (len(line) - len(line.lstrip()) - 4) + "}"
        if self._current is PARSER:
            self._current = CONTROL

    def _in_block(self, line: str) -> str | None:
        stage = self._block
        if line == self._block_end:
            self._block = None
        elif stage not in (METERS, QUOTAS) and line.lstrip().startswith("case t_"):
            self._block = ACTIONS
        return stage

    def _outside(self, line: str) -> str | None:
        if place := _PLACE.match(line):
            self._current = _FILES.get(place[1], CONTROL)
        elif "count(&c_" in line:
            return COUNTERS
        elif _WRITES_FRAME.search(line):
            return DEPARSER if self._current else SWITCH
        elif "eg_" in line or "egress_length = bpf" in line:
            self._current = EGRESS
        elif _SELECTS.search(line) or "---- likely ways" in line:
            self._current = PARSER
        elif "ig_md_is_tunnelled = " in line and self._current is PARSER:
            self._current = CONTROL
        return self._current


def _table_stage(name: str) -> str:
    return next((stage for start, stage in _TABLES.items() if name.startswith(start)), ADMISSION)
