"""From a path to an elaborated program: the front end's passes in order."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from p4xdp.frontend.check_declarations import check
from p4xdp.frontend.declarations import parse
from p4xdp.frontend.elaborate_program import elaborate
from p4xdp.frontend.preprocessor import Preprocessor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from p4xdp import ir

ARCHITECTURE_DIR = Path(__file__).parent.parent / "arch"
_DEFAULT_DEFINES = {"__TARGET_TOFINO__": "1"}
_NO_DEFINES: Mapping[str, str] = MappingProxyType({})


def load(
    path: Path,
    *,
    defines: Mapping[str, str] = _NO_DEFINES,
    include_dirs: Sequence[Path] = (),
) -> ir.Program:
    """Read, check and elaborate the program at `path`.

    `defines` are as with -D of a compiler; `__TARGET_TOFINO__` is 1 unless given. Raises
    SourceError at the first thing that is wrong or outside the subset of docs/p4-subset.md.
    """
    preprocessor = Preprocessor(
        defines={**_DEFAULT_DEFINES, **defines},
        include_dirs=include_dirs,
        system_dirs=(ARCHITECTURE_DIR,),
    )
    tokens = preprocessor.run(Path(path))
    digest = hashlib.sha256("\n".join(token.text for token in tokens).encode()).hexdigest()
    declarations = parse(tokens)
    main = check(declarations)
    return elaborate(declarations, main, digest)
