"""mirror.p4 by interpreter and by XDP: copies from both gresses, and what becomes of them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4xdp.dataplane import CloneSession, CounterValue, RefusedError, Replica

SOURCE = Path(__file__).parents[1] / "programs" / "mirror.p4"
RECIRCULATION = Path(__file__).parents[1] / "programs" / "recirculation.p4"
CONTROLLER, HOST, AGAIN = 192, 193, 68
PORTS = (4, CONTROLLER, HOST, AGAIN)
COUNTED = ("no_clone_session", "mirrored_twice")
SESSIONS = {
    1: CloneSession((Replica(CONTROLLER),)),
    2: CloneSession((Replica(4, 7), Replica(CONTROLLER, 0xFFFF), Replica(HOST))),
    3: CloneSession((Replica(4),), most_octets=30),
    1023: CloneSession((Replica(AGAIN, 1),)),
}
UNKNOWN_SESSION = 9


def orders(
    *,
    ingress_mirror=0,
    egress_mirror=0,
    session=1,
    ingress_drop=0,
    egress_drop=0,
    changes=0,
    value=0xA5,
    port=4,
):
    head = bytes([ingress_mirror, egress_mirror, *session.to_bytes(2, "big")])
    head += bytes([ingress_drop, egress_drop, changes, value])
    return head + port.to_bytes(2, "big") + bytes(6)


FRAMES = st.builds(
    lambda head, rest: head + rest,
    st.builds(
        orders,
        ingress_mirror=st.sampled_from([0, 1, 2, 3, 7]),
        egress_mirror=st.sampled_from([0, 1, 1, 4, 5]),
        session=st.sampled_from([*SESSIONS, UNKNOWN_SESSION]),
        ingress_drop=st.sampled_from([0, 0, 0, 1, 4, 5]),
        egress_drop=st.sampled_from([0, 0, 1, 4, 5]),
        changes=st.sampled_from([0, 0, 1, 2, 4, 0x80, 0x82, 0x84]),
        value=st.sampled_from([1, 2, 0xFF]),
        port=st.sampled_from(PORTS),
    ),
    st.sampled_from([b"", b"payload", bytes(range(16)), bytes(range(250))]),
)


@pytest.fixture(scope="module")
def sides(side_by_side):
    return side_by_side(SOURCE, recirculation_ports=[AGAIN])


def opened(sides):
    """Both sides with the same sessions, counters at 0, and what the switch has dropped so far."""
    new_interpreter, xdp = sides
    interpreter = new_interpreter()
    for port in PORTS:
        xdp.write_counter("Egress.passed", port, CounterValue(0, 0))
    for session, clones in SESSIONS.items():
        for side in (interpreter, xdp):
            side.set_clone_session(session, clones)
    return interpreter, xdp, xdp.switch_drops()


def counted(dataplane):
    return [dataplane.read_counter("Egress.passed", port, 1)[0] for port in PORTS]


@pytest.mark.root
@settings(settings.get_profile("differential"))
@given(frames=st.lists(FRAMES, min_size=8, max_size=20))
def test_xdp_copies_as_the_interpreter_does(sides, frames):
    interpreter, xdp, before = opened(sides)
    for frame in frames:
        assert xdp.run(1, frame, 1) == interpreter.run(1, frame, 1), frame.hex()
    assert counted(xdp) == counted(interpreter)
    drops = {reason: xdp.switch_drops()[reason] - before[reason] for reason in COUNTED}
    assert drops == {reason: interpreter.switch_drops()[reason] for reason in COUNTED}


@pytest.mark.root
@pytest.mark.parametrize("is_dropped", [0, 1])
def test_ingress_copies_the_frame_as_it_came_and_egress_as_it_leaves(sides, is_dropped):
    frame = orders(ingress_mirror=1, egress_mirror=1, egress_drop=is_dropped) + b"payload"
    for side in opened(sides)[:2]:
        result = side.run(1, frame, 1)
        as_it_leaves = frame[:14] + b"\x56\x78" + frame[16:]
        of_ingress, of_egress = (copy.frame[-len(frame) :] for copy in result.copies)
        assert of_ingress == frame
        assert of_egress == as_it_leaves
        assert (result.verdict, result.frame) == (
            ("drop", b"") if is_dropped else ("forward", as_it_leaves)
        )


@pytest.mark.root
def test_a_copy_has_what_it_was_mirrored_with_and_passes_egress_as_any_packet(sides):
    for side in opened(sides)[:2]:
        (copy,) = side.run(1, orders(ingress_mirror=1, session=1), 1).copies
        seen = CONTROLLER.to_bytes(2, "big") + (0).to_bytes(2, "big") + (20).to_bytes(2, "big")
        assert copy.verdict == "controller"
        assert copy.frame[:10] == bytes([1, 0xA5, 5 << 2, 1]) + seen


@pytest.mark.root
def test_there_is_a_copy_for_each_replica_and_no_more_of_it_than_the_session_says(sides):
    frame = orders(ingress_mirror=3, session=2) + bytes(100)
    for side in opened(sides)[:2]:
        copies = side.run(1, frame, 1).copies
        assert [(one.verdict, one.port) for one in copies] == [
            ("forward", 4),
            ("controller", CONTROLLER),
            ("host", HOST),
        ]
        assert [one.frame[2:4] for one in copies] == [b"\0\7", b"\xff\xff", b"\0\0"]
        (cut,) = side.run(1, orders(ingress_mirror=3, session=3) + bytes(100), 1).copies
        assert len(cut.frame) == len(b"seen..") + 30


@pytest.mark.root
def test_a_copy_is_not_copied_again(sides):
    frame = orders(egress_mirror=1, changes=4) + b"payload"
    interpreter, xdp, before = opened(sides)
    for side in (interpreter, xdp):
        (copy,) = side.run(1, frame, 1).copies
        assert copy.copies == ()
    assert interpreter.switch_drops()["mirrored_twice"] == 1
    assert xdp.switch_drops()["mirrored_twice"] == before["mirrored_twice"] + 1


@pytest.mark.root
def test_sessions_that_are_gone_make_no_copies(sides):
    frame = orders(ingress_mirror=1)
    for side in opened(sides)[:2]:
        side.set_clone_session(1, None)
        before = side.switch_drops()["no_clone_session"]
        assert side.run(1, frame, 1).copies == ()
        assert side.switch_drops()["no_clone_session"] == before + 1


@pytest.mark.root
def test_clone_sessions_that_cannot_be_are_refused_with_the_reason(sides, side_by_side):
    _, xdp = sides
    with pytest.raises(RefusedError, match=r"numbered 0\.\.1023"):
        xdp.set_clone_session(1024, None)
    with pytest.raises(RefusedError, match="port 512 is none"):
        xdp.set_clone_session(1, CloneSession((Replica(512),)))
    new_interpreter, without = side_by_side(RECIRCULATION)
    for side in (new_interpreter(), without):
        with pytest.raises(RefusedError, match="mirrors nothing"):
            side.set_clone_session(1, None)
