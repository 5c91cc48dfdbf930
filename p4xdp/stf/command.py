"""What `p4xdp stf` does: the vectors of files, on one data plane after the other."""

from __future__ import annotations

import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from p4xdp.stf.parsing import read
from p4xdp.stf.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from p4xdp import ir
    from p4xdp.stf.runner import RunnableDataplane
    from p4xdp.stf.syntax import Vector


def run(program: ir.Program, files: Sequence[Path], data_planes: Sequence[str]) -> bool:
    """Print what fails and a line of totals for each of "interpreter", "xdp"; return if all passed.

    StfError, OSError for files; UnsupportedProgramError, DataplaneError for XDP.
    """
    vectors = [(path, vector) for path in files for vector in read(path)]
    all_pass = True
    for name in data_planes:
        with _interpreter(program) if name == "interpreter" else _xdp(program) as dataplane:
            failed = _run_all(Runner(program, dataplane), vectors)
        print(f"{name}: {len(vectors)} vectors, {failed} failed")  # noqa: T201
        all_pass = all_pass and not failed
    return all_pass


def _run_all(runner: Runner, vectors: Sequence[tuple[Path, Vector]]) -> int:
    failed = 0
    for path, vector in vectors:
        problems = runner.run(vector)
        failed += bool(problems)
        for problem in problems:
            print(f"{path}: {vector.name}: {problem}")  # noqa: T201
    return failed


@contextmanager
def _interpreter(program: ir.Program) -> Iterator[RunnableDataplane]:
    from p4xdp.interp import Interpreter  # noqa: PLC0415  # only what is asked for is imported

    yield Interpreter(program)


@contextmanager
def _xdp(program: ir.Program) -> Iterator[RunnableDataplane]:
    from p4xdp import xdp  # noqa: PLC0415
    from p4xdp.xdp.manifest import to_text  # noqa: PLC0415

    c_text, manifest = xdp.generate(program)
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "program.bpf.c").write_text(c_text, encoding="utf-8")
        (Path(directory) / "program.json").write_text(to_text(manifest), encoding="utf-8")
        with closing(xdp.XdpDataplane.open(Path(directory), {}, testing=True)) as dataplane:
            yield dataplane
