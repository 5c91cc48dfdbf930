"""A program on real interfaces: veths into namespaces of their own."""

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from p4xdp.dataplane import CloneSession, DataplaneError, Entry, Match, RefusedError, Replica
from p4xdp.xdp.errors import PortError
from p4xdp.xdp.namespaces import Peer, interface, peer_of
from p4xdp.xdp.offloads import Offload, is_on

pytestmark = pytest.mark.root

CPU_PORT, HOST_PORT = 192, 193
ETH_P_ALL = socket.htons(3)
ETHER_TYPE = 0x88B5  # for experiments; nobody else here speaks it


def send(port_in, port_out):
    return Entry((Match(port_in, 0x1FF),), "Ingress.send", (port_out,))


def in_namespace(namespace, *command):
    return subprocess.run(
        ["ip", "netns", "exec", namespace, *command],
        check=False, capture_output=True, text=True, timeout=20,
    )  # fmt: skip


@contextlib.contextmanager
def far_end(namespace):
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        yield Peer("eth0", namespace, fd)
    finally:
        os.close(fd)


def offload(namespace, which):
    with far_end(namespace) as peer:
        return peer.run(lambda: is_on("eth0", which))


@pytest.fixture(params=["native", "generic"])
def switch(request, opened, wire, hosts):
    dataplane = opened(wire, dict(enumerate(hosts, 1)), mode=request.param)
    dataplane.insert_entries("Ingress.wires", [send(1, 2), send(2, 1), send(CPU_PORT, 1)])
    return dataplane


def raw_socket():
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHER_TYPE))


def packet_socket(namespace):
    """A packet socket on the far end."""
    with far_end(namespace) as peer:
        found = peer.run(raw_socket)
    found.bind(("eth0", ETHER_TYPE))
    found.settimeout(5)
    return found


def frame_of(payload, ether_type=b"\x88\xb5"):
    return bytes.fromhex("ffffffffffff020000000001") + ether_type + payload


def test_hosts_that_know_nothing_of_xdp_reach_each_other(switch, hosts):
    client, server = hosts.values()
    assert in_namespace(client, "ping", "-c2", "-i0.2", "-W2", "10.9.0.2").returncode == 0
    # Segments and checksums that a veth would leave to hardware arrive whole.
    script = (
        "import socket\n"
        "s = socket.create_server(('10.9.0.2', 7007)); print('ready', flush=True)\n"
        "c, _ = s.accept(); total = 0\n"
        "while data := c.recv(65536): total += len(data)\n"
        "print(total)\n"
    )
    command = ["ip", "netns", "exec", server, "python3", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as receiver:
        try:
            assert receiver.stdout.readline() == "ready\n"
            script = (
                "import socket\n"
                "c = socket.create_connection(('10.9.0.2', 7007), 5)\n"
                "c.settimeout(5); c.sendall(bytes(4_000_000))\n"
            )
            assert in_namespace(client, "python3", "-c", script).stderr == ""
            assert receiver.communicate(timeout=10)[0] == "4000000\n"
        finally:
            receiver.kill()
    assert not any(switch.switch_drops().values())


def test_a_packet_out_enters_at_the_cpu_port_and_leaves(switch, hosts):
    with packet_socket(next(iter(hosts.values()))) as receiver:
        switch.send(b"\0\0" + frame_of(b"a packet-out" + bytes(60)))
        assert receiver.recv(2000) == frame_of(b"a packet-out" + bytes(60))


@pytest.mark.parametrize("length", [0, 46, 1500])
def test_frames_for_the_cpu_port_reach_the_receiver_whole(switch, hosts, length):
    switch.modify_entries("Ingress.wires", [send(2, CPU_PORT)])
    payload = bytes(i % 251 for i in range(length))

    async def receive():
        frames = asyncio.Queue()
        switch.on_packet_in(frames.put_nowait)
        with packet_socket(list(hosts.values())[1]) as sender:
            sender.send(frame_of(payload))
        while True:
            frame = await asyncio.wait_for(frames.get(), 5)
            if frame[12:14] == b"\x88\xb5":  # hosts say this and that on their own
                return frame

    assert asyncio.run(receive()) == frame_of(payload)


def test_frames_the_controller_does_not_fetch_are_dropped_and_counted(switch):
    switch.modify_entries("Ingress.wires", [send(CPU_PORT, CPU_PORT)])
    for _ in range(2200):  # the ring holds 4 MiB of records of 2 KiB
        switch.send(b"\0\0" + frame_of(bytes(60)))
    assert switch.switch_drops()["controller_busy"] > 0


def test_a_port_without_an_interface_is_counted(switch):
    switch.modify_entries("Ingress.wires", [send(CPU_PORT, 77)])
    switch.send(b"\0\0" + frame_of(bytes(60)))
    assert switch.switch_drops()["no_egress_port"] == 1


RECIRCULATION_PORT = 68


@pytest.mark.parametrize("mode", ["native", "generic"])
def test_what_is_sent_to_a_recirculation_port_is_processed_once_more(opened, wire, hosts, mode):
    ports = dict(enumerate(hosts, 1))
    switch = opened(wire, ports, mode=mode, recirculation_ports=[RECIRCULATION_PORT])
    switch.insert_entries(
        "Ingress.wires",
        [send(1, RECIRCULATION_PORT), send(RECIRCULATION_PORT, 2), send(CPU_PORT, 68)],
    )
    near, far = hosts.values()
    with packet_socket(near) as sender, packet_socket(far) as receiver:
        sender.send(frame_of(b"around" + bytes(60)))
        assert receiver.recv(2000) == frame_of(b"around" + bytes(60))
        switch.send(b"\0\0" + frame_of(b"a packet-out" + bytes(60)))
        assert receiver.recv(2000) == frame_of(b"a packet-out" + bytes(60))
    assert not any(switch.switch_drops().values())
    switch.modify_entries("Ingress.wires", [send(RECIRCULATION_PORT, RECIRCULATION_PORT)])
    switch.send(b"\0\0" + frame_of(bytes(60)))
    assert switch.switch_drops()["recirculated_twice"] == 1


MIRROR = Path(__file__).parents[1] / "programs" / "mirror.p4"


def everything_at(namespace):
    """A socket that sees every frame that arrives at the far end."""
    with far_end(namespace) as peer:
        found = peer.run(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, ETH_P_ALL))
    found.bind(("eth0", 3))
    found.settimeout(5)
    return found


