"""Characters to tokens. Comments vanish here, positions are made here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from p4xdp.frontend.errors import SourceError
from p4xdp.ir import Position


class TokenKind(Enum):
    IDENTIFIER = "identifier"
    INTEGER = "integer"
    STRING = "string"
    SYMBOL = "symbol"
    END = "end of file"


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is as in the source; `at` is where the reader should look.

    `glued` says that nothing stands between this token and the one before it.
    """

    kind: TokenKind
    text: str
    at: Position
    glued: bool = False


@dataclass(frozen=True, slots=True)
class IntegerValue:
    """A literal's value; `width` is None for a literal of type int."""

    value: int
    width: int | None
    signed: bool


# Longest first. `>>` is two tokens: it also closes nested type arguments.
_SYMBOLS = (
    "&&&", "|+|", "|-|", "...", "++", "&&", "||", "==", "!=", "<=", ">=", "<<", "..",
    "+", "-", "*", "/", "%", "&", "|", "^", "~", "!", "<", ">", "=", "(", ")", "[", "]",
    "{", "}", ",", ";", ":", ".", "?", "@", "#",
)  # fmt: skip

_TOKEN = re.compile(
    r"(?P<integer>[0-9][0-9A-Za-z_]*)"
    r"|(?P<identifier>[A-Za-z_][A-Za-z0-9_]*)"
    r'|(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<symbol>" + "|".join(re.escape(symbol) for symbol in _SYMBOLS) + r")"
    r"|(?P<space>[ \t\r\f\v]+)"
)

_COMMENT_OR_STRING = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/|(?P<unclosed>/\*)', re.DOTALL
)

_MAX_DIGITS = 2048

_INTEGER = re.compile(
    r"(?:(?P<width>[0-9]+)(?P<sign>[ws]))?"
    r"(?:0[xX](?P<hex>[0-9a-fA-F_]+)|0[bB](?P<bin>[01_]+)|0[oO](?P<oct>[0-7_]+)"
    r"|(?:0[dD])?(?P<dec>[0-9_]+))"
)


def blank_comments(text: str, file: str) -> str:
    """Return `text` with every comment replaced by as many spaces; line ends stay."""

    def blank(match: re.Match[str]) -> str:
        found = match.group(0)
        if match.group("unclosed"):
            line = text.count("\n", 0, match.start()) + 1
            column = match.start() - text.rfind("\n", 0, match.start())
            raise SourceError(Position(file, line, column), "comment is never closed", "add */")
        if found.startswith('"'):
            return found
        return re.sub(r"[^\n]", " ", found)

    return _COMMENT_OR_STRING.sub(blank, text)


def tokenize_line(line: str, file: str, number: int) -> list[Token]:
    """Cut one line, free of comments, into tokens."""
    tokens: list[Token] = []
    index = 0
    glued = False
    while index < len(line):
        match = _TOKEN.match(line, index)
        at = Position(file, number, index + 1)
        if match is None:
            if line[index] == '"':
                raise SourceError(at, "string is not closed on its line", 'add "')
            raise SourceError(at, f"character {line[index]!r} has no meaning in P4", "remove it")
        index = match.end()
        if match.lastgroup == "space":
            glued = False
            continue
        tokens.append(Token(TokenKind(match.lastgroup), match.group(0), at, glued))
        glued = True
    return tokens


def integer_value(token: Token) -> IntegerValue:
    """Read an integer literal: `17`, `0x11`, `8w17`, `4s0b0111`, `1_000`."""
    match = _INTEGER.fullmatch(token.text)
    if match is None:
        raise SourceError(
            token.at, f"malformed number {token.text}", "write as 10, 0xff, 0b101, 8w10 or 8s10"
        )
    for group, base in (("hex", 16), ("bin", 2), ("oct", 8), ("dec", 10)):
        digits = match.group(group)
        if digits is not None:
            if len(digits) > _MAX_DIGITS:
                raise SourceError(
                    token.at,
                    f"a number of more than {_MAX_DIGITS} digits",
                    "values have at most 2048 bits",
                )
            value = int(digits.replace("_", "") or "0", base)
            break
    else:
        raise AssertionError(token.text)
    if match.group("width") is None:
        return IntegerValue(value, None, signed=False)
    width = int(match.group("width"))
    signed = match.group("sign") == "s"
    limit = 1 << (width - 1 if signed and width else width)
    if width == 0 or value >= limit:
        kind = f"int<{width}>" if signed else f"bit<{width}>"
        raise SourceError(
            token.at, f"{token.text}: the value does not fit {kind}", "give it more bits"
        )
    return IntegerValue(value, width, signed)
