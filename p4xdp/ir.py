"""The elaborated program: what the front end makes and every back end reads.

Elaboration leaves no scopes, generics, structs or sub-controls. All storage is named once:

* `Variable`  - a scalar: metadata, intrinsic metadata, locals, inlined parameters, after structs
  have been taken apart. `bool` is one bit wide.
* `Header`    - an instance of a header type, with a validity bit. Fields are `HeaderField`.

The two gresses share nothing but the packet that ingress emits and egress parses. Widths are bits;
values are unsigned integers modulo 2**width (a signed operation says so itself). Metadata starts at
zero and headers start invalid, as on Tofino. A packet that runs out during `Extract` ends parsing:
the header stays invalid and the gress's `parser_err` gets PARSER_ERROR_PARTIAL_HDR; the packet is
dropped before the control only if the program never reads `parser_err` (Tofino's rule for ingress).

Every node that came from a line of source carries `at`, for messages and `#line`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from p4xdp.dataplane import Entry


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the source: file as included, line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Position("", 0, 0)


@dataclass(frozen=True, slots=True)
class Annotation:
    """`@name(text)`: `text` is the body as written, without the parentheses, or empty."""

    name: str
    text: str = ""


# --- storage ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a header type. `offset` is in bits from the start of the header."""

    name: str
    width: int
    offset: int
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderType:
    """Fields in wire order. `width` is a multiple of 8."""

    name: str
    fields: tuple[Field, ...]
    width: int
    annotations: tuple[Annotation, ...] = ()

    def field(self, name: str) -> Field:
        """Return the field of that name; KeyError if there is none."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Header:
    """A header instance. `name` is unique in its gress and as the source says it: `hdr.ipv4`.

    `intrinsic` marks `ig_intr_md` and `eg_intr_md`: extracted from what the device prepends, never
    from the frame, always valid once extracted.
    """

    name: str
    type: HeaderType
    intrinsic: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A scalar. `name` is unique in its gress: `md.usage_id`, `ig_tm_md.ucast_egress_port`."""

    name: str
    width: int
    is_bool: bool = False


# --- expressions ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Const:
    value: int
    width: int


@dataclass(frozen=True, slots=True)
class Read:
    """The value of a variable."""

    variable: Variable
    at: Position = dataclasses.field(default=NOWHERE, compare=False)

    @property
    def width(self) -> int:
        return self.variable.width


@dataclass(frozen=True, slots=True)
class HeaderField:
    """The value of a field. What an invalid header's field reads as is undefined (we give 0)."""

    header: Header
    field: Field
    at: Position = dataclasses.field(default=NOWHERE, compare=False)

    @property
    def width(self) -> int:
        return self.field.width


@dataclass(frozen=True, slots=True)
class IsValid:
    header: Header
    at: Position = dataclasses.field(default=NOWHERE, compare=False)
    width: int = 1


