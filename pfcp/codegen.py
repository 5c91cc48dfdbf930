"""Writes one specialised decoder and encoder for each declared class, as Python source.

The source is plain and can be read: `source_of(cls)` gives it, and tracebacks show its lines. Each
class gets `read(buffer, start, end) -> value` and `write(value) -> octets`, both without type and
length. Wire bounds are checked once per IE, numbers are unpacked with precomputed formats, and a
grouped IE finds the branch of an IE type by halving, without a call per field.

`wire_form` of a decoded leaf is its octets if encoding the fields would give others. `wire_form` of a
grouped IE or message is the order of its IEs if ours would differ: field numbers, and octets for
what no field stands for.
"""

import linecache
import struct
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from pfcp.errors import InvalidLengthError, MandatoryIEMissingError
from pfcp.schema import GroupField, IESpec, LeafField, MessageSpec, Presence, Record
from pfcp.wire import Bits, Fixed, Flag, Octets

_TL = struct.Struct(">HH")
_SHARED_LIMIT = 1024

_sources: dict[type, str] = {}


def source_of(cls: type) -> str:
    """The generated source of a class; empty where it reads and writes itself."""
    return _sources.get(cls, "")


def attach(cls: type, spec: IESpec | MessageSpec) -> None:
    """Generate and set `read` and `write` of a class, unless it brings its own."""
    writer = _Writer(cls, spec)
    if isinstance(spec, MessageSpec):
        writer.message()
    elif "read" in cls.__dict__:
        return
    elif spec.group_fields or not spec.leaf_fields:
        writer.group(spec.group_fields)
    else:
        writer.leaf(spec)
    namespace = writer.run()
    cls.read = staticmethod(namespace["read"])  # type: ignore[attr-defined]
    cls.write = staticmethod(namespace["write"])  # type: ignore[attr-defined]


def fit(value: int, mask: int) -> int:
    """A number that may use only the bits of `mask`."""
    if not 0 <= value <= mask:
        raise ValueError(f"{value} needs more than the bits of {mask:#x}")
    return value


def too_short(name: str, ie_type: int, octets: int) -> InvalidLengthError:
    """An IE whose octets end before its fields do (TS 29.244 §7.6.7)."""
    return InvalidLengthError(f"{name} ({ie_type}): {octets} octets are too few", ie_type=ie_type)


def no_header(name: str, ie_type: int) -> InvalidLengthError:
    """Octets inside a group that are too few for a type and a length."""
    return InvalidLengthError(f"{name}: ends inside the header of an IE", ie_type=ie_type)


def overrun(name: str, ie_type: int, length: int) -> InvalidLengthError:
    """An IE that is longer than what holds it."""
    return InvalidLengthError(
        f"IE {ie_type} of {length} octets does not end within {name}", ie_type=ie_type
    )


def missing(name: str, field: str, ie_type: int) -> MandatoryIEMissingError:
    """A group without an IE it must hold (TS 29.244 §7.6.6)."""
    return MandatoryIEMissingError(f"{name} lacks {field} ({ie_type})", ie_type=ie_type)


def encode_ie(spec: IESpec, value: Any) -> bytes:
    """One IE with its type and length, whatever its shape."""
    return _encoder_of(spec)(value)


def _encoder_of(spec: IESpec) -> Callable[[Any], bytes]:
    if spec.cls is not None:
        write = spec.cls.write
    else:
        write = _scalar_writer(spec)

    def encode(value: Any) -> bytes:
        body = write(value)
        return _TL.pack(spec.ie_type, len(body)) + body

    return encode


def _scalar_writer(spec: IESpec) -> Callable[[Any], bytes]:
    kind = spec.kind
    if not isinstance(kind, Fixed):
        return bytes
    arguments = ", ".join(part.format(v="value") for part in kind.write)
    namespace: dict[str, Any] = {"fit": fit, "pack": struct.Struct(">" + kind.codes).pack}
    exec(f"def write(value): return pack({arguments})", namespace)  # noqa: S102 -- our own text
    writer: Callable[[Any], bytes] = namespace["write"]
    return writer


