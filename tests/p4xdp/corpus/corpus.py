"""Small programs, right and wrong, and what p4c says of each.

A file of cases/ is one group. A case in it:

    === its name
    wrong: why it is              (or `right: what it shows`, or `outside: which construct`)
    --- apply
    P4 that stands in skeleton.p4 instead of the line `//@ apply`

`P4C=/path/to/p4c python corpus.py` has p4c judge the cases that it has not judged as they are now;
`--all` judges every one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
VERDICTS = HERE / "verdicts.json"
HOW = "the whole compilation for Tofino 1 (TNA), to P4Info and assembly (not assembled)"
COMMAND = (
    "--target", "tofino", "--arch", "tna", "-D__TARGET_TOFINO__=1", "-I", str(HERE),
    "--p4runtime-force-std-externs", "--p4runtime-files", "p4info.txtpb",
)  # fmt: skip
KINDS = ("right", "wrong", "outside")
BOUND_S = 120

_HOLE = re.compile(r"^( *)//@ (\w+)(?:: (.*))?$", re.MULTILINE)
_ERROR = re.compile(r"^.*(?:\berror: |syntax error|: error).*$", re.MULTILINE)
_SKELETON = (HERE / "skeleton.p4").read_text()
HOLES = tuple(match.group(2) for match in _HOLE.finditer(_SKELETON))


@dataclass(frozen=True, slots=True)
class Case:
    """`kind` is one of KINDS; `reason` completes it; `parts` are P4 by the name of the hole."""

    group: str
    name: str
    kind: str
    reason: str
    parts: dict[str, str]

    @property
    def path(self) -> str:
        """What the case is called in verdicts.json."""
        return f"{self.group}/{self.name}"

    @property
    def program(self) -> str:
        """The whole program."""
        return _HOLE.sub(
            lambda hole: self.parts.get(hole.group(2), hole.group(1) + (hole.group(3) or "")),
            _SKELETON,
        )

    @property
    def digest(self) -> str:
        """Of the program, to tell a verdict on it from one on what it was."""
        return hashlib.sha256(self.program.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What p4c said of a program; `message` is its first error."""

    accepted: bool
    message: str
    digest: str


class NoVerdictError(Exception):
    """p4c broke over a program, which says nothing about the program."""


def read_cases() -> list[Case]:
    """Every case, by group and in the order of the files. Raises ValueError on a malformed one."""
    cases: list[Case] = []
    for path in sorted((HERE / "cases").glob("*.cases")):
        _, *blocks = re.split(r"^=== ", path.read_text(), flags=re.MULTILINE)
        cases += [_read_case(path.stem, block) for block in blocks]
    names = [case.path for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"cases of one name: {sorted(twice)}")
    return cases


def _read_case(group: str, block: str) -> Case:
    head, *sections = re.split(r"^--- ", block, flags=re.MULTILINE)
    name, _, label = head.strip().partition("\n")
    kind, _, reason = label.strip().partition(": ")
    parts: dict[str, str] = {}
    for section in sections:
        hole, _, text = section.partition("\n")
        parts[hole.strip()] = text.strip("\n")
    if kind not in KINDS or not reason or "\n" in reason or not set(parts) <= set(HOLES):
        raise ValueError(f"{group}/{name}: malformed: {head!r}, {sorted(parts)}")
    return Case(group, name, kind, reason, parts)


def read_verdicts() -> dict[str, Verdict]:
    """What verdicts.json says, by the path of the case."""
    if not VERDICTS.exists():
        return {}
    verdicts = json.loads(VERDICTS.read_text())["cases"]
    return {path: Verdict(**verdict) for path, verdict in verdicts.items()}


def judge(p4c: str, case: Case, directory: Path) -> Verdict:
    """Have p4c compile a case in `directory`. Raises NoVerdictError if p4c itself is at fault."""
    source = directory / "program.p4"
    source.write_text(case.program)
    command = [p4c, *COMMAND, "-o", str(directory / "out"), str(source)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="backslashreplace",  # p4c cuts characters into their octets
        timeout=BOUND_S,
        check=False,
        cwd=directory,
    )
    message = next(iter(_ERROR.findall(done.stderr)), "")
    if bool(done.returncode) != bool(message):
        raise NoVerdictError(f"{case.path}: p4c ended with {done.returncode}: {done.stderr}")
    message = message.replace(f"{directory}/", "").strip()
    return Verdict(not done.returncode, message, case.digest)


def version(p4c: str) -> str:
    """p4c's own version string, such as "9.13.4"."""
    done = subprocess.run([p4c, "--version"], capture_output=True, text=True, check=True)
    return re.search(r"Version (\S+)", done.stdout + done.stderr).group(1)


def main() -> None:
    """Write verdicts.json."""
    parser = argparse.ArgumentParser(description="Have p4c (P4C=...) judge the corpus.")
    parser.add_argument("--all", action="store_true", help="also what it has judged already")
    options = parser.parse_args()
    p4c = os.environ["P4C"]
    known = {} if options.all else read_verdicts()
    verdicts: dict[str, Verdict] = {}
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as directory:
        for case in read_cases():
            verdict = known.get(case.path)
            if verdict is None or verdict.digest != case.digest:
                try:
                    verdict = judge(p4c, case, Path(directory))
                except NoVerdictError as error:
                    faults.append(str(error))
                    continue
                print(f"{case.path}: {verdict.message or 'accepted'}")  # noqa: T201
            verdicts[case.path] = verdict
    written = {
        "p4c": version(p4c),
        "how": HOW,
        "cases": {path: asdict(verdict) for path, verdict in verdicts.items()},
    }
    VERDICTS.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n")
    if faults:
        raise SystemExit("\n".join(faults))


if __name__ == "__main__":
    main()
