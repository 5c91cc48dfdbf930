"""Finding the compiled pipeline."""

from __future__ import annotations

import pytest

from upf.errors import StartError
from upf.target import artifacts


def test_the_compiled_pipeline_is_found_and_has_the_tables():
    info = artifacts.p4info(artifacts.build_dir())
    assert "Ingress.detection.sessions_by_fteid" in {table.preamble.name for table in info.tables}


def test_a_missing_pipeline_is_said(tmp_path):
    with pytest.raises(StartError, match="make p4"):
        artifacts.p4info(tmp_path)
