"""Where the server listens, and what it does about an address it cannot have."""

from __future__ import annotations

import grpc
import pytest
from finsy.proto import p4r, p4r_grpc

from p4xdp.runtime import ListenError, serve


async def ask(address):
    async with grpc.aio.insecure_channel(address) as channel:
        stub = p4r_grpc.P4RuntimeStub(channel)
        return await stub.Capabilities(p4r.CapabilitiesRequest(), timeout=30)


async def test_a_unix_socket_is_ours_alone_and_goes_with_the_server(dataplane, p4info, tmp_path):
    path = tmp_path / "s"
    server = await serve(dataplane, p4info, listen=f"unix:{path}")
    assert server.address == f"unix:{path}"
    assert path.stat().st_mode & 0o777 == 0o600
    assert await ask(server.address)
    await server.stop(0)
    assert not path.exists()


async def test_a_socket_left_behind_is_taken_but_one_in_use_is_not(dataplane, p4info, tmp_path):
    import socket

    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    server = await serve(dataplane, p4info, listen=f"unix:{path}")
    with pytest.raises(ListenError, match="another server"):
        await serve(dataplane, p4info, listen=f"unix:{path}")
    assert await ask(server.address)
    await server.stop(0)


async def test_a_file_is_not_overwritten_by_a_socket(dataplane, p4info, tmp_path):
    path = tmp_path / "s"
    path.write_text("precious")
    with pytest.raises(ListenError, match="is a file"):
        await serve(dataplane, p4info, listen=f"unix:{path}")
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    ("listen", "text"),
    [
        pytest.param("unix:/nonexistent/s", "make the directory", id="no directory"),
        pytest.param("unix:/" + "x" * 120, "107", id="path too long"),
        pytest.param("9559", "no address", id="port alone"),
        pytest.param("127.0.0.1:x", "no address", id="no number"),
        pytest.param("127.0.0.1:99999", "no address", id="number too large"),
        pytest.param("192.0.2.1:9559", "Cannot assign", id="not our address"),
    ],
)
async def test_an_address_that_will_not_do_is_refused(dataplane, p4info, listen, text):
    with pytest.raises(ListenError, match=text):
        await serve(dataplane, p4info, listen=listen)


async def test_a_port_that_is_taken_is_refused(dataplane, p4info, server):
    with pytest.raises(ListenError, match="already in use"):
        await serve(dataplane, p4info, listen=server.address)


async def test_listening_beyond_this_host_is_warned_of(dataplane, p4info, caplog):
    await (await serve(dataplane, p4info, listen="127.0.0.1:0")).stop(0)
    assert "without encryption" not in caplog.text
    await (await serve(dataplane, p4info, listen="0.0.0.0:0")).stop(0)
    assert "without encryption" in caplog.text
