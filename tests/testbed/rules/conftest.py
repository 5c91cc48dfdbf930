"""One UPF for all tests of rules."""

from __future__ import annotations

import pytest

from testbed.stage import stage_in


@pytest.fixture(scope="package")
def stage(tmp_path_factory):
    with stage_in(tmp_path_factory.mktemp("stage")) as stage:
        yield stage
        assert stage.upf.stop() == 0, stage.upf.log.read_text()
        assert stage.upf.faults() == []


@pytest.fixture(autouse=True)
def quiet(stage):
    """Nothing of an earlier test is still to be received."""
    for end in (stage.gnb, stage.gnb2, stage.gnb6, stage.far, stage.smf_gtpu):
        end.drain()
    stage.smf.asked.clear()


@pytest.fixture
def session(stage):
    """Asks for sessions and deletes them in the end: `session(pdrs, fars, ...)`."""
    seids = []

    def ask(pdrs, fars, **more):
        answer = stage.smf.establish(tuple(pdrs), tuple(fars), **more)
        assert answer.cause == 1, answer
        seids.append(answer.up_fseid.seid)
        return answer

    yield ask
    for seid in seids:
        stage.smf.delete(seid)
