"""Finding the programs of UERANSIM and of a core: in folders the user names, then on PATH."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.command import run
from testbed.errors import CommandError, TestbedError

RAN = ("nr-gnb", "nr-ue", "nr-cli")

# A build tree keeps its programs in folders of folders (build/src/amf/open5gs-amfd).
_DEPTH = 4


@dataclass(frozen=True)
class Programs:
    """Where each program was found."""

    paths: dict[str, Path]

    def __getitem__(self, name: str) -> str:
        return str(self.paths[name])


def find(names: Iterable[str], folders: Sequence[Path]) -> Programs:
    """Find programs by name: in `folders` and what is in them, then on PATH.

    Raises TestbedError that names all that is missing and where it was looked for.
    """
    wanted = tuple(names)
    for folder in folders:
        if not folder.is_dir():
            raise TestbedError(f"--programs {folder}: no such folder")
    found = {name: path for name in wanted if (path := _find(name, folders)) is not None}
    missing = [name for name in wanted if name not in found]
    if missing:
        places = ", ".join([*map(str, folders), "PATH"])
        raise TestbedError(
            f"not found in {places}: {', '.join(missing)}. Install or build them, and name "
            "their folder with --programs DIR (it may be given several times)"
        )
    return Programs(found)


def _find(name: str, folders: Sequence[Path]) -> Path | None:
    for folder in folders:
        for candidate in _folders_in(folder, _DEPTH):
            path = candidate / name
            if path.is_file() and os.access(path, os.X_OK):
                return path.resolve()
    on_path = shutil.which(name)
    return None if on_path is None else Path(on_path)


def _folders_in(folder: Path, depth: int) -> Iterator[Path]:
    """The folder, then those in it, level by level: the nearest program is the one meant."""
    level = [folder]
    for _ in range(depth + 1):
        yield from level
        level = [
            each
            for parent in level
            for each in sorted(parent.iterdir())
            if each.is_dir() and not each.is_symlink() and not each.name.startswith(".")
        ]


def version(program: str, option: str = "--version") -> str:
    """The first line a program says of its version, or "unknown" if it says none."""
    try:
        told = run(program, option, timeout_s=5, check=False)
    except CommandError:
        return "unknown"
    lines = [line.strip() for line in (told.stdout + told.stderr).splitlines() if line.strip()]
    return lines[0] if lines else "unknown"