def orders(*, ingress_mirror, session, port, payload):
    """A frame of mirror.p4, of the type for experiments."""
    head = bytes([ingress_mirror, 0, 0, session, 0, 0, 0, 9, 0, port, 0, 0])
    return head + b"\x88\xb5" + bytes(2) + payload


@pytest.mark.parametrize("mode", ["native", "generic"])
@pytest.mark.parametrize("length", [60, 1300])
def test_copies_reach_ports_and_the_controller(opened, hosts, mode, length):
    switch = opened(MIRROR.read_text(), dict(enumerate(hosts, 1)), mode=mode)
    replicas = (Replica(2, 5), Replica(CPU_PORT, 6))
    switch.set_clone_session(7, CloneSession(replicas))
    near, far = hosts.values()
    payload = bytes(range(1, 21)) * (length // 20)
    frame = orders(ingress_mirror=3, session=7, port=1, payload=payload)

    async def copied():
        frames = asyncio.Queue()
        switch.on_packet_in(frames.put_nowait)
        with packet_socket(near) as sender, everything_at(far) as receiver:
            sender.send(frame)
            packet_in = await asyncio.wait_for(frames.get(), 5)
            heard = iter(lambda: receiver.recv(2000), b"")
            return packet_in, next(one for one in heard if frame in one)

    packet_in, received = asyncio.run(copied())
    seen = len(frame).to_bytes(2, "big")
    assert packet_in == CPU_PORT.to_bytes(2, "big") + b"\0\6" + seen + frame
    assert received == b"\0\2\0\5" + seen + frame


def test_copies_that_nobody_fetches_are_dropped_and_counted(opened, hosts):
    switch = opened(MIRROR.read_text(), dict(enumerate(hosts, 1)))
    switch.set_clone_session(7, CloneSession((Replica(CPU_PORT),)))
    frame = orders(ingress_mirror=3, session=7, port=77, payload=bytes(60))
    for _ in range(2200):  # the ring holds 4 MiB of records of 2 KiB
        switch.send(frame)
    assert switch.switch_drops()["copies_busy"] > 0


def test_clone_sessions_to_ports_that_are_not_there_are_refused(opened, hosts):
    switch = opened(MIRROR.read_text(), dict(enumerate(hosts, 1)))
    with pytest.raises(RefusedError, match="port 3 is none of this switch: it has 1, 2, 192, 193"):
        switch.set_clone_session(7, CloneSession((Replica(3),)))


def test_the_host_port_is_the_hosts_own_stack(switch, hosts):
    switch.modify_entries("Ingress.wires", [send(1, HOST_PORT)])
    near, namespace = next(iter(hosts.items()))
    with (
        raw_socket() as own,
        packet_socket(namespace) as sender,
    ):
        own.bind((near, ETHER_TYPE))
        own.settimeout(5)
        sender.send(frame_of(b"for the host" + bytes(60)))
        assert own.recv(2000) == frame_of(b"for the host" + bytes(60))


def test_far_ends_get_what_they_need_and_get_it_back(opened, wire, hosts, caplog):
    caplog.set_level(logging.INFO, "p4xdp")
    before = {(n, o): offload(n, o) for n in hosts.values() for o in Offload}
    dataplane = opened(wire, dict(enumerate(hosts, 1)))
    for namespace in hosts.values():
        assert offload(namespace, Offload.GRO)
        assert not offload(namespace, Offload.TX_CHECKSUM)
        assert f"eth0 in namespace /run/netns/{namespace}: tx switched off" in caplog.text
    assert all(interface(name).program_id for name in hosts)
    dataplane.close()
    assert {key: offload(*key) for key in before} == before
    assert not any(interface(name).program_id for name in hosts)


def test_a_far_end_out_of_reach_means_generic_xdp_and_a_warning(
    opened, wire, hosts, caplog, monkeypatch
):
    monkeypatch.setattr("p4xdp.xdp.preparing.peer_of", lambda _veth: None)
    opened(wire, dict(enumerate(hosts, 1)))
    assert "slow generic XDP" in caplog.text
    assert "ethtool -K <interface> gro on tx off" in caplog.text
    assert all(interface(name).program_id for name in hosts)


def test_a_far_end_we_may_not_enter_is_out_of_reach(hosts, monkeypatch):
    def refuse(_namespace_fd):
        raise PermissionError

    monkeypatch.setattr("p4xdp.xdp.namespaces._enter", refuse)
    open_before = set(Path("/proc/self/fd").iterdir())
    assert [peer_of(interface(name)) for name in hosts] == [None, None]
    assert set(Path("/proc/self/fd").iterdir()) == open_before


def test_native_is_refused_where_it_cannot_work(opened, wire, hosts, monkeypatch):
    monkeypatch.setattr("p4xdp.xdp.preparing.peer_of", lambda _veth: None)
    with pytest.raises(PortError, match="out of reach"):
        opened(wire, dict(enumerate(hosts, 1)), mode="native")
    assert not any(interface(name).program_id for name in hosts)


def test_an_interface_that_is_missing_down_or_taken_is_named(opened, wire, hosts):
    first, second = hosts
    with pytest.raises(PortError, match="there is no interface nowhere0"):
        opened(wire, {1: "nowhere0"})
    subprocess.run(["ip", "link", "set", second, "down"], check=True)
    with pytest.raises(PortError, match=f"interface {second} is down: ip link set {second} up"):
        opened(wire, {1: first, 2: second})
    opened(wire, {1: first})
    with pytest.raises(PortError, match=f"{first} already has an XDP program"):
        opened(wire, {1: first})


def test_port_numbers_and_names_are_checked(opened, wire):
    with pytest.raises(DataplaneError, match=r"0\.\.511"):
        opened(wire, {512: "eth0"})
    with pytest.raises(DataplaneError, match="taken by the switch"):
        opened(wire, {CPU_PORT: "eth0"})
    with pytest.raises(DataplaneError, match="two ports"):
        opened(wire, {1: "eth0", 2: "eth0"})


def test_nothing_stays_on_an_interface_when_the_process_is_killed(built, wire, hosts):
    name = next(iter(hosts))
    script = (
        "import sys, time, pathlib; from p4xdp import xdp\n"
        "dataplane = xdp.XdpDataplane.open(pathlib.Path(sys.argv[1]), {1: sys.argv[2]})\n"
        "print('open', flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(built(wire)), name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "open\n"
            assert interface(name).program_id
        finally:
            process.kill()
    assert interface(name).program_id is None