@dataclass(frozen=True, slots=True)
class Param:
    """Action data: parameter `index` of the enclosing action, set by the table entry."""

    name: str
    index: int
    width: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Bits high..low of `operand`, both inclusive."""

    operand: Expression
    high: int
    low: int

    @property
    def width(self) -> int:
        return self.high - self.low + 1


class UnaryOp(Enum):
    NEGATE = "-"
    COMPLEMENT = "~"
    NOT = "!"


class BinaryOp(Enum):
    """Operands have equal widths but for shifts and CONCAT. Comparisons and logic are one bit."""

    ADD = "+"
    SUB = "-"
    SATURATING_ADD = "|+|"
    SATURATING_SUB = "|-|"
    AND = "&"
    OR = "|"
    XOR = "^"
    SHIFT_LEFT = "<<"
    SHIFT_RIGHT = ">>"  # logical; arithmetic if `signed`
    EQUAL = "=="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="
    LOGICAL_AND = "&&"  # short-circuit
    LOGICAL_OR = "||"
    CONCAT = "++"


@dataclass(frozen=True, slots=True)
class Unary:
    op: UnaryOp
    operand: Expression
    width: int
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    op: BinaryOp
    left: Expression
    right: Expression
    width: int
    signed: bool = False
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Cast:
    """To another width: truncate, or extend with zeros (with the sign if `signed`)."""

    operand: Expression
    width: int
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Conditional:
    condition: Expression
    if_true: Expression
    if_false: Expression
    width: int


@dataclass(frozen=True, slots=True)
class Lookahead:
    """Parser only: the next `width` bits, not consumed. Past the end it ends parsing as Extract."""

    width: int
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


Expression: TypeAlias = (
    Const
    | Read
    | HeaderField
    | IsValid
    | Param
    | Slice
    | Unary
    | Binary
    | Cast
    | Conditional
    | Lookahead
)

LValue: TypeAlias = Read | HeaderField | Slice  # a Slice's operand is an LValue


# --- statements -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Assign:
    target: LValue
    value: Expression
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class SetValid:
    """`header.setValid()` or `setInvalid()`."""

    header: Header
    valid: bool
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class If:
    condition: Expression
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...] = ()
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """`table.apply()`. `hit`, when given, is a one-bit variable that receives hit or miss.

    `cases` is `switch (t.apply().action_run)`: action name -> statements; `default_case` runs for
    actions not named. Fall-through has been resolved.
    """

    table: str
    hit: Variable | None = None
    cases: tuple[tuple[str, tuple[Statement, ...]], ...] = ()
    default_case: tuple[Statement, ...] = ()
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class CallAction:
    """An action called from code: its body with parameters bound, in the order of the source."""

    name: str
    body: tuple[Statement, ...]
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Count:
    """`counter.count(index, adjust)`. `index` is None for a direct counter. `adjust` octets are
    subtracted from the length of the packet. That length is, in ingress, the frame as received; in
    egress, what the ingress deparser emitted with its payload (bridged headers included)."""

    counter: str
    index: Expression | None
    adjust_octets: int = 0
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ExecuteMeter:
    """`target = meter.execute(index, color, adjust)`; colours GREEN 0, YELLOW 1, RED 3.

    Without `color` the meter is colour-blind. Octets as for Count.
    """

    meter: str
    target: LValue | None
    index: Expression | None
    color: Expression | None = None
    adjust_octets: int = 0
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ExecuteRegister:
    """`target = action.execute(index)`: in one step that no other packet sees the middle of, the
    fields of the register's cell are put into `cell`, `result` becomes 0, `body` runs, and `cell`
    is put back. Then `result` is assigned to `target`.

    `body` has only assignments, to `cell`, `result` and variables of its own, and branches.
    `result` is None if the action has none; `target` gets 0 then. An index beyond the register runs
    nothing, and `target` gets 0.
    """

    register: str
    index: Expression
    cell: tuple[Variable, ...]
    result: Variable | None
    body: tuple[Statement, ...]
    target: LValue | None
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class UpdateChecksum:
    """`target = checksum.update({...})`: ones' complement of the ones' complement sum of the
    concatenation of `fields` (whole 16-bit words)."""

    target: LValue
    fields: tuple[Expression, ...]
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


class HashAlgorithm(Enum):
    """As TNA names them. Of the concatenated fields as octets, the first field first."""

    IDENTITY = "IDENTITY"  # the concatenation itself
    CRC16 = "CRC16"  # polynomial 0x8005, reflected, begins with 0 (CRC-16/ARC)
    CRC32 = "CRC32"  # polynomial 0x04c11db7, reflected, begins and ends inverted (IEEE 802.3)

    @property
    def bits(self) -> int | None:
        """Return the width of the result, or None if it is that of the data."""
        return {"CRC16": 16, "CRC32": 32}.get(self.value)


@dataclass(frozen=True, slots=True)
class ComputeHash:
    """`target = hash.get({...})`: the last `width` bits of the algorithm's result."""

    target: LValue
    algorithm: HashAlgorithm
    fields: tuple[Expression, ...]
    width: int
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class MirrorPacket:
    """Deparser only: `mirror.emit<header>(session, {fields})`. A copy goes to where clone session
    `session` sends it, and through egress, with `fields` in front (whole octets together, or none).

    In ingress the copy is of the frame as received, in egress of the frame as the deparser makes
    it; whether the packet is dropped or not. Bit 2 of egress's `drop_ctl` prevents it.
    """

    session: Expression
    fields: tuple[Expression, ...]
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class PackDigest:
    """Ingress deparser only: `digest.pack({fields})`: the values are told to the controller,
    whether the packet is dropped or not."""

    digest: str
    fields: tuple[Expression, ...]
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Extract:
    """Parser only: read `header` at the cursor, make it valid, move on."""

    header: Header
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Advance:
    """Parser only: skip `bits` of the frame (a constant). Skips of device metadata are removed."""

    bits: int
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Emit:
    """Deparser only: append `header` if valid."""

    header: Header
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Exit:
    """Leave the whole control of this gress (the deparser still runs)."""

    at: Position = dataclasses.field(default=NOWHERE, compare=False)


