"""The table of clauses of the P4Runtime specification and the tests that hold the server to them.

    python tests/p4xdp/runtime/conformance.py > docs/p4runtime-conformance.md

Tests say themselves which clauses they are about: `@pytest.mark.clause(section, what it says)`.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parents[1]

HEAD = """\
# P4Runtime, clause by clause

What the specification of P4Runtime (v1.4 and v1.5) asks of a server, in the order of its sections,
and the tests that would fail if `p4xdp switch` did otherwise. Written from the marks of tests by
`tests/p4xdp/runtime/conformance.py`.

"""

TAIL = """
## What is not there

These the specification leaves to the server, or makes conditional on something in the pipeline:

| | answer |
|---|---|
| DATAPLANE_ATOMIC batches of several updates, or of what takes several steps | UNIMPLEMENTED |
| role configurations | INVALID_ARGUMENT: no scheme is agreed; every role has the whole pipeline |
| VERIFY_AND_SAVE of another pipeline | UNIMPLEMENTED; of the one that runs it works |
| direct counters and meters of default entries, counters per colour | UNIMPLEMENTED |
| groups that choose at random, or whose size is the number of members | UNIMPLEMENTED |
| multicast groups, value sets, other externs | no program has them: NOT_FOUND |
"""

# In the order of the specification.
SECTIONS = (
    "State across restarts",
    "Client arbitration",
    "Arbitration notifications",
    "Default-valued fields and symmetry",
    "Bytestrings",
    "Match format",
    "Action specification",
    "Default entry",
    "Constant tables",
    "Wildcard reads of tables",
    "Direct resources",
    "Idle timeouts",
    "Counters",
    "Meters",
    "Action profiles",
    "One-shot action sets",
    "Clone sessions",
    "Registers",
    "Digests",
    "Write",
    "Batch atomicity",
    "Error reporting",
    "Read",
    "SetForwardingPipelineConfig",
    "GetForwardingPipelineConfig",
    "Packet I/O",
    "Stream errors",
    "Architecture-specific notifications",
    "Capabilities",
)


def clauses() -> dict[str, dict[str, list[str]]]:
    """Return the tests by section and clause. KeyError names a section there is not."""
    found: dict[str, dict[str, list[str]]] = {section: defaultdict(list) for section in SECTIONS}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for section, clause in _marks(node):
                    where = f"{path.relative_to(TESTS.parent)}::{node.name}"
                    found[section][clause].append(where)
    return found


def _marks(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[tuple[str, str]]:
    return [
        tuple(ast.literal_eval(argument) for argument in decorator.args)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.clause"
    ]


def text() -> str:
    """Return the document."""
    lines = [HEAD.rstrip()]
    for section, by_clause in clauses().items():
        if not by_clause:
            continue
        lines += ["", f"## {section}", "", "| what is asked | tests |", "|---|---|"]
        for clause, tests in sorted(by_clause.items()):
            names = "<br>".join(f"`{test}`" for test in sorted(tests))
            lines.append(f"| {clause} | {names} |")
    return "\n".join(lines) + "\n" + TAIL


if __name__ == "__main__":
    print(text(), end="")  # noqa: T201
