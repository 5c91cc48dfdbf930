"""What no client should send, and more of it than anybody should."""

from __future__ import annotations

import asyncio
import subprocess

import grpc
import pytest
from finsy.proto import p4r, p4r_grpc

from p4xdp.runtime import TLS, ListenError, serve
from p4xdp.runtime.service import MAX_STREAMS
from p4xdp.runtime.write import MAX_UPDATES

INSERT = p4r.Update.INSERT
ENTRY = (
    r"table_id: 0x02000001 match { field_id: 1 exact { value: '\x01' } } "
    r"match { field_id: 2 exact { value: '\x01' } } "
    r"action { action { action_id: 0x01000002 params { param_id: 1 value: 'a' } } }"
)
LARGE = [("grpc.max_send_message_length", 1 << 30), ("grpc.max_receive_message_length", 1 << 30)]


async def refusal(awaitable):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await awaitable
    return caught.value.code().name, caught.value.details()


@pytest.fixture
async def channel(server):
    async with grpc.aio.insecure_channel(server.address, options=LARGE) as channel:
        yield channel


@pytest.mark.parametrize("octets", [b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"hello, world"])
@pytest.mark.parametrize("method", ["Write", "SetForwardingPipelineConfig", "Capabilities"])
async def test_octets_that_are_no_message_are_refused_as_such(channel, method, octets, caplog):
    call = channel.unary_unary(f"/p4.v1.P4Runtime/{method}")
    code, text = await refusal(call(octets))
    assert code == "INVALID_ARGUMENT"
    assert text == f"these {len(octets)} octets are no p4.v1.{method}Request"
    assert caplog.text == ""


async def test_a_stream_of_octets_that_are_no_message_ends(channel):
    stream = channel.stream_stream("/p4.v1.P4Runtime/StreamChannel")()
    await stream.write(b"\xff\xff")
    code, text = await refusal(stream.read())
    assert (code, text) == (
        "INVALID_ARGUMENT",
        "these 2 octets are no p4.v1.StreamMessageRequest",
    )
    read = channel.unary_stream("/p4.v1.P4Runtime/Read")(b"\xff\xff")
    assert (await refusal(read.read()))[0] == "INVALID_ARGUMENT"


async def test_a_message_of_64_mb_is_refused_before_it_is_looked_at(channel):
    call = channel.unary_unary("/p4.v1.P4Runtime/Write")
    code, text = await refusal(call(bytes(64 << 20)))
    assert code == "RESOURCE_EXHAUSTED"
    assert "larger than max (67108864 vs." in text


async def test_a_batch_is_not_larger_than_its_answer_can_tell(client, table_entry):
    updates = [(INSERT, table_entry(ENTRY))] * (MAX_UPDATES + 1)
    code, text = await refusal(client.write(*updates))
    assert code == "RESOURCE_EXHAUSTED"
    assert text == f"a batch of {MAX_UPDATES + 1} updates; at most {MAX_UPDATES}, send several"


async def test_values_of_any_length_are_refused_in_few_words(client, table_entry):
    entry = table_entry(ENTRY)
    entry.match[0].exact.value = b"\x01" + bytes(1_000_000)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.write((INSERT, entry))
    assert "a number of 1000001 octets does not fit in bit<8>" in caught.value.details()
    assert len(caught.value.details()) < 300
    entry = table_entry(ENTRY)
    entry.metadata = bytes(4097)
    assert await client.codes((INSERT, entry)) == [11]


async def test_streams_are_limited_and_those_that_end_make_room(server, new_client):
    client = await new_client().become_primary()
    async with own_channel(server) as channel:
        stub = p4r_grpc.P4RuntimeStub(channel)
        streams = [stub.StreamChannel() for _ in range(MAX_STREAMS + 200)]
        ended = [asyncio.ensure_future(stream.code()) for stream in streams]
        while sum(each.done() for each in ended) < 201:  # noqa: ASYNC110 - so many at once
            await asyncio.sleep(0.05)
        over = [number for number, each in enumerate(ended) if each.done()]
        codes = [ended[number].result() for number in over]
        # gRPC itself says CANCELLED of some that it could not tell in time.
        assert set(codes) <= {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.CANCELLED}
        refused = streams[over[codes.index(grpc.StatusCode.RESOURCE_EXHAUSTED)]]
        assert (
            await refused.details() == f"{MAX_STREAMS} streams are open, and there can be no more"
        )
        # Who is there already does not suffer.
        assert await client.entries() == []
    await asyncio.sleep(0.5)
    assert await new_client(7).become_primary()