def survey(
    buffer: bytes, start: int, end: int, owner: Record, group: tuple[GroupField, ...]
) -> tuple[bytes | tuple[int, int], ...]:
    """The IEs of a decoded group in the order they came.

    Each is (number of the field, which of its values), or the octets of an IE that no value gives
    back: unknown, repeated where one is meant, or coded as this program would not.
    """
    number_of = {field.ie.ie_type: number for number, field in enumerate(group)}
    seen = [0] * len(group)
    order: list[bytes | tuple[int, int]] = []
    while start < end:
        ie_type, length = _TL.unpack_from(buffer, start)
        octets = buffer[start : start + 4 + length]
        start += len(octets)
        number = number_of.get(ie_type, -1)
        values = () if number < 0 else _values_of(owner, group[number])
        which = seen[number]
        if which < len(values) and encode_ie(group[number].ie, values[which]) == octets:
            order.append((number, which))
        else:
            order.append(octets)
        if number >= 0:
            seen[number] += 1
    return tuple(order)


def resurvey(
    owner: Record, order: tuple[bytes | tuple[int, int], ...], group: tuple[GroupField, ...]
) -> bytes:
    """Octets of a group in the order `survey` noted."""
    parts: list[bytes] = []
    for item in order:
        if isinstance(item, bytes):
            parts.append(item)
        else:
            number, which = item
            field = group[number]
            parts.append(encode_ie(field.ie, _values_of(owner, field)[which]))
    return b"".join(parts)


def _values_of(owner: Record, field: GroupField) -> tuple[Any, ...]:
    value = getattr(owner, field.name)
    if field.presence is Presence.SEVERAL:
        return value  # type: ignore[no-any-return]
    return () if value is None else (value,)


