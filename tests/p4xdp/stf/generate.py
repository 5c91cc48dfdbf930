"""Makes the vectors of p4/upf.p4 anew, with a p4testgen that has p4c's Tofino target.

p4testgen searches in rounds, each its own way. Their tests go into one file, without the comments,
each under `# test NAME`; names say the round and p4testgen's number.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROUNDS = (("greedy", "GREEDY_STATEMENT_SEARCH", 1), ("random", "RANDOM_BACKTRACK", 2))
NODES = ("STATEMENTS", "TABLE_ENTRIES", "ACTIONS", "PARSER_STATES")
# Frames as short as p4testgen lets them be, and as long as the parsers want; in bits.
SIZES = "512:1600"
# 511 is no port: without this, tests would expect frames on it.
PORTS = "0:510"


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as directory:
        covered = []
        texts = []
        for name, policy, seed in ROUNDS:
            out = Path(directory) / name
            log = _generate(arguments, out, policy, seed)
            covered += re.findall(r"Nodes covered: \S+ \((\d+)/(\d+)\)", log)[-1:]
            texts += [_test(name, path) for path in sorted(out.glob("*.stf"), key=_number)]
    arguments.output.write_text("\n".join(texts), encoding="utf-8")
    print(len(texts), "tests; nodes covered by each round:", covered)  # noqa: T201


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--p4testgen", required=True, type=Path)
    parser.add_argument("--include", action="append", required=True, help="p4c's p4include folders")
    parser.add_argument("--tests", type=int, default=300, help="tests each round")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_name("upf.stf"))
    return parser.parse_args()


def _generate(arguments: argparse.Namespace, out: Path, policy: str, seed: int) -> str:
    command = [
        *(str(arguments.p4testgen), "--target", "tofino", "--arch", "tna", "--std", "p4-16"),
        *(f"-I{folder}" for folder in arguments.include),
        *("-D__TARGET_TOFINO__=1", "--test-backend", "STF", "--out-dir", str(out)),
        *("--path-selection", policy, "--seed", str(seed), "--max-tests", str(arguments.tests)),
        *("--packet-size-range", SIZES, "--port-ranges", PORTS),
        *(word for node in NODES for word in ("--track-coverage", node)),
        str(ROOT / "p4" / "upf.p4"),
    ]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.decode()


def _test(name: str, path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    statements = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return "\n".join([f"# test {name}-{_number(path)}", *statements, ""])


def _number(path: Path) -> int:
    return int(path.stem.rpartition("_")[2])


if __name__ == "__main__":
    main()
