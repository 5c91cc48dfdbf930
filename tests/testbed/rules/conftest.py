"""One UPF for all tests of rules."""

from __future__ import annotations

import pytest

from testbed import rules
from testbed.stage import stage_in
from testbed.topology import GNB_ADDRESS


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
def simple(stage, session):
    """Asks for a session with one PDR a direction: (answer, F-TEID of the UPF, TEID of the gNB)."""

    def ask(*addresses, instance="internet", fteid=None, gnb=GNB_ADDRESS, **more):
        teid = stage.number()
        uplink, downlink = (rules.ue(*addresses, is_destination=each) for each in (False, True))
        answer = session(
            (
                rules.from_tunnel(1, fteid or rules.choose_fteid(), 1, ue_ip_addresses=uplink),
                rules.from_core(2, 2, downlink, instance=instance),
            ),
            (rules.to_core(1, instance), rules.to_tunnel(2, teid, gnb)),
            **more,
        )
        return answer, rules.created(answer, 1).local_fteid, teid

    return ask


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
