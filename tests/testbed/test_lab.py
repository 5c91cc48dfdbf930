import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from testbed import netns
from testbed.command import in_namespace, run
from testbed.errors import CommandError, TestbedError
from testbed.topology import DN_ADDRESS, GNB_ADDRESS, SMF_ADDRESS, UE_POOL, Lab

pytestmark = pytest.mark.root

OWNER = """
import time
from testbed.topology import Lab
with Lab() as lab:
    print(lab.id, flush=True)
    time.sleep(60)
"""
THREAD = Path("/proc/thread-self/ns/net")


@pytest.fixture(scope="module")
def lab():
    with Lab() as lab:
        yield lab


def ping(namespace, address):
    return run("ping", "-c", "1", "-W", "1", address, namespace=namespace, check=False).returncode


@pytest.mark.parametrize("neighbour", [SMF_ADDRESS, GNB_ADDRESS, DN_ADDRESS])
def test_the_upf_reaches_each_neighbour_over_its_link(lab, neighbour):
    assert ping(lab.namespace("upf"), str(neighbour)) == 0


def test_the_kernel_of_the_upf_forwards_nothing(lab):
    assert ping(lab.namespace("dn"), str(GNB_ADDRESS)) != 0
    with netns.entered(lab.namespace("upf")):
        assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == "0\n"


def test_the_data_network_routes_the_ue_pool_to_the_upf(lab):
    route = run("ip", "-n", lab.namespace("dn"), "route", "get", "10.45.0.2").stdout
    assert "via 10.100.6.1 dev n6" in route
    assert str(UE_POOL) == "10.45.0.0/16"


@pytest.mark.parametrize(("room", "interface"), [("core", "n4"), ("ran", "n3"), ("dn", "n6")])
def test_far_ends_poll_and_compute_their_checksums(lab, room, interface):
    features = run("ethtool", "-k", interface, namespace=lab.namespace(room)).stdout
    assert re.search(r"^generic-receive-offload: on", features, re.MULTILINE)
    assert re.search(r"^tx-checksumming: off", features, re.MULTILINE)


def test_a_lab_removes_namespaces_and_processes_when_its_block_fails():
    lab = Lab()
    with pytest.raises(ZeroDivisionError), lab:  # noqa: PT012 - the whole block is what fails
        sleeper = subprocess.Popen(in_namespace(lab.namespace("dn"), ["sleep", "60"]))
        while sleeper.pid not in netns.processes_in(lab.namespace("dn")):
            time.sleep(0.01)
        _ = 1 / 0
    assert sleeper.wait(1) == -signal.SIGTERM
    assert netns.namespaces_of(lab.id) == []
    assert not (netns.RUN_DIRECTORY / lab.id).exists()


def test_a_lab_that_cannot_be_built_leaves_nothing(monkeypatch):
    before = netns.listed()
    monkeypatch.setattr(Lab, "_add_route", lambda *_: run("ip", "no-such-object"))
    with pytest.raises(CommandError, match="no-such-object"), Lab():
        pass
    assert netns.listed() == before


def test_sweep_removes_the_lab_of_a_dead_owner_and_spares_a_living_one(lab):
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    dead = owner.stdout.readline().strip()
    assert len(netns.namespaces_of(dead)) == 4
    netns.sweep()
    assert len(netns.namespaces_of(dead)) == 4
    owner.kill()
    owner.communicate()
    netns.sweep()
    assert netns.namespaces_of(dead) == []
    assert ping(lab.namespace("upf"), str(SMF_ADDRESS)) == 0


def test_sweep_removes_a_namespace_whose_lab_has_no_file(lab):
    run("ip", "netns", "add", "tern-zzzz-upf")  # no lab id: not ours to remove
    orphan = "tern-0000-upf"
    run("ip", "netns", "add", orphan)
    try:
        netns.sweep()
        assert orphan not in netns.listed()
        assert "tern-zzzz-upf" in netns.listed()
    finally:
        run("ip", "netns", "del", "tern-zzzz-upf")


def test_the_file_of_a_lab_is_locked_by_its_owner(lab):
    with (netns.RUN_DIRECTORY / lab.id).open() as file:
        assert int(file.read()) == os.getpid()
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_entering_a_namespace_that_is_not_there_says_so():
    with pytest.raises(TestbedError, match="no-such-namespace"), netns.entered("no-such-namespace"):
        pass


def test_a_program_that_is_not_installed_names_its_package():
    with pytest.raises(CommandError, match="is not installed"):
        run("no-such-program")


def test_the_thread_is_back_home_after_entering_a_namespace(lab):
    home = THREAD.readlink()
    with netns.entered(lab.namespace("dn")):
        assert THREAD.readlink() != home
    assert THREAD.readlink() == home
