from ipaddress import IPv4Address
from itertools import product

import pytest

from pfcp import ies, messages
from pfcp.association import TRANSITIONS, Action, AssociationTable, Signal, State
from pfcp.enums import Cause

PEER = ("192.0.2.1", 8805)
NODE = ies.NodeID(value=IPv4Address("192.0.2.1"))


def setup(node_id=NODE, recovery_time_stamp=100, features=None):
    return messages.AssociationSetupRequest(
        node_id=node_id, recovery_time_stamp=recovery_time_stamp, cp_function_features=features
    )


def accepted(cause=Cause.REQUEST_ACCEPTED):
    return messages.AssociationSetupResponse(node_id=NODE, cause=cause, recovery_time_stamp=1)


def table_in(state):
    table = AssociationTable()
    if state is not State.ABSENT:
        table.agree(PEER, setup(), accepted())
    if state is State.UNREACHABLE:
        table.signal(NODE, Signal.SILENT)
    return table


def state_of(table):
    known = table.of_node(NODE)
    return known.state if known else State.ABSENT


BEAT, STOP = Action.SCHEDULE_HEARTBEAT, Action.STOP_HEARTBEATS
RESTART = (STOP, Action.FORGET_ANSWERS, Action.TELL_RESTARTED)

# Written apart from the table under test: a swapped cell there differs from the one here.
CELLS = {
    (State.ABSENT, Signal.ESTABLISHED): (State.ASSOCIATED, (BEAT,)),
    (State.ABSENT, Signal.RELEASED): (State.ABSENT, ()),
    (State.ABSENT, Signal.RESTARTED): (State.ABSENT, ()),
    (State.ABSENT, Signal.SILENT): (State.ABSENT, ()),
    (State.ABSENT, Signal.HEARD): (State.ABSENT, ()),
    (State.ASSOCIATED, Signal.ESTABLISHED): (State.ASSOCIATED, (BEAT,)),
    (State.ASSOCIATED, Signal.RELEASED): (State.ABSENT, (STOP,)),
    (State.ASSOCIATED, Signal.RESTARTED): (State.ABSENT, RESTART),
    (State.ASSOCIATED, Signal.SILENT): (State.UNREACHABLE, (BEAT, Action.TELL_LOST)),
    (State.ASSOCIATED, Signal.HEARD): (State.ASSOCIATED, ()),
    (State.UNREACHABLE, Signal.ESTABLISHED): (State.ASSOCIATED, (BEAT, Action.TELL_RETURNED)),
    (State.UNREACHABLE, Signal.RELEASED): (State.ABSENT, (STOP,)),
    (State.UNREACHABLE, Signal.RESTARTED): (State.ABSENT, RESTART),
    (State.UNREACHABLE, Signal.SILENT): (State.UNREACHABLE, (BEAT,)),
    (State.UNREACHABLE, Signal.HEARD): (State.ASSOCIATED, (Action.TELL_RETURNED,)),
}


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("state", State)
def test_every_state_answers_every_signal(state, signal):
    table = table_in(state)
    before = table.of_node(NODE)
    assert state_of(table) is state
    if signal is Signal.ESTABLISHED:
        move = table.agree(PEER, setup(), accepted())
    else:
        move = table.signal(NODE, signal)
    after, actions = CELLS[state, signal]
    assert state_of(table) is after
    assert move == (NODE, before, table.of_node(NODE), actions)


def test_the_table_has_a_cell_for_everything_and_no_other():
    assert TRANSITIONS == CELLS
    assert set(CELLS) == set(product(State, Signal))


def test_a_refused_setup_begins_nothing():
    table = AssociationTable()
    assert table.agree(PEER, setup(), accepted(Cause.REQUEST_REJECTED)) is None
    assert table.all() == ()


def test_an_update_changes_only_what_it_carries():
    table = AssociationTable()
    features = ies.CPFunctionFeatures(load=True)
    table.agree(PEER, setup(features=features), accepted())
    up = ies.UPFunctionFeatures(ftup=True)
    update = messages.AssociationUpdateRequest(node_id=NODE, up_function_features=up)
    answer = messages.AssociationUpdateResponse(node_id=NODE, cause=Cause.REQUEST_ACCEPTED)
    table.agree(PEER, update, answer)
    known = table.of_node(NODE)
    assert (known.cp_function_features, known.up_function_features) == (features, up)


def test_an_update_of_nobody_begins_nothing():
    table = AssociationTable()
    update = messages.AssociationUpdateRequest(node_id=NODE)
    answer = messages.AssociationUpdateResponse(node_id=NODE, cause=Cause.REQUEST_ACCEPTED)
    assert table.agree(PEER, update, answer) is None
    assert len(table) == 0


def test_a_peer_is_known_from_any_port_while_its_address_is_unambiguous():
    table = table_in(State.ASSOCIATED)
    assert table.of_peer((PEER[0], 40000)).node_id == NODE
    other = ies.NodeID(value="other")
    table.agree((PEER[0], 40001), setup(other), accepted())
    assert table.of_peer((PEER[0], 40000)) is None
    assert table.of_peer((PEER[0], 40001)).node_id == other
    assert table.of_peer(("192.0.2.9", 8805)) is None
