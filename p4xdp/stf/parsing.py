"""Text to vectors. A statement takes a line; `#` begins a comment.

`# test NAME` is a comment that means something: a vector of that name begins. A file without it is
one vector, named as the file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from p4xdp.stf.errors import StfError
from p4xdp.stf.syntax import (
    Add,
    Call,
    CheckCounter,
    Expect,
    Packet,
    Pattern,
    RegisterWrite,
    RemoveAll,
    SetDefault,
    Statement,
    Vector,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Literal

_TITLE = re.compile(r"#\s*test\s+(\S+)\s*$")
_CALL = re.compile(r"(\S+?)\s*\(([^()]*)\)$")
_WORD = re.compile(r'(?:"[^"]*"|\S)+')
_COUNTER = re.compile(r"(\S+?)\s*\(\s*(\S+?)\s*\)\s+(packets|bytes)\s*([=!<>]=?)\s*(\S+)$")
_BASES = {"0x": (16, 4), "0b": (2, 1)}
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


class _Fault(Exception):  # noqa: N818  # becomes an StfError where the line is known
    """What is wrong with a statement."""


def read(path: Path) -> list[Vector]:
    """Return the vectors of a file; StfError, OSError."""
    return parse(path.read_text(encoding="utf-8"), path.stem, str(path))


def parse(text: str, name: str, where: str = "STF") -> list[Vector]:
    """Return the vectors of a text; StfError with line begins with `where`."""
    vectors: list[Vector] = []
    start, statements = 1, list[Statement]()

    def finish() -> None:
        if statements:
            vectors.append(Vector(name, start, tuple(statements)))
        statements.clear()

    for number, line in enumerate(text.splitlines(), 1):
        title = _TITLE.match(line)
        if title:
            finish()
            name, start = title[1], number
            continue
        content = line.partition("#")[0].strip()
        try:
            statement = _statement(number, content) if content else None
        except _Fault as fault:
            raise StfError(f"{where}:{number}: {fault}") from None
        if statement is not None:
            statements.append(statement)
    finish()
    return vectors


def _statement(line: int, text: str) -> Statement | None:
    keyword, _, rest = text.partition(" ")
    keyword = keyword.lower()
    if keyword in ("wait", "no_packet"):  # nothing is late here, nor may come unexpected
        return None
    if keyword not in _STATEMENTS:
        known = ", ".join(sorted({*_STATEMENTS, "wait", "no_packet"}))
        raise _Fault(f"`{keyword}` is no statement; known are {known}")
    return _STATEMENTS[keyword](line, rest.strip())


def _add(line: int, rest: str) -> Add:
    head, call = _split_call(rest)
    words = _WORD.findall(head)
    if not words:
        raise _Fault("add: name the table, its key and an action")
    table, *words = words
    priority = int(words.pop(0)) if words and words[0].isdecimal() else None
    return Add(line, _unquoted(table), priority, tuple(map(_match, words)), call)


def _set_default(line: int, rest: str) -> SetDefault:
    head, call = _split_call(rest)
    return SetDefault(line, _unquoted(head.strip()), call)


def _register_write(line: int, rest: str) -> RegisterWrite:
    words = rest.split()
    if len(words) < 3:
        raise _Fault("register_write: say NAME INDEX VALUE, one value for each field")
    register, index, *values = words
    return RegisterWrite(line, _unquoted(register), _number(index), tuple(map(_number, values)))


def _remove(line: int, rest: str) -> RemoveAll:
    if rest.lower() != "all":
        raise _Fault("`remove all` is the only removal")
    return RemoveAll(line)


def _packet(line: int, rest: str) -> Packet:
    port, _, digits = rest.partition(" ")
    try:
        return Packet(line, _number(port), bytes.fromhex(digits))
    except ValueError:
        raise _Fault(f"packet: `{digits}` are no octets in hexadecimal") from None


def _expect(line: int, rest: str) -> Expect:
    port, _, digits = rest.partition(" ")
    digits = "".join(digits.split()).lower()
    is_whole = digits.endswith("$")
    digits = digits.removesuffix("$")
    if not re.fullmatch(r"[0-9a-f*]*", digits):
        raise _Fault("expect: octets are hexadecimal digits, `*` for any")
    return Expect(line, _number(port), digits if digits or is_whole else None, is_whole)


def _check_counter(line: int, rest: str) -> CheckCounter:
    found = _COUNTER.match(rest)
    if found is None or found[4] not in _COMPARISONS:
        raise _Fault("check_counter: say NAME(INDEX) packets|bytes == NUMBER")
    unit = cast("Literal['packets', 'bytes']", found[3])
    counter, index, number = found[1], _number(found[2]), _number(found[5])
    return CheckCounter(line, counter, index, unit, found[4], number)


_STATEMENTS: dict[str, Callable[[int, str], Statement]] = {
    "add": _add,
    "setdefault": _set_default,
    "register_write": _register_write,
    "remove": _remove,
    "packet": _packet,
    "expect": _expect,
    "check_counter": _check_counter,
}


def _split_call(text: str) -> tuple[str, Call]:
    found = _CALL.search(text)
    if found is None:
        raise _Fault("an action is missing: ACTION(PARAMETER:VALUE, ...) at the end")
    arguments = [each for each in found[2].split(",") if each.strip()]
    return text[: found.start()], Call(_unquoted(found[1]), tuple(map(_argument, arguments)))


def _argument(text: str) -> tuple[str, int]:
    name, colon, value = text.strip().rpartition(":")
    if not colon:
        raise _Fault(f"argument `{value}` is not of the form PARAMETER:VALUE")
    return _unquoted(name), _number(value)


def _match(text: str) -> tuple[str, Pattern]:
    name, colon, value = text.rpartition(":")
    if not colon:
        raise _Fault(f"`{value}` is not of the form KEY:VALUE")
    return _unquoted(name), _pattern(value)


def _pattern(text: str) -> Pattern:
    value, slash, bits = text.partition("/")
    if slash:
        return Pattern(_number(value), prefix_bits=_number(bits))
    low, dots, high = text.partition("..")
    if dots:
        return Pattern(_number(low), high=_number(high))
    return Pattern(_number(text.replace("*", "0")), _wildcard(text))


def _wildcard(text: str) -> int:
    if "*" not in text:
        return 0
    base, bits = _BASES.get(text[:2].lower(), (0, 0))
    if not base:
        raise _Fault(f"`{text}`: `*` stands in binary (0b) and hexadecimal (0x) numbers only")
    ones = f"{base - 1:x}"
    return int("".join(ones if digit == "*" else "0" for digit in text[2:]), 1 << bits)


def _number(text: str) -> int:
    base, _ = _BASES.get(text[:2].lower(), (10, 0))
    try:
        return int(text, base)
    except ValueError:
        raise _Fault(f"`{text}` is no number") from None


def _unquoted(name: str) -> str:
    return name.replace('"', "")