Statement: TypeAlias = (
    Assign
    | SetValid
    | If
    | Apply
    | CallAction
    | Count
    | ExecuteMeter
    | ExecuteRegister
    | UpdateChecksum
    | ComputeHash
    | MirrorPacket
    | PackDigest
    | Extract
    | Advance
    | Emit
    | Exit
)
# `return` inside an inlined block is elaborated away with a one-bit variable or by nesting.


# --- parser ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Select:
    """One way out: taken if for every key (key & mask) == value. The first that fits wins."""

    matches: tuple[tuple[int, int], ...]  # (value, mask) per key; mask 0 is "don't care"
    next_state: str


@dataclass(frozen=True, slots=True)
class ParserState:
    """Statements, then a transition. `next_state` names a state, or "accept" or "reject".

    With `keys` empty there is one Select without matches.
    """

    name: str
    statements: tuple[Statement, ...]
    keys: tuple[Expression, ...]
    selects: tuple[Select, ...]  # none fits: reject with PARSER_ERROR_NO_MATCH
    annotations: tuple[Annotation, ...] = ()
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Parser:
    """States by name; begins at "start"."""

    states: dict[str, ParserState]


# --- tables ---------------------------------------------------------------------------------------


class MatchKind(Enum):
    EXACT = "exact"
    LPM = "lpm"
    TERNARY = "ternary"
    RANGE = "range"
    SELECTOR = "selector"  # no part of the match: what a group's member is chosen by


@dataclass(frozen=True, slots=True)
class Key:
    """`name` is what P4Info calls the match field."""

    name: str
    expression: Expression
    match_kind: MatchKind
    annotations: tuple[Annotation, ...] = ()

    @property
    def width(self) -> int:
        return self.expression.width


@dataclass(frozen=True, slots=True)
class Action:
    """An action some table may run. `params` are what entries give: (name, width) in order.

    `name` is the control-plane name without the pipe (`Ingress.detection.forward`).
    """

    name: str
    params: tuple[tuple[str, int], ...]
    body: tuple[Statement, ...]
    annotations: tuple[Annotation, ...] = ()
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ActionRef:
    """An action in a table's list."""

    action: str
    table_only: bool = False
    default_only: bool = False
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """`name` is the control-plane name without the pipe: `Ingress.detection.ports`.

    `entries` are those of a constant table, the first of the highest priority where keys may
    overlap; None for a table that the control plane fills. `implementation` is the action profile
    whose members its entries have instead of actions. `has_idle_timeout`: the control plane may ask
    when an entry was last hit.
    """

    name: str
    keys: tuple[Key, ...]
    actions: tuple[ActionRef, ...]
    default_action: str
    default_arguments: tuple[int, ...]
    is_default_const: bool
    size: int
    direct_counter: str | None = None
    direct_meter: str | None = None
    annotations: tuple[Annotation, ...] = ()
    entries: tuple[Entry, ...] | None = None
    implementation: str | None = None
    has_idle_timeout: bool = False
    at: Position = dataclasses.field(default=NOWHERE, compare=False)


