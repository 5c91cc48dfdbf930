"""The part of the C preprocessor that P4 programs use, on tokens, so that positions survive.

A token that comes out of a macro has the position of the macro's use.
"""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from p4xdp.frontend.conditions import evaluate_condition
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.lexer import Token, TokenKind, blank_comments, tokenize_line
from p4xdp.ir import Position

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_MAX_INCLUDE_DEPTH = 32
_DIRECTIVE = re.compile(r"\s*#\s*(?P<name>[A-Za-z_0-9]*)(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Macro:
    """`parameters` is None for an object-like macro."""

    parameters: tuple[str, ...] | None
    body: tuple[Token, ...]


@dataclass(slots=True)
class _Condition:
    """One open #if. `active`: its current branch is read; `taken`: some branch has been."""

    at: Position
    active: bool
    taken: bool
    enclosing_active: bool
    has_else: bool = False


class Preprocessor:
    """Turns a file and what it includes into one list of tokens."""

    def __init__(
        self,
        *,
        defines: Mapping[str, str],
        include_dirs: Sequence[Path],
        system_dirs: Sequence[Path],
    ) -> None:
        self._macros: dict[str, Macro] = {}
        self._include_dirs = include_dirs
        self._system_dirs = system_dirs
        self._output: list[Token] = []
        self._pending: list[Token] = []  # text lines not yet expanded: calls may span lines
        for name, value in defines.items():
            body = tokenize_line(value, "<command line>", 1)
            self._macros[name] = Macro(None, tuple(body))

    def run(self, path: Path) -> list[Token]:
        """Return the tokens of the program, an END token last."""
        self._read_file(path, str(path), 0, NO_INCLUDER)
        last = self._output[-1].at if self._output else Position(str(path), 1, 1)
        return [*self._output, Token(TokenKind.END, "", last)]

    def _read_file(self, path: Path, shown: str, depth: int, includer: Position) -> None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            where = includer if depth else Position(shown, 1, 1)
            raise SourceError(
                where, f"cannot read {shown}: {error}", "is it a text file that you may read?"
            ) from error
        lines = blank_comments(text, shown).split("\n")
        conditions: list[_Condition] = []
        index = 0
        while index < len(lines):
            line, number = lines[index], index + 1
            index += 1
            if line.lstrip().startswith("#"):
                while line.rstrip().endswith("\\") and index < len(lines):
                    line = line.rstrip()[:-1] + " " + lines[index]
                    index += 1
                self._flush()
                self._directive(line, Position(shown, number, 1), path, conditions, depth)
            elif all(condition.active for condition in conditions):
                self._pending.extend(tokenize_line(line, shown, number))
        self._flush()
        if conditions:
            raise SourceError(conditions[-1].at, "#if is never closed", "add #endif")

    def _flush(self) -> None:
        self._output.extend(self.expand(self._pending))
        self._pending = []

    # --- directives ---

    def _directive(
        self, line: str, at: Position, path: Path, conditions: list[_Condition], depth: int
    ) -> None:
        match = _DIRECTIVE.match(line)
        assert match is not None
        name, rest = match.group("name"), match.group("rest").strip()
        at = Position(at.file, at.line, line.index("#") + 1)
        if name in ("if", "ifdef", "ifndef", "elif", "else", "endif"):
            self._conditional(name, rest, at, conditions)
            return
        if not all(condition.active for condition in conditions):
            return
        match name:
            case "include":
                self._include(rest, at, path, depth)
            case "define":
                self._define(rest, at)
            case "undef":
                self._macros.pop(self._macro_name(rest, at), None)
            case "error":
                raise SourceError(
                    at, f"#error {rest}", "the program refuses this configuration: see -D"
                )
            case "" | "pragma" | "line":
                if name == "line":
                    raise SourceError(
                        at,
                        "#line is not supported",
                        "remove it: positions are those of the files read",
                    )
            case _:
                raise SourceError(at, f"unknown directive #{name}", "remove it")

    def _conditional(
        self, name: str, rest: str, at: Position, conditions: list[_Condition]
    ) -> None:
        enclosing = all(condition.active for condition in conditions)
        if name in ("if", "ifdef", "ifndef"):
            if not enclosing:
                holds = False
            elif name == "if":
                holds = self._holds(rest, at)
            else:
                holds = (self._macro_name(rest, at) in self._macros) == (name == "ifdef")
            conditions.append(_Condition(at, holds, holds, enclosing))
            return
        if not conditions:
            raise SourceError(at, f"#{name} without #if", "remove it")
        current = conditions[-1]
        if name == "endif":
            conditions.pop()
            return
        if current.has_else:
            raise SourceError(at, f"#{name} after #else", "the last branch is #else")
        if name == "else":
            current.has_else = True
            current.active = current.enclosing_active and not current.taken
        else:
            current.active = (
                current.enclosing_active and not current.taken and self._holds(rest, at)
            )
        current.taken = current.taken or current.active

    def _holds(self, text: str, at: Position) -> bool:
        tokens = tokenize_line(text, at.file, at.line)
        replaced: list[Token] = []
        index = 0
        while index < len(tokens):
            if tokens[index].text != "defined":
                replaced.append(tokens[index])
                index += 1
                continue
            names = [token.text for token in tokens[index + 1 : index + 4]]
            bracketed = names[:1] == ["("] and names[2:3] == [")"]
            name = names[1] if bracketed else "".join(names[:1])
            value = "1" if name in self._macros else "0"
            replaced.append(Token(TokenKind.INTEGER, value, tokens[index].at))
            index += 4 if bracketed else 2
        return evaluate_condition(self.expand(replaced), at) != 0

    def _include(self, rest: str, at: Position, path: Path, depth: int) -> None:
        if depth >= _MAX_INCLUDE_DEPTH:
            raise SourceError(at, f"#include nested deeper than {_MAX_INCLUDE_DEPTH}", "a cycle?")
        closing = {"<": ">", '"': '"'}.get(rest[:1])
        if closing is None or not rest.endswith(closing) or len(rest) < 3:
            raise SourceError(at, '#include wants <file> or "file"', "write #include <tna.p4>")
        wanted = rest[1:-1]
        if closing == '"':
            beside = path.parent / wanted
            if beside.is_file():
                self._read_file(beside, _shown_beside(at.file, wanted), depth + 1, at)
                return
        for directory in (*self._include_dirs, *self._system_dirs):
            candidate = directory / wanted
            if candidate.is_file():
                ours = directory in self._system_dirs
                shown = f"<{wanted}>" if ours else str(candidate)
                self._read_file(candidate, shown, depth + 1, at)
                return
        raise SourceError(at, f"cannot find the file {rest}", "name its directory with -I")

    # --- macros ---

    @staticmethod
    def _macro_name(text: str, at: Position) -> str:
        tokens = tokenize_line(text, at.file, at.line)
        if not tokens or tokens[0].kind is not TokenKind.IDENTIFIER:
            raise SourceError(at, "the directive wants a name", "write #define NAME")
        return tokens[0].text

    def _define(self, rest: str, at: Position) -> None:
        name = self._macro_name(rest, at)
        tokens = tokenize_line(rest, at.file, at.line)[1:]
        if any(token.text == "#" for token in tokens):
            raise SourceError(at, "# and ## in macros are not supported", "write the names out")
        parameters: list[str] | None = None
        if tokens and tokens[0].text == "(" and tokens[0].glued:
            parameters = []
            closing = [token.text for token in tokens].index(")") if ")" in rest else -1
            names = [token for token in tokens[1:closing] if token.text != ","]
            if closing < 0 or any(token.kind is not TokenKind.IDENTIFIER for token in names):
                raise SourceError(
                    at, f"malformed parameter list of macro {name}", f"write #define {name}(a, b)"
                )
            parameters = [token.text for token in names]
            tokens = tokens[closing + 1 :]
        macro = Macro(None if parameters is None else tuple(parameters), tuple(tokens))
        known = self._macros.get(name)
        if known is not None and [t.text for t in known.body] != [t.text for t in macro.body]:
            raise SourceError(at, f"macro {name} is defined twice, differently", "#undef it first")
        self._macros[name] = macro

    def expand(self, tokens: Sequence[Token], busy: frozenset[str] = frozenset()) -> list[Token]:
        """Replace every macro in `tokens` but those named in `busy`."""
        result: list[Token] = []
        index = 0
        while index < len(tokens):
            token = tokens[index]
            index += 1
            macro = self._macros.get(token.text) if token.kind is TokenKind.IDENTIFIER else None
            if macro is None or token.text in busy:
                result.append(token)
                continue
            body: Sequence[Token] = macro.body
            if macro.parameters is not None:
                if index >= len(tokens) or tokens[index].text != "(":
                    result.append(token)
                    continue
                arguments, index = _macro_arguments(tokens, index, token)
                if macro.parameters == () and arguments == [[]]:
                    arguments = []
                if len(arguments) != len(macro.parameters):
                    raise SourceError(
                        token.at,
                        f"macro {token.text} takes {len(macro.parameters)} arguments, "
                        f"{len(arguments)} given",
                        f"its parameters are ({', '.join(macro.parameters)})",
                    )
                bound = dict(zip(macro.parameters, arguments, strict=True))
                body = [
                    part
                    for piece in macro.body
                    for part in (
                        self.expand(bound[piece.text], busy) if piece.text in bound else [piece]
                    )
                ]
            moved = [Token(piece.kind, piece.text, token.at, piece.glued) for piece in body]
            result.extend(self.expand(moved, busy | {token.text}))
        return result


NO_INCLUDER = Position("", 0, 0)


def _shown_beside(includer: str, wanted: str) -> str:
    """Name an included file in messages: relative as its includer is, ours in <>."""
    if includer.startswith("<"):
        return f"<{wanted}>"
    return os.path.normpath(PurePath(includer).parent / wanted)


def _macro_arguments(
    tokens: Sequence[Token], start: int, macro: Token
) -> tuple[list[list[Token]], int]:
    """Split `( a, b )` at `start` on its outer commas; return the index after `)`."""
    arguments: list[list[Token]] = [[]]
    depth = 0
    for index in range(start, len(tokens)):
        text = tokens[index].text
        if text == ")" and depth == 1:
            return arguments, index + 1
        if text == "," and depth == 1:
            arguments.append([])
        elif index > start:
            arguments[-1].append(tokens[index])
        depth += (text == "(") - (text == ")")
    raise SourceError(macro.at, f"the arguments of macro {macro.text} are never closed", "add )")
