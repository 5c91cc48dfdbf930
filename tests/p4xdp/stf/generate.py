"""Makes the vectors of p4/upf.p4 anew, with a p4testgen that has p4c's Tofino target.

p4testgen searches at random and seldom gets far, so all searches but the first are told what they
may assume of the packet on its way: in a copy of the program, by `testgen_assume`, which changes
nothing of what it does. Of each search those tests are kept that covered something first, and
others, evenly spaced, up to the number wanted; without the comments, each under `# test NAME`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

P4 = Path(__file__).parents[3] / "p4"
NODES = ("STATEMENTS", "TABLE_ENTRIES", "ACTIONS", "PARSER_STATES")
# Frames as short as p4testgen lets them be, and as long as the parsers want; in bits.
SIZES = "512:1600"
# 511 is no port: without this, tests would expect frames on it.
PORTS = "0:510"

# Places in Ingress: before anything, behind admission, behind detection, and where it has decided;
# the last with the condition under which it forwards.
PLACES = (
    "        if (hdr.packet_out.isValid()",
    "            detection.apply(",
    "            if (hdr.bridged.is_user == 1) {",
    "            if (md.is_admitted == 1 ",
)
FORWARDS = re.compile(r"if \((md\.is_admitted == 1 [^{]*)\) \{\n")
# p4testgen knows no end of a register.
IN_REGISTER = "(bit<32>)hdr.bridged.quota_id < NUM_QUOTAS"
_ARRIVAL = "!hdr.packet_out.isValid()"
_TUNNELLED = "!hdr.packet_out.isValid() && hdr.gtpu.isValid()"
_ADMITTED = "md.is_admitted == 1"
# What a search assumes at each of them.
SEARCHES = {
    "any": ("true", "true", "true", "true"),
    "refused": (_TUNNELLED, "md.endpoint_id != 0 && md.is_admitted == 0", "true", "true"),
    "stopped": (_ARRIVAL, _ADMITTED, "hdr.bridged.is_user == 1", "!({forwards})"),
    "spoofed": (_TUNNELLED, _ADMITTED, "hdr.bridged.is_source_checked == 1", "!({forwards})"),
    "decapsulated": (
        _TUNNELLED,
        "md.is_admitted == 1 && md.is_tunnelled == 1",
        "hdr.bridged.is_user == 1 && hdr.bridged.is_encapsulated == 0",
        "{forwards}",
    ),
    "contained": (
        f"{_TUNNELLED} && hdr.psc_8.isValid()",
        "md.is_admitted == 1 && md.is_tunnelled == 1",
        "hdr.bridged.is_user == 1",
        "{forwards}",
    ),
    "encapsulated": (
        _ARRIVAL,
        _ADMITTED,
        "hdr.bridged.is_user == 1 && hdr.bridged.is_encapsulated == 1",
        "{forwards}",
    ),
    "relayed": (
        _TUNNELLED,
        "md.is_admitted == 1 && md.is_tunnelled == 1",
        "hdr.bridged.is_user == 1 && hdr.bridged.is_encapsulated == 1",
        "{forwards}",
    ),
    "limited": (
        _ARRIVAL,
        _ADMITTED,
        "hdr.bridged.is_user == 1 && hdr.bridged.quota_id != 0",
        "{forwards}",
    ),
}
_PROGRESS = re.compile(r"Test (\d+): Nodes covered: \S+ \((\d+)/(\d+)\)")
_UNCOVERED = re.compile(r"^\t\S*/copy/(\S+\\\d+: .*)$", re.MULTILINE)


def main() -> None:
    arguments = _arguments()
    texts: list[str] = []
    uncovered: set[str] | None = None
    nodes = 0
    for search, assumptions in SEARCHES.items():
        with tempfile.TemporaryDirectory() as directory:
            log = _search(arguments, assumptions, Path(directory))
            paths = (Path(directory) / "tests").glob("*.stf")
            tests = {_number(path): _text(path) for path in paths}
        progress = [tuple(map(int, found)) for found in _PROGRESS.findall(log)]
        chosen = _choose(sorted(tests), _covering(progress), arguments.keep)
        texts += [f"# test {search}-{number}\n{tests[number]}" for number in chosen]
        left = _UNCOVERED.findall(log.rpartition(": Nodes covered: ")[2])
        uncovered = set(left) if uncovered is None else uncovered & set(left)
        nodes = len(left) + progress[-1][1] - len(PLACES)
        print(  # noqa: T201
            f"{search}: {len(tests)} tests, {len(chosen)} kept; covered so far "
            f"{nodes - len(uncovered)} of {nodes} nodes",
            flush=True,
        )
    arguments.output.write_text("\n".join(texts), encoding="utf-8")
    print(f"{len(texts)} vectors; not covered:", *sorted(uncovered or ()), sep="\n  ")  # noqa: T201


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--p4testgen", required=True, type=Path)
    parser.add_argument("--include", action="append", required=True, help="p4c's p4include folders")
    parser.add_argument("--search", type=int, default=400, help="tests to make in each search")
    parser.add_argument("--keep", type=int, default=85, help="tests to keep of each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=4, help="after which a search ends")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_name("upf.stf"))
    return parser.parse_args()


def _search(arguments: argparse.Namespace, assumptions: Sequence[str], directory: Path) -> str:
    """Let p4testgen write tests into the folder `tests`; return what it says."""
    copy = directory / "copy"
    shutil.copytree(P4, copy)
    source = (P4 / "upf.p4").read_text(encoding="utf-8")
    (copy / "upf.p4").write_text(_assuming(source, assumptions), encoding="utf-8")
    command = [
        *(str(arguments.p4testgen), "--target", "tofino", "--arch", "tna", "--std", "p4-16"),
        *(f"-I{folder}" for folder in arguments.include),
        *("-D__TARGET_TOFINO__=1", "--test-backend", "STF", "--out-dir", str(directory / "tests")),
        *("--path-selection", "RANDOM_BACKTRACK", "--seed", str(arguments.seed)),
        *("--max-tests", str(arguments.search), "--stop-metric", "MAX_NODE_COVERAGE"),
        *("--packet-size-range", SIZES, "--port-ranges", PORTS, "--print-coverage"),
        *(word for node in NODES for word in ("--track-coverage", node)),
        str(copy / "upf.p4"),
    ]
    log = directory / "log"
    with log.open("wb") as told:
        # Some searches hardly find a way any more, and grow. What they found until then counts.
        try:
            subprocess.run(
                command,
                check=True,
                stdout=told,
                stderr=subprocess.STDOUT,
                timeout=arguments.minutes * 60,
            )
        except subprocess.TimeoutExpired:
            print(f"ended after {arguments.minutes:g} minutes: ", end="")  # noqa: T201
    return log.read_text(encoding="utf-8")


def _assuming(source: str, assumptions: Sequence[str]) -> str:
    """Return the program with assumptions, every line with the number it had."""
    forwards = FORWARDS.search(source)
    if forwards is None or any(source.count(place) != 1 for place in PLACES):
        raise SystemExit("upf.p4 no longer has the PLACES, or another condition to forward")
    condition = forwards[1].replace("\n", " ")
    any_, admitted, detected, decided = assumptions
    for place, assumption in zip(
        PLACES, (any_, admitted, f"{detected} && {IN_REGISTER}", decided), strict=True
    ):
        assumed = f"testgen_assume({assumption.format(forwards=condition)}); {place}"
        source = source.replace(place, assumed)
    declared = "extern void testgen_assume(in bool check); control Ingress("
    return source.replace("control Ingress(", declared, 1)


def _text(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    statements = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return "\n".join([*statements, ""])


def _number(path: Path) -> int:
    return int(path.stem.rpartition("_")[2])


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
