from pathlib import Path

import pytest

from p4xdp import frontend

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def upf():
    return frontend.load(ROOT / "p4" / "upf.p4")


@pytest.fixture(scope="session")
def small():
    return frontend.load(Path(__file__).parent / "small.p4")


@pytest.fixture
def small_path():
    return Path(__file__).parent / "small.p4"
