import asyncio
import errno
import socket
from ipaddress import IPv4Address

import pytest

from pfcp import events, ies, messages
from pfcp.endpoint import Endpoint
from pfcp.enums import Cause
from pfcp.transactions import Timers
from pfcp.udp import DATAGRAMS_AT_ONCE, N4AddressError, _advice, serve

LOOPBACK = ("127.0.0.1", 0)


def endpoint(address, timers=None):
    return Endpoint(
        node_id=ies.NodeID(value=IPv4Address(address)),
        recovery_time_stamp=100,
        random=lambda: 0.0,
        timers=timers,
    )


def report(pdr_ids=(1,)):
    return messages.SessionReportRequest(
        seid=1,
        report_type=ies.ReportType(dldr=True),
        downlink_data_report=ies.DownlinkDataReport(pdr_ids=pdr_ids),
    )


def acknowledge(server_of):
    def on_event(event):
        if isinstance(event, events.RequestReceived):
            answer = messages.SessionReportResponse(seid=2, cause=Cause.REQUEST_ACCEPTED)
            server_of["smf"].respond(event, answer)

    return on_event


@pytest.fixture
async def opened():
    """Opens servers and closes them."""
    servers = []

    async def open_server(entity, on_event, local=LOOPBACK):
        servers.append(await serve(entity, local, on_event))
        return servers[-1]

    yield open_server
    for server in servers:
        server.close()
    # A closed transport lets go of its socket one turn of the loop later.
    await asyncio.sleep(0)


async def pair(opened, upf_events, timers=None, on_smf_event=None):
    servers = {}
    on_smf = on_smf_event or acknowledge(servers)
    servers["smf"] = await opened(endpoint("192.0.2.1"), on_smf)
    upf = await opened(endpoint("192.0.2.2", timers), upf_events.put_nowait)
    return upf, servers["smf"]


async def test_a_request_and_its_answer_cross_a_real_socket(opened):
    told = asyncio.Queue()
    upf, smf = await pair(opened, told)
    handle = upf.send_request(smf.local, report())
    event = await asyncio.wait_for(told.get(), 5)
    assert (event.handle, event.response.cause) == (handle, Cause.REQUEST_ACCEPTED)


async def test_an_association_ended_here_is_gone_at_once(opened):
    upf = endpoint("127.0.0.1")
    server = await opened(upf, lambda _: None)
    request = messages.AssociationSetupRequest(
        node_id=ies.NodeID(value=IPv4Address("127.0.0.2")), recovery_time_stamp=1
    )
    answer = messages.AssociationSetupResponse(
        node_id=upf.node_id, cause=Cause.REQUEST_ACCEPTED, recovery_time_stamp=100
    )
    upf.associations.agree(("127.0.0.2", 8805), request, answer)
    server.release(request.node_id)
    assert len(upf.associations) == 0


async def test_a_datagram_of_sixty_kilobytes_is_read(opened):
    told = asyncio.Queue()
    upf, smf = await pair(opened, told)
    upf.send_request(smf.local, report(pdr_ids=tuple(range(10_000))))
    event = await asyncio.wait_for(told.get(), 5)
    assert isinstance(event, events.ResponseReceived)


async def test_the_timer_runs_without_traffic(opened):
    told = asyncio.Queue()
    upf, smf = await pair(opened, told, Timers(t1_s=0.02, n1=1), on_smf_event=lambda _: None)
    upf.send_request(smf.local, report())
    event = await asyncio.wait_for(told.get(), 5)
    assert isinstance(event, events.RequestTimedOut)
    assert upf.endpoint.counters["retransmissions"] == 1


async def test_a_fault_of_the_owner_is_logged_and_does_not_stop_the_others(caplog, opened):
    told = asyncio.Queue()
    servers, count = {}, iter(range(2))

    def on_smf_event(event):
        if next(count) == 0:
            raise RuntimeError("planted")
        acknowledge(servers)(event)

    upf, servers["smf"] = await pair(opened, told, on_smf_event=on_smf_event)
    upf.send_request(servers["smf"].local, report())
    second = upf.send_request(servers["smf"].local, report())
    event = await asyncio.wait_for(told.get(), 5)
    assert event.handle == second
    assert "RequestReceived of 127.0.0.1" in caplog.text
    assert "planted" in caplog.text


