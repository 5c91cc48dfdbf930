"""No row of the N4 table without a test, and the page as it is."""

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "n4-conformance.md"


@pytest.fixture(scope="module")
def conformance():
    spec = importlib.util.spec_from_file_location("n4_conformance", HERE / "conformance.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_row_has_a_test_that_is_there(conformance):
    assert conformance.faults() == []


def test_a_row_without_either_and_a_test_that_is_not_there_are_found(conformance, monkeypatch):
    rows = [
        {"text": "empty", "missing": "all of it"},
        {"text": "gone", "tests": ["upf/test_n4.py::test_nothing", "upf/no.py::test_x"]},
    ]
    monkeypatch.setattr(conformance, "sections", lambda: [{"title": "x", "row": rows}])
    assert [each.partition(":")[0] for each in conformance.faults()] == ["empty", "gone", "gone"]


def test_the_page_is_what_the_rows_say(conformance):
    assert PAGE.read_text(encoding="utf-8") == conformance.page(), (
        "python tests/n4/conformance.py > docs/n4-conformance.md"
    )
