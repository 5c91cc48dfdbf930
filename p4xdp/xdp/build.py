"""From generated C to a BPF object: clang, once for each content."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from p4xdp.xdp.errors import BuildError

INCLUDE_DIR = Path(__file__).parent
_HEADERS = ("runtime.h", "directory.h", "hash.h", "mirror.h", "digest.h", "switch.h", "copies.h")
_FLAGS = (
    "-O2",
    "-g",
    "-target",
    "bpf",
    "-mcpu=v3",
    "-fno-strict-aliasing",
    "-Wall",
    "-Werror",
    # Every field is carried along; the compiler drops what nobody reads.
    "-Wno-unused-variable",
    "-Wno-unused-but-set-variable",
)
_SYSTEM_CACHE = Path("/var/cache/tern")


def object_for(source: Path, cache_dir: Path | None = None) -> Path:
    """Return the object compiled from the C at `source`, from the cache if it was made before.

    BuildError if clang or libbpf's headers are missing, or clang refuses the source.
    """
    try:
        text = source.read_bytes()
    except OSError as error:
        raise BuildError(f"cannot read the generated program {source}: {error.strerror}") from error
    digest = hashlib.sha256(b"\0".join([text, *map(_header, _HEADERS), *_encoded(_FLAGS)]))
    directory = cache_dir or cache_directory()
    target = directory / f"{source.name.removesuffix('.bpf.c')}-{digest.hexdigest()[:32]}.bpf.o"
    if not target.exists():
        directory.mkdir(parents=True, exist_ok=True)
        _compile(source, target)
    return target


def cache_directory() -> Path:
    """Return where objects are kept: $XDG_CACHE_HOME/tern, or /var/cache/tern for root."""
    home = os.environ.get("XDG_CACHE_HOME")
    if home:
        return Path(home) / "tern"
    return _SYSTEM_CACHE if os.geteuid() == 0 else Path.home() / ".cache" / "tern"


def _header(name: str) -> bytes:
    return (INCLUDE_DIR / name).read_bytes()


def _encoded(words: tuple[str, ...]) -> list[bytes]:
    return [word.encode() for word in words]


def _compile(source: Path, target: Path) -> None:
    clang = shutil.which("clang")
    if clang is None:
        raise BuildError("clang is missing: apt-get install clang libbpf-dev linux-libc-dev")
    # Another process may compile the same: whoever is last replaces an equal file.
    handle, scratch = tempfile.mkstemp(suffix=".o", dir=target.parent)
    os.close(handle)
    # linux/bpf.h includes asm/types.h, which Debian keeps under the host's architecture.
    includes = [f"-I{INCLUDE_DIR}", *_architecture_includes()]
    command = [clang, *_FLAGS, *includes, "-c", str(source), "-o", scratch]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BuildError(_explain(source, done.stderr))
        Path(scratch).replace(target)
    finally:
        Path(scratch).unlink(missing_ok=True)


def _architecture_includes() -> list[str]:
    return [f"-I{path.parent}" for path in sorted(Path("/usr/include").glob("*-linux-gnu/asm"))]


def _explain(source: Path, stderr: str) -> str:
    if "bpf/bpf_helpers.h" in stderr:
        return "libbpf's headers are missing: apt-get install libbpf-dev"
    if "asm/types.h" in stderr or "linux/bpf.h" in stderr:
        return "the kernel's headers are missing: apt-get install linux-libc-dev"
    return f"clang refuses {source}:\n{stderr.strip()}"