# --- externs --------------------------------------------------------------------------------------


class CounterUnit(Enum):
    PACKETS = "PACKETS"
    BYTES = "BYTES"
    BOTH = "PACKETS_AND_BYTES"


@dataclass(frozen=True, slots=True)
class Counter:
    """`size` is None for a direct counter, whose `table` is then named."""

    name: str
    unit: CounterUnit
    width: int
    size: int | None
    table: str | None = None
    index_width: int = 32
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class Meter:
    """As Counter. `in_bytes` False: the meter counts packets."""

    name: str
    in_bytes: bool
    size: int | None
    table: str | None = None
    index_width: int = 32
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class RegisterField:
    """A number in a register's cell. `name` is empty if it is all there is."""

    name: str
    width: int
    is_signed: bool = False


@dataclass(frozen=True, slots=True)
class Register:
    """An array of cells of one or two fields, of 32 bits at most each, that packets change.

    `struct` is the name of the cells' type if that is one. `initial` is the value of every field of
    a fresh cell, 0 where the program does not say.
    """

    name: str
    fields: tuple[RegisterField, ...]
    size: int
    initial: tuple[int, ...]
    struct: str | None = None
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class Selector:
    """Groups of a profile's members: a packet's is chosen by `algorithm` of the selector keys of
    the table, of which it takes the last `width` bits.
    """

    name: str
    algorithm: HashAlgorithm
    width: int
    max_group_size: int
    num_groups: int


@dataclass(frozen=True, slots=True)
class ActionProfile:
    """Up to `size` members: actions with their arguments, that entries of tables have by number."""

    name: str
    size: int
    selector: Selector | None = None
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class DigestField:
    """A number of a digest. `name` is empty if it is all there is."""

    name: str
    width: int
    is_signed: bool = False
    is_bool: bool = False


@dataclass(frozen=True, slots=True)
class Digest:
    """What packets may tell the controller, one value a field. `type_name` is that of the struct,
    or of the header (`is_header`), or None if there is one field alone.
    """

    name: str
    fields: tuple[DigestField, ...]
    type_name: str | None = None
    is_header: bool = False
    annotations: tuple[Annotation, ...] = ()


# --- the whole ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Gress:
    """One direction: parser, control, deparser, and all the storage they use.

    `roles` names the variables and headers that the device itself reads or writes, by the field
    names of TNA's intrinsic metadata: "ucast_egress_port", "bypass_egress", "drop_ctl",
    "parser_err", ... -> Variable (absent if the program does not take that parameter).
    """

    name: str  # "ingress" | "egress"
    headers: tuple[Header, ...]
    variables: tuple[Variable, ...]
    parser: Parser
    control: tuple[Statement, ...]
    deparser: tuple[Statement, ...]
    actions: dict[str, Action]
    tables: dict[str, Table]
    counters: dict[str, Counter]
    meters: dict[str, Meter]
    registers: dict[str, Register]
    roles: dict[str, Variable]
    intrinsic: Header | None
    reads_parser_error: bool
    digests: dict[str, Digest] = dataclasses.field(default_factory=dict)
    profiles: dict[str, ActionProfile] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Program:
    """`pipe` is the name of the Pipeline instance, which p4c prefixes to tables and externs.

    `controller_headers`: header types annotated @controller_header, with their P4Info names.
    `source_sha256` covers the preprocessed source. `other_actions` are declared but used by no
    table (p4c gives them ids, so they take part in collisions).
    """

    pipe: str
    architecture: str
    ingress: Gress
    egress: Gress
    controller_headers: tuple[tuple[str, HeaderType], ...]
    other_actions: tuple[str, ...]
    source_sha256: str
    annotations: tuple[Annotation, ...] = ()