class _Writer:
    """Collects the lines of one class's codec and the objects they name."""

    def __init__(self, cls: type, spec: IESpec | MessageSpec) -> None:
        self.cls = cls
        self.spec = spec
        self.lines: list[str] = []
        self.namespace: dict[str, Any] = {
            "IPv4Address": IPv4Address,
            "IPv6Address": IPv6Address,
            "cls": cls,
            "new": object.__new__,
            "fit": fit,
            "too_short": too_short,
            "no_header": no_header,
            "overrun": overrun,
            "missing": missing,
            "survey": survey,
            "resurvey": resurvey,
            "read_tl": _TL.unpack_from,
            "pack_tl": _TL.pack,
            "from_bytes": int.from_bytes,
            "NAME": spec.name,
            "TYPE": spec.ie_type if isinstance(spec, IESpec) else 0,
        }

    def run(self) -> dict[str, Any]:
        """Compile what was written."""
        source = "\n".join(self.lines) + "\n"
        file = f"<pfcp codec of {self.cls.__name__}>"
        _sources[self.cls] = source
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), self.namespace)  # noqa: S102 -- our own text
        return self.namespace

    def put(self, depth: int, *lines: str) -> None:
        """Add lines, `depth` levels in."""
        self.lines.extend("    " * depth + line for line in lines)

    def bind(self, name: str, value: Any) -> str:
        """Make an object known to the source under a name."""
        self.namespace[name] = value
        return name

    def unpack(self, codes: str) -> str:
        """Name of the unpack_from of a format."""
        return self.bind(f"unpack_{codes}", struct.Struct(">" + codes).unpack_from)

    def pack(self, codes: str) -> str:
        """Name of the pack of a format."""
        return self.bind(f"pack_{codes}", struct.Struct(">" + codes).pack)

    def enumerated(self, expression: str, enumeration: Any) -> str:
        """Expression that turns a number into its enumerator, or leaves it a number."""
        if enumeration is None:
            return expression
        name = self.bind(
            f"{enumeration.__name__}_of", {int(item): item for item in enumeration}.get
        )
        return f"{name}(raw := {expression}, raw)"

    def build(self, names: Iterable[str], wire: str) -> None:
        """Lines that make the value from local variables v_<field>."""
        self.put(1, "value = new(cls)")
        for name in names:
            setter = self.bind(f"set_{name}", getattr(self.cls, name).__set__)
            self.put(1, f"{setter}(value, v_{name})")
        setter = self.bind("set_wire_form", Record.__dict__["wire_form"].__set__)
        self.put(1, f"{setter}(value, {wire})")

    # Leaves: flag octets, then fields in the order of the octets.

    def leaf(self, spec: IESpec) -> None:
        """Codec of an IE that holds no other IEs."""
        if all(isinstance(field.kind, Flag | Bits) for field in spec.leaf_fields):
            self.flags_only(spec)
            return
        self.read_leaf(spec)
        self.write_leaf(spec)

    def flags_only(self, spec: IESpec) -> None:
        """An IE of flag octets alone: few values exist, so decoded ones are shared."""
        size, least = spec.flag_octets, spec.least_octets
        self.bind("shared", {})
        self.put(0, "def read(buffer, start, end):")
        self.put(1, "octets = buffer[start:end]", "value = shared.get(octets)")
        self.put(1, "if value is not None: return value")
        self.put(1, f"if end - start < {least}: raise too_short(NAME, TYPE, end - start)")
        self.put(1, f"flags = from_bytes(octets[:{size}].ljust({size}, b'\\0'), 'big')")
        for field in spec.leaf_fields:
            self.put(1, f"v_{field.name} = {self.from_flags(field, size)}")
        self.build((field.name for field in spec.leaf_fields), "None")
        self.put(1, "if write(value) != octets: set_wire_form(value, octets)")
        self.put(1, f"if len(shared) < {_SHARED_LIMIT}: shared[octets] = value", "return value")
        self.put(0, "def write(value):")
        self.put(1, "if value.wire_form is not None: return value.wire_form")
        self.put(1, f"octets = ({self.to_flags(spec)}).to_bytes({size}, 'big')")
        if spec.is_trimmed:
            self.put(1, f"return octets[:{least}] + octets[{least}:].rstrip(b'\\0')")
        else:
            self.put(1, "return octets")

    def from_flags(self, field: LeafField, size: int) -> str:
        """Expression for a field that lies in `flags`."""
        if isinstance(field.kind, Flag):
            return f"flags & {field.kind.mask(size)} != 0"
        assert isinstance(field.kind, Bits)
        shift, mask = field.kind.shift(size), (1 << field.kind.width) - 1
        return self.enumerated(f"flags >> {shift} & {mask}", field.enumeration)

    def to_flags(self, spec: IESpec) -> str:
        """Expression for the flag octets as one number."""
        terms = []
        for field in spec.leaf_fields:
            value = f"value.{field.name}"
            if isinstance(field.kind, Flag):
                terms.append(f"({field.kind.mask(spec.flag_octets)} if {value} else 0)")
            elif isinstance(field.kind, Bits):
                mask = (1 << field.kind.width) - 1
                terms.append(f"fit({value}, {mask}) << {field.kind.shift(spec.flag_octets)}")
            elif field.flag is not None:
                terms.append(f"({field.flag.mask(spec.flag_octets)} if {value} is not None else 0)")
        return " | ".join(terms) or "0"

    @staticmethod
    def known_flags(spec: IESpec) -> int:
        """Mask of the flag octets' bits that mean something."""
        known = 0
        for field in spec.leaf_fields:
            if isinstance(field.kind, Bits):
                known |= ((1 << field.kind.width) - 1) << field.kind.shift(spec.flag_octets)
            for flag in (field.kind, field.flag):
                if isinstance(flag, Flag):
                    known |= flag.mask(spec.flag_octets)
        return known

    def read_leaf(self, spec: IESpec) -> None:
        """Flags and leading fixed fields in one unpack, then one step for each other field."""
        flag_codes = {0: "", 1: "B", 2: "H"}[spec.flag_octets]
        fields = [field for field in spec.leaf_fields if not isinstance(field.kind, Flag | Bits)]
        head = []
        for field in fields:
            if not isinstance(field.kind, Fixed) or field.presence is not Presence.MANDATORY:
                break
            head.append(field)
        codes = flag_codes + "".join(
            field.kind.codes for field in head if isinstance(field.kind, Fixed)
        )
        size = struct.calcsize(">" + codes)
        self.put(0, "def read(buffer, start, end):")
        self.put(1, f"if end - start < {size}: raise too_short(NAME, TYPE, end - start)")
        numbers, steps, odd = (["flags"] if flag_codes else []), [], ["at != end"]
        for field in head:
            assert isinstance(field.kind, Fixed)
            raw = [f"r{len(numbers) + number}" for number in range(len(field.kind.write))]
            steps.append(
                f"v_{field.name} = {self.enumerated(field.kind.read.format(*raw), field.enumeration)}"
            )
            if field.kind.mask is not None:
                odd.append(f"{raw[0]} > {field.kind.mask}")
            numbers += raw
        if codes:
            self.put(1, f"{', '.join(numbers)}, = {self.unpack(codes)}(buffer, start)", *steps)
        self.put(1, f"at = start + {size}")
        if flag_codes:
            for field in spec.leaf_fields:
                if isinstance(field.kind, Flag | Bits):
                    self.put(1, f"v_{field.name} = {self.from_flags(field, spec.flag_octets)}")
            spare = ~self.known_flags(spec) & ((1 << 8 * spec.flag_octets) - 1)
            if spare:
                odd.append(f"flags & {spare}")
        for field in fields[len(head) :]:
            odd += self.read_step(spec, field)
        self.build(
            (f.name for f in spec.leaf_fields), f"buffer[start:end] if {' or '.join(odd)} else None"
        )
        self.put(1, "return value")

    def read_step(self, spec: IESpec, field: LeafField) -> list[str]:
        """One field that may be absent or of any length; returns conditions for an odd form."""
        depth, odd = 1, []
        name = f"v_{field.name}"
        if field.presence is Presence.OPTIONAL:
            condition = f"flags & {field.flag.mask(spec.flag_octets)}" if field.flag else "at < end"
            self.put(1, f"{name} = None", f"if {condition}:")
            depth = 2
        if isinstance(field.kind, Fixed):
            raw = [f"q{number}" for number in range(len(field.kind.write))]
            self.put(
                depth, f"if at + {field.kind.size} > end: raise too_short(NAME, TYPE, end - start)"
            )
            self.put(depth, f"{', '.join(raw)}, = {self.unpack(field.kind.codes)}(buffer, at)")
            self.put(
                depth,
                f"{name} = {self.enumerated(field.kind.read.format(*raw), field.enumeration)}",
            )
            self.put(depth, f"at += {field.kind.size}")
            if field.kind.mask is not None:
                # The spare bits of a field that may be absent: compare only when it is there.
                odd.append(f"{name} is not None and buffer[at_{field.name}] > {field.kind.mask}")
                self.put(depth, f"at_{field.name} = at - 1")
            return odd
        assert isinstance(field.kind, Octets)
        if field.kind.prefix:
            prefix = struct.calcsize(">" + field.kind.prefix)
            self.put(depth, f"if at + {prefix} > end: raise too_short(NAME, TYPE, end - start)")
            self.put(depth, f"length, = {self.unpack(field.kind.prefix)}(buffer, at)")
            self.put(depth, f"until = at + {prefix} + length")
            self.put(depth, "if until > end: raise too_short(NAME, TYPE, end - start)")
            self.put(depth, f"{name} = buffer[at + {prefix}:until]", "at = until")
        else:
            self.put(depth, f"{name} = buffer[at:end]", "at = end")
        if field.kind.text:
            self.put(depth, f"{name} = {name}.decode('latin-1')")
        return odd

    def write_leaf(self, spec: IESpec) -> None:
        """Flags from the fields, then the fields."""
        self.put(0, "def write(value):")
        self.put(1, "if value.wire_form is not None: return value.wire_form")
        codes = {0: "", 1: "B", 2: "H"}[spec.flag_octets]
        arguments = [self.to_flags(spec)] if codes else []
        fields = [field for field in spec.leaf_fields if not isinstance(field.kind, Flag | Bits)]
        while (
            fields
            and isinstance(fields[0].kind, Fixed)
            and fields[0].presence is Presence.MANDATORY
        ):
            field = fields.pop(0)
            assert isinstance(field.kind, Fixed)
            codes += field.kind.codes
            arguments += [part.format(v=f"value.{field.name}") for part in field.kind.write]
        self.put(
            1, f"octets = {self.pack(codes)}({', '.join(arguments)})" if codes else "octets = b''"
        )
        for field in fields:
            self.put(1, f"v = value.{field.name}")
            depth = 1
            if field.presence is Presence.OPTIONAL:
                self.put(1, "if v is not None:")
                depth = 2
            if isinstance(field.kind, Fixed):
                parts = ", ".join(part.format(v="v") for part in field.kind.write)
                self.put(depth, f"octets += {self.pack(field.kind.codes)}({parts})")
                continue
            assert isinstance(field.kind, Octets)
            if field.kind.text:
                self.put(depth, "v = v.encode('latin-1')")
            if field.kind.prefix:
                self.put(depth, f"octets += {self.pack(field.kind.prefix)}(len(v))")
            self.put(depth, "octets += v")
        self.put(1, "return octets")

    # Groups and messages: IEs.

    def message(self) -> None:
        """Codec of the IEs of a message; the header belongs to pfcp.messages."""
        self.group(self.spec.group_fields, header=True)

    def group(self, group: tuple[GroupField, ...], *, header: bool = False) -> None:
        """Codec of a grouped IE, or of a message when `header` fields come from outside."""
        self.bind("FIELDS", group)
        extra = ", sequence_number, message_priority, seid" if header else ""
        self.put(0, f"def read(buffer, start, end{extra}):")
        for field in group:
            empty = "()" if field.presence is Presence.SEVERAL else "None"
            self.put(1, f"v_{field.name} = {empty}")
        self.put(1, "rank, odd, at = 0, False, start", "while at < end:")
        self.put(2, "if at + 4 > end: raise no_header(NAME, TYPE)")
        self.put(2, "ie_type, length = read_tl(buffer, at)", "at, until = at + 4, at + 4 + length")
        self.put(2, "if until > end: raise overrun(NAME, ie_type, length)")
        ranked = sorted(enumerate(group), key=lambda item: item[1].ie.ie_type)
        self.branches(2, ranked)
        self.put(2, "at = until")
        for field in group:
            if field.presence is Presence.MANDATORY or field.at_least_one:
                absent = "not" if field.presence is Presence.SEVERAL else ""
                test = f"not v_{field.name}" if absent else f"v_{field.name} is None"
                self.put(
                    1, f"if {test}: raise missing(NAME, {field.ie.name!r}, {field.ie.ie_type})"
                )
            if field.presence is Presence.SEVERAL:
                self.put(1, f"if v_{field.name}: v_{field.name} = tuple(v_{field.name})")
        names = [field.name for field in group]
        if header:
            self.put(
                1, "v_sequence_number = sequence_number", "v_message_priority = message_priority"
            )
            names += ["sequence_number", "message_priority"]
            if hasattr(self.cls, "seid"):
                self.put(1, "v_seid = seid")
                names.append("seid")
        self.build(names, "None")
        # An odd form is rare: only then are the octets walked again.
        self.put(1, "if odd: set_wire_form(value, survey(buffer, start, end, value, FIELDS))")
        self.put(1, "return value")
        self.write_group(group)

    def branches(self, depth: int, ranked: list[tuple[int, GroupField]]) -> None:
        """Find the branch of `ie_type` by halving."""
        if len(ranked) > 3:
            middle = len(ranked) // 2
            self.put(depth, f"if ie_type < {ranked[middle][1].ie.ie_type}:")
            self.branches(depth + 1, ranked[:middle])
            self.put(depth, "else:")
            self.branches(depth + 1, ranked[middle:])
            return
        word = "if"
        for rank, field in ranked:
            self.put(depth, f"{word} ie_type == {field.ie.ie_type}:")
            self.branch(depth + 1, rank, field)
            word = "elif"
        self.put(depth, *(["else: odd = True"] if ranked else ["odd = True"]))

    def branch(self, depth: int, rank: int, field: GroupField) -> None:
        """Take one IE: repeated where one is meant, only the first counts (TS 29.244 §7.6.10)."""
        name, last = f"v_{field.name}", rank
        if field.presence is Presence.SEVERAL:
            self.read_value(depth, "item", field.ie)
            self.put(depth, f"if {name}: {name}.append(item)", f"else: {name} = [item]")
        else:
            self.put(depth, f"if {name} is None:")
            self.read_value(depth + 1, name, field.ie)
            self.put(depth, "else: odd = True")
        self.put(depth, f"if rank > {last}: odd = True", f"rank = {last}")

    def read_value(self, depth: int, name: str, ie: IESpec) -> None:
        """Lines that put the value of an IE between `at` and `until` into a variable."""
        if ie.cls is not None:
            reader = self.bind(f"read_{ie.cls.__name__}", ie.cls.read)
            self.put(depth, f"{name} = {reader}(buffer, at, until)")
            return
        if not isinstance(ie.kind, Fixed):
            self.put(depth, f"{name} = buffer[at:until]")
            return
        kind = ie.kind
        raw = [f"r{number}" for number in range(len(kind.write))]
        self.put(
            depth, f"if length < {kind.size}: raise too_short({ie.name!r}, {ie.ie_type}, length)"
        )
        self.put(depth, f"{', '.join(raw)}, = {self.unpack(kind.codes)}(buffer, at)")
        self.put(depth, f"{name} = {self.enumerated(kind.read.format(*raw), ie.enumeration)}")
        spare = f" or r0 > {kind.mask}" if kind.mask is not None else ""
        self.put(depth, f"if length != {kind.size}{spare}: odd = True")

    def write_group(self, group: tuple[GroupField, ...]) -> None:
        """IEs in the order declared, or as they came."""
        self.put(0, "def write(value):")
        self.put(
            1, "if value.wire_form is not None: return resurvey(value, value.wire_form, FIELDS)"
        )
        self.put(1, "parts = []")
        for field in group:
            if field.presence is Presence.SEVERAL:
                self.put(1, f"for v in value.{field.name}:")
                self.write_value(2, field.ie)
            elif field.presence is Presence.OPTIONAL:
                self.put(1, f"v = value.{field.name}", "if v is not None:")
                self.write_value(2, field.ie)
            else:
                self.put(1, f"v = value.{field.name}")
                self.write_value(1, field.ie)
        self.put(1, "return b''.join(parts)")

    def write_value(self, depth: int, ie: IESpec) -> None:
        """Lines that add one IE with the value `v`."""
        if ie.cls is not None:
            self.put(depth, f"octets = {self.bind(f'write_{ie.cls.__name__}', ie.cls.write)}(v)")
            self.put(depth, f"parts += (pack_tl({ie.ie_type}, len(octets)), octets)")
        elif isinstance(ie.kind, Fixed):
            parts = ", ".join(part.format(v="v") for part in ie.kind.write)
            pack = self.pack("HH" + ie.kind.codes)
            self.put(depth, f"parts.append({pack}({ie.ie_type}, {ie.kind.size}, {parts}))")
        else:
            self.put(depth, f"parts += (pack_tl({ie.ie_type}, len(v)), v)")
