"""The table of what an SMF may ask on N4 and the tests that hold the UPF to it.

    python tests/n4/conformance.py > docs/n4-conformance.md

Rows and tests are in conformance.toml, beside this file.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TESTS = HERE.parent

HEAD = """\
# N4, row by row

What SMFs ask of a UPF on N4, the tests that would fail if this one did otherwise, and where it
differs: what is refused is refused with the rule and the IE that ask for it. Those in `testbed`
send packets through a UPF as an operator runs it; the others ask the UPF's own modules. Written
from `tests/n4/conformance.toml` by `tests/n4/conformance.py`.
"""


def sections() -> list[dict[str, Any]]:
    """What the data file holds."""
    return list(tomllib.loads((HERE / "conformance.toml").read_text(encoding="utf-8"))["section"])


def faults() -> list[str]:
    """Rows without a test, and tests that are not there."""
    found = []
    for section in sections():
        for row in section["row"]:
            if not row.get("tests"):
                found.append(f"{row['text']}: no test")
            found += [
                f"{row['text']}: no test {name}" for name in row.get("tests", ()) if not _is(name)
            ]
    return found


def _is(name: str) -> bool:
    """Whether there is a test file::test."""
    path, _, test = name.partition("::")
    file = TESTS / path
    if not file.is_file():
        return False
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == test
        for node in ast.walk(tree)
    )


def page() -> str:
    """The page of the documentation."""
    lines = [HEAD]
    for section in sections():
        lines += [f"## {section['title']}", "", "| | Held by | Differs |", "|---|---|---|"]
        for row in section["row"]:
            tests = "<br>".join(f"`{name}`" for name in row.get("tests", ()))
            lines.append(f"| {row['text']} | {tests} | {row.get('missing', '')} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(page())