async def test_answers_that_nobody_reads_are_limited(server, client, table_entry, monkeypatch):
    monkeypatch.setattr("p4xdp.runtime.service.MAX_READS", 2)
    entries = [(INSERT, table_entry(ENTRY)) for _ in range(1500)]
    for number, (_, entry) in enumerate(entries):
        entry.match[1].exact.value = number.to_bytes(3, "big")
        entry.metadata = bytes(4000)
    await client.write(*entries)
    request = p4r.ReadRequest(device_id=1)
    request.entities.add().table_entry.SetInParent()
    async with own_channel(server) as channel:
        stub = p4r_grpc.P4RuntimeStub(channel)
        calls = [stub.Read(request) for _ in range(3)]
        ended = [asyncio.ensure_future(call.code()) for call in calls]
        done, _ = await asyncio.wait(ended, return_when="FIRST_COMPLETED", timeout=30)
        assert {each.result() for each in done} == {grpc.StatusCode.RESOURCE_EXHAUSTED}


def own_channel(server):
    options = [*LARGE, ("grpc.use_local_subchannel_pool", 1)]
    return grpc.aio.insecure_channel(server.address, options=options)


# --- who may speak to us --------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, and certificates of it for `server` and `client`: files in a directory."""
    directory = tmp_path_factory.mktemp("tls")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=directory, capture_output=True)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca")
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1")
    for name in ("server", "client"):
        request = ("-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("req", *new_key, *request)
        authority = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", *authority, "-out", f"{name}.pem")
    return directory


async def capabilities(address, credentials):
    async with grpc.aio.secure_channel(address, credentials) as channel:
        stub = p4r_grpc.P4RuntimeStub(channel)
        return await stub.Capabilities(p4r.CapabilitiesRequest(), timeout=5)


async def test_only_clients_with_a_certificate_get_in_if_one_is_asked_for(
    dataplane, p4info, certificates, caplog
):
    files = {path.name: path for path in certificates.iterdir()}
    tls = TLS(files["server.pem"], files["server.key"], files["ca.pem"])
    server = await serve(dataplane, p4info, listen="0.0.0.0:0", tls=tls)
    address = server.address.replace("0.0.0.0", "127.0.0.1")
    authority = files["ca.pem"].read_bytes()
    pair = (files["client.key"].read_bytes(), files["client.pem"].read_bytes())
    assert await capabilities(address, grpc.ssl_channel_credentials(authority, *pair))
    code, _ = await refusal(capabilities(address, grpc.ssl_channel_credentials(authority)))
    assert code == "UNAVAILABLE"
    assert "listening on" not in caplog.text
    await server.stop(0)


async def test_tls_that_asks_nobody_who_he_is_is_warned_of(dataplane, p4info, certificates, caplog):
    tls = TLS(certificates / "server.pem", certificates / "server.key")
    server = await serve(dataplane, p4info, listen="0.0.0.0:0", tls=tls)
    assert "without asking clients who they are" in caplog.text
    await server.stop(0)


async def test_files_that_are_no_certificates_are_said(dataplane, p4info, certificates):
    tls = TLS(certificates / "nowhere.pem", certificates / "server.key")
    with pytest.raises(ListenError, match=r"cannot read .*nowhere.pem"):
        await serve(dataplane, p4info, listen="127.0.0.1:0", tls=tls)
    tls = TLS(certificates / "names", certificates / "server.key")
    with pytest.raises(ListenError, match="certificate and key"):
        await serve(dataplane, p4info, listen="127.0.0.1:0", tls=tls)
