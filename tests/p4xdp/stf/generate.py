"""Makes the vectors of p4/upf.p4 anew, with a p4testgen that has p4c's Tofino target.

p4testgen searches at random. Of its tests those are kept that covered something first, and others,
evenly spaced, up to the number wanted; without the comments, each under `# test NAME`. Left out are
tests that write a register's cell beyond its end, which p4testgen does not look at.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from p4xdp import frontend
from p4xdp.stf import parse
from p4xdp.stf.binding import Names
from p4xdp.stf.syntax import RegisterWrite

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = Path(__file__).parents[3] / "p4" / "upf.p4"
NODES = ("STATEMENTS", "TABLE_ENTRIES", "ACTIONS", "PARSER_STATES")
# Frames as short as p4testgen lets them be, and as long as the parsers want; in bits.
SIZES = "512:1600"
# 511 is no port: without this, tests would expect frames on it.
PORTS = "0:510"
_COVERED = re.compile(r"Test (\d+): Nodes covered: \S+ \((\d+)/(\d+)\)")


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as directory:
        log = _search(arguments, directory)
        tests = {_number(path): _text(path) for path in Path(directory).glob("*.stf")}
    names = Names(frontend.load(PROGRAM))
    sound = {number: text for number, text in tests.items() if _is_sound(names, text)}
    progress = [tuple(map(int, found)) for found in _COVERED.findall(log)]
    chosen = _choose(sorted(sound), _covering(progress), arguments.keep)
    text = "\n".join(f"# test {number}\n{sound[number]}" for number in chosen)
    arguments.output.write_text(text, encoding="utf-8")
    print(  # noqa: T201
        f"{len(tests)} tests covered {progress[-1][1]} of {progress[-1][2]} nodes; "
        f"{len(tests) - len(sound)} left out; {len(chosen)} kept"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--p4testgen", required=True, type=Path)
    parser.add_argument("--include", action="append", required=True, help="p4c's p4include folders")
    parser.add_argument("--search", type=int, default=2000, help="tests to let p4testgen make")
    parser.add_argument("--keep", type=int, default=600, help="tests to keep")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_name("upf.stf"))
    return parser.parse_args()


def _search(arguments: argparse.Namespace, directory: str) -> str:
    command = [
        *(str(arguments.p4testgen), "--target", "tofino", "--arch", "tna", "--std", "p4-16"),
        *(f"-I{folder}" for folder in arguments.include),
        *("-D__TARGET_TOFINO__=1", "--test-backend", "STF", "--out-dir", directory),
        *("--path-selection", "RANDOM_BACKTRACK", "--seed", str(arguments.seed)),
        *("--max-tests", str(arguments.search), "--stop-metric", "MAX_NODE_COVERAGE"),
        *("--packet-size-range", SIZES, "--port-ranges", PORTS),
        *(word for node in NODES for word in ("--track-coverage", node)),
        str(PROGRAM),
    ]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.decode()


def _text(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    statements = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return "\n".join([*statements, ""])


def _number(path: Path) -> int:
    return int(path.stem.rpartition("_")[2])


def _is_sound(names: Names, text: str) -> bool:
    writes = [s for vector in parse(text, "") for s in vector.statements]
    return all(
        write.index < names.register(write).size
        for write in writes
        if isinstance(write, RegisterWrite)
    )


def _covering(progress: Sequence[tuple[int, ...]]) -> set[int]:
    """Return the tests after which more nodes were covered than before."""
    before = [0, *(covered for _, covered, _ in progress)]
    return {test for (test, after, _), then in zip(progress, before, strict=False) if after > then}


def _choose(tests: Sequence[int], needed: set[int], keep: int) -> list[int]:
    others = [test for test in tests if test not in needed]
    wanted = max(0, min(keep - len(needed), len(others)))
    spaced = {others[position * len(others) // wanted] for position in range(wanted)}
    return [test for test in tests if test in needed | spaced]


if __name__ == "__main__":
    main()
