"""The interpreter and the XDP code side by side, with the same clock."""

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from p4xdp import frontend
from p4xdp.dataplane import Dataplane
from p4xdp.interp import Interpreter

# Enough for every commit, and always the same. P4XDP_DIFFERENTIAL_EXAMPLES=20000 is a long search,
# another one each time.
EXAMPLES = int(os.environ.get("P4XDP_DIFFERENTIAL_EXAMPLES", "0"))

settings.register_profile(
    "differential",
    max_examples=EXAMPLES or 100,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="session")
def side_by_side(
    tmp_path_factory,
) -> Iterator[Callable[..., tuple[Callable[[], Dataplane], Dataplane]]]:
    """From a source (and settings): what makes a new interpreter, and the XDP code, loaded once."""
    from p4xdp import xdp
    from p4xdp.xdp.manifest import to_text

    opened = []

    def build(source, **settings):
        program = frontend.load(source)
        c_text, manifest = xdp.generate(program)
        directory = tmp_path_factory.mktemp(source.stem)
        (directory / f"{source.stem}.bpf.c").write_text(c_text, encoding="utf-8")
        (directory / f"{source.stem}.json").write_text(to_text(manifest), encoding="utf-8")
        opened.append(xdp.XdpDataplane.open(directory, {}, testing=True, **settings))
        return lambda: Interpreter(program, **settings), opened[-1]

    yield build
    for dataplane in opened:
        dataplane.close()
