"""A compiled program with the settings of a switch, to be loaded: and how to know it again."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from p4xdp.xdp.build import object_for
from p4xdp.xdp.contents import Contents, resize
from p4xdp.xdp.errors import LoadError
from p4xdp.xdp.manifest import Manifest, parse_manifest
from p4xdp.xdp.objects import Loaded, Object

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

PORTS = 512
WIRE_PROGRAM = "from_wire"
CONTROLLER_PROGRAM = "from_controller"
RECIRCULATION_PROGRAM = "from_recirculation"
TEST_PROGRAM = "from_test"
BENCHMARK_PROGRAM = "from_benchmark"
COPY_PROGRAM = "from_copy"
_SETTINGS = struct.Struct(f"<II{PORTS // 8}sII")  # struct switch_settings
_FEWEST_INTERFACES = 1 << 16


@dataclass(frozen=True, slots=True)
class Settings:
    """What a program is loaded with. With `testing` it can be run by hand; with `has_ports` it can
    be attached. `sizes` are entries of tables and cells of arrays, where not the program's own.
    """

    cpu_port: int = 192
    host_port: int = 193
    recirculation_ports: frozenset[int] = frozenset()
    sizes: tuple[tuple[str, int], ...] = ()
    testing: bool = False
    has_ports: bool = True


@dataclass(frozen=True, slots=True)
class Program:
    """`manifest_text` is the manifest as it is in its file."""

    source: Path
    manifest_text: str
    manifest: Manifest
    settings: Settings

    @classmethod
    def read(cls, build_dir: Path, settings: Settings) -> Self:
        """Read the one program in `build_dir`; LoadError."""
        sources = sorted(Path(build_dir).glob("*.bpf.c"))
        if len(sources) != 1:
            raise LoadError(f"{build_dir} holds {len(sources)} programs (*.bpf.c), not one")
        path = sources[0].with_name(sources[0].name.removesuffix(".bpf.c") + ".json")
        try:
            text = path.read_text()
            manifest = parse_manifest(json.loads(text), str(path))
        except (OSError, ValueError) as error:
            raise LoadError(f"cannot read the manifest {path}: {error}") from error
        return cls(sources[0], text, manifest, settings)

    @property
    def sizes(self) -> dict[str, int]:
        """Return the sizes wanted, by name."""
        return dict(self.settings.sizes)

    def identity(self) -> str:
        """Return the same for programs of which one may go on where the other was."""
        # The name of the object tells the C, what it includes and how it was compiled.
        told = (object_for(self.source).name, self.manifest_text, repr(self.settings))
        return hashlib.sha256("\0".join(told).encode()).hexdigest()[:32]

    def programs(self) -> list[str]:
        """Return the programs for the kernel that are wanted."""
        settings = self.settings
        wanted = [WIRE_PROGRAM, CONTROLLER_PROGRAM] if settings.has_ports else []
        if settings.testing:
            wanted += [TEST_PROGRAM, BENCHMARK_PROGRAM]
        if settings.recirculation_ports:
            wanted.append(RECIRCULATION_PROGRAM)
        if self.manifest.has_copies:
            wanted.append(COPY_PROGRAM)
        return wanted

    def load(self, num_interfaces: int, shared: Mapping[str, int]) -> tuple[Object, set[str]]:
        """Hand the program to the kernel, with the maps `shared` by name, if they have the form.

        Returns it and the names of maps that are new. LoadError if the kernel refuses it.
        """
        loaded = Object(object_for(self.source))
        try:
            resize(loaded, self.manifest, self.sizes)
            loaded.set_size("switch_ports", num_interfaces)
            loaded.set_constants(".rodata.switch", self._constants())
            for name in self.programs():
                loaded.want_program(name)
            own = loaded.map_names()
            taken = {n for n, fd in shared.items() if n in own and loaded.share(n, fd)}
            loaded.load()
            if self.settings.recirculation_ports:
                again = loaded.program_fd(RECIRCULATION_PROGRAM)
                programs = loaded.map("switch_programs", 4, 4)
                programs.put(bytes(4), again.to_bytes(4, "little"))
        except BaseException:
            loaded.close()
            raise
        return loaded, own - taken

    def _constants(self) -> bytes:
        settings = self.settings
        recirculates = sum(1 << port for port in settings.recirculation_ports)
        return _SETTINGS.pack(
            settings.cpu_port,
            settings.host_port,
            recirculates.to_bytes(PORTS // 8, "little"),
            recirculates != 0,
            settings.testing,
        )


@dataclass(slots=True)
class Running:
    """A program in the kernel. `is_taken_over` from an earlier process; `lost` is what could not go
    on, a phrase each.
    """

    identity: str
    loaded: Loaded
    manifest: Manifest
    contents: Contents
    sizes: dict[str, int]
    num_interfaces: int
    map_names: list[str]
    is_taken_over: bool = False
    lost: list[str] = field(default_factory=list)

    def close(self) -> None:
        """Let go of it."""
        self.contents.close()
        self.loaded.close()


def num_interfaces_for(indices: Collection[int]) -> int:
    """Return how many interfaces a program should know that is to be attached to those."""
    return max(_FEWEST_INTERFACES, 1 << max(indices, default=0).bit_length())
