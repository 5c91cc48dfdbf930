"""What an SMF, a UE and an operator notice of a UPF that is killed and started again: nothing."""

import itertools
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from testbed.command import run
from testbed.errors import PeerError
from testbed.gnb import GNB, UE
from testbed.open5gs import PDUSession, Tunnel
from testbed.smf import SMF
from testbed.topology import (
    DN_ADDRESS,
    GNB_ADDRESS,
    SMF_ADDRESS,
    UE_POOL,
    UPF_N3_ADDRESS,
    UPF_N4_ADDRESS,
)
from testbed.traffic import ping
from testbed.upf_process import CONFIGURATION, UPFProcess

pytestmark = pytest.mark.root
PING_BYTES = 84
BOUND_S = 60.0
NUMBERS = itertools.count(3)  # of UEs


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A file system of 2 MiB."""
    directory = tmp_path_factory.mktemp("disk")
    run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(directory))
    yield directory
    run("umount", str(directory))


@pytest.fixture(scope="module")
def upf(lab, disk, tmp_path_factory):
    configuration = f'{CONFIGURATION}\n[state]\nfile = "{disk}/upf.db"\n'
    directory = tmp_path_factory.mktemp("upf")
    with UPFProcess(lab.namespace("upf"), directory, configuration) as upf:
        yield upf


@pytest.fixture
def smf(lab, upf):
    with SMF(lab.namespace("core"), SMF_ADDRESS, UPF_N4_ADDRESS) as smf:
        yield smf


def until(condition):
    deadline = time.monotonic() + BOUND_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_ready(upf):
    try:
        upf.rest.get("/health")
    except PeerError:
        return False
    return True


def is_accepted(smf, established, tunnel):
    try:
        smf.forward_to_gnb(established, tunnel)
    except PeerError as refused:
        if "cause 77" not in str(refused):
            raise
        return False
    return True


@pytest.fixture
def ue(lab, smf):
    """A UE on air with a session: (session, tunnel of the gNB, UE)."""
    with GNB(lab.namespace("ran"), GNB_ADDRESS) as gnb:
        smf.associate()
        number = next(NUMBERS)
        session = PDUSession(smf.allocate_cp_seid(), SMF_ADDRESS, UE_POOL[number], qfi=5)
        established = smf.establish(session)
        tunnel = Tunnel(gnb.allocate_downlink_teid(), GNB_ADDRESS)
        smf.forward_to_gnb(established, tunnel)
        room = lab.add_room(f"ue{number}")
        ue = UE(room, session.ue_ipv4, 5, established.uplink.teid, tunnel.teid)
        gnb.attach(ue, UPF_N3_ADDRESS)
        yield established, tunnel, ue


def test_a_killed_upf_serves_the_same_sessions_when_it_is_back(lab, upf, smf, ue):
    established, tunnel, ue = ue
    stamp = smf.heartbeat()
    assert ping(ue.namespace, DN_ADDRESS, count=5).received == 5
    upf.kill()
    # The data plane needs neither process.
    assert ping(ue.namespace, DN_ADDRESS, count=5).received == 5
    upf.start()
    assert smf.heartbeat() == stamp
    assert ping(ue.namespace, DN_ADDRESS, count=5).received == 5
    smf.buffer(established)
    smf.forward_to_gnb(established, tunnel)
    assert ping(lab.namespace("dn"), ue.ipv4, count=5).received == 5
    (report,) = smf.delete(established)
    assert (report.ur_seqn, report.total_bytes) == (0, 20 * PING_BYTES)
    assert smf.faults == []
    assert upf.faults() == []


def test_a_killed_switch_comes_back_with_everything_while_packets_go_on(lab, upf, smf, ue):
    established, tunnel, ue = ue
    assert ping(ue.namespace, DN_ADDRESS, count=5).received == 5
    os.kill(upf.switch_pid, signal.SIGKILL)
    until(lambda: not is_ready(upf))
    # Refused, if the switch is away for longer than an SMF should wait.
    is_accepted(smf, established, tunnel)
    assert ping(ue.namespace, DN_ADDRESS, count=5).received == 5
    until(lambda: is_ready(upf))
    assert "0 missing, 0 changed, 0 strays, 0 meters set" in upf.log.read_text()
    smf.buffer(established)
    smf.forward_to_gnb(established, tunnel)
    assert ping(lab.namespace("dn"), ue.ipv4, count=5).received == 5
    (report,) = smf.delete(established)
    assert (report.ur_seqn, report.total_bytes) == (0, 15 * PING_BYTES)
    assert smf.faults == []


def test_upf_and_switch_killed_in_the_middle_of_requests_agree_again(upf, smf, ue, monkeypatch):
    """Whatever of an unanswered request is in force, it is whole: the switch holds the sessions
    that the UPF tells, and nothing else.
    """
    monkeypatch.setattr("testbed.smf._N1", 60)  # it repeats its request for as many seconds
    established, _, ue = ue
    session = PDUSession(smf.allocate_cp_seid(), SMF_ADDRESS, UE_POOL[next(NUMBERS)], qfi=5)
    with ThreadPoolExecutor(1) as executor:
        asked = executor.submit(smf.establish, session)
        os.kill(upf.switch_pid, signal.SIGKILL)
        upf.kill()
        upf.start()
        # The request is repeated: it is carried out once, whichever run it reached.
        second = asked.result(BOUND_S)
    assert len(upf.rest.get("/v1/sessions")) == 2
    assert ping(ue.namespace, DN_ADDRESS, count=2).received == 2
    smf.delete(second)
    smf.delete(established)
    assert upf.rest.get("/v1/sessions") == []
    assert smf.faults == []


def test_a_full_disk_refuses_requests_and_nothing_else(disk, upf, smf, ue):
    established, tunnel, ue = ue
    session = PDUSession(smf.allocate_cp_seid(), SMF_ADDRESS, UE_POOL[next(NUMBERS)], qfi=5)
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(4096))
    until(lambda: not is_accepted(smf, established, tunnel))  # the last page of the file is full
    assert not is_ready(upf)
    with pytest.raises(PeerError, match="77"):
        smf.establish(session)
    assert len(upf.rest.get("/v1/sessions")) == 1
    (disk / "filler").unlink()
    until(lambda: is_accepted(smf, established, tunnel))
    assert ping(ue.namespace, DN_ADDRESS, count=2).received == 2
    second = smf.establish(session)
    smf.delete(second)
    smf.delete(established)