async def test_an_answer_given_later_is_sent_at_once(opened):
    told = asyncio.Queue()
    asked = asyncio.Queue()
    upf, smf = await pair(opened, told, on_smf_event=asked.put_nowait)
    upf.send_request(smf.local, report())
    event = await asyncio.wait_for(asked.get(), 5)
    smf.respond(event, messages.SessionReportResponse(cause=Cause.REQUEST_ACCEPTED))
    assert isinstance(await asyncio.wait_for(told.get(), 5), events.ResponseReceived)


async def test_an_answer_kept_by_an_earlier_run_is_sent_at_once(opened):
    told = asyncio.Queue()
    asked = asyncio.Queue()
    upf, smf = await pair(opened, told, on_smf_event=asked.put_nowait)
    upf.send_request(smf.local, report())
    event = await asyncio.wait_for(asked.get(), 5)
    answer = messages.SessionReportResponse(cause=Cause.REQUEST_ACCEPTED)
    smf.respond_again(event, smf.prepare(event, answer))
    assert isinstance(await asyncio.wait_for(told.get(), 5), events.ResponseReceived)


async def test_a_taken_port_is_named_with_what_to_do(opened):
    server = await opened(endpoint("192.0.2.1"), print)
    with pytest.raises(N4AddressError) as caught:
        await opened(endpoint("192.0.2.1"), print, server.local)
    assert f"port {server.local[1]} is taken" in str(caught.value)
    assert "ss -lunp" in str(caught.value)


async def test_an_address_of_another_host_is_named_with_what_to_do():
    with pytest.raises(N4AddressError, match=r"192\.0\.2\.77 is on no interface"):
        await serve(endpoint("192.0.2.1"), ("192.0.2.77", 8805), print)


async def test_a_datagram_the_kernel_does_not_take_is_counted(opened):
    server = await opened(endpoint("192.0.2.1"), print)
    server.send_request(("127.0.0.1", 0), report())
    assert server.endpoint.counters["socket_errors"] == 1


async def test_what_the_kernel_tells_when_a_datagram_is_read_is_counted(monkeypatch, opened):
    server = await opened(endpoint("192.0.2.1"), print)

    class Refusing:
        def recvfrom(self, _):
            raise ConnectionRefusedError(111, "planted")

    with monkeypatch.context() as patch:
        patch.setattr(server, "_socket", Refusing())
        server._receive()
    assert server.endpoint.counters["socket_errors"] == 1


async def test_a_burst_is_answered_whole(opened):
    server = await opened(endpoint("192.0.2.1"), print)
    burst = 2 * DATAGRAMS_AT_ONCE + 3
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(LOOPBACK)
        for number in range(burst):
            beat = messages.HeartbeatRequest(recovery_time_stamp=1)
            peer.sendto(beat.encode(number), server.local)
        peer.setblocking(False)  # noqa: FBT003
        answers = set()
        while len(answers) < burst:
            octets = await asyncio.get_running_loop().sock_recv(peer, 1000)
            answers.add(messages.decode(octets).sequence_number)
    assert answers == set(range(burst))


async def test_a_timer_that_is_due_earlier_takes_the_place_of_a_later_one(opened):
    asked = asyncio.Queue()
    server = await opened(endpoint("192.0.2.1", Timers(t1_s=60.0)), asked.put_nowait)
    server.send_request(("127.0.0.1", 9), report())
    late = server._timer
    server.endpoint.timers = Timers(t1_s=0.05)
    server.endpoint._outbound._timers = server.endpoint.timers
    server.send_request(("127.0.0.1", 9), report())
    assert server._timer.when() < late.when()
    assert late.cancelled()


async def test_a_server_closed_twice_is_closed():
    server = await serve(endpoint("192.0.2.1"), LOOPBACK, print)
    server.close()
    server.close()
    assert server._socket.fileno() == -1


async def test_the_socket_is_closed_where_the_loop_does_not_take_it(monkeypatch):
    taken = []

    def refuse(sock, _):
        taken.append(sock)
        raise RuntimeError("planted")

    monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", refuse)
    with pytest.raises(RuntimeError, match="planted"):
        await serve(endpoint("192.0.2.1"), LOOPBACK, print)
    assert taken[0].fileno() == -1


def test_any_other_fault_of_an_address_is_told_in_the_kernels_words():
    told = _advice(("192.0.2.1", 8805), OSError(errno.EACCES, "Permission denied"))
    assert told == "N4 address 192.0.2.1 port 8805 cannot be used: Permission denied"


async def test_an_endpoint_serves_ipv6(opened):
    server = await opened(endpoint("192.0.2.1"), print, ("::1", 0))
    assert server.local[0] == "::1"
