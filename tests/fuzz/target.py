"""What every fuzzer of PFCP runs: any octets give a value or a DecodeError, and nothing else."""

from ipaddress import IPv4Address

from pfcp import header, ies, messages
from pfcp.dissection import dissect
from pfcp.endpoint import Endpoint
from pfcp.errors import DecodeError

PEER = ("192.0.2.1", 8805)
NODE = ies.NodeID(value=IPv4Address("192.0.2.2"))


def decode(octets):
    """Decode, and hold a value against its own octets. Returns whether there was one."""
    try:
        message = messages.decode(octets)
    except DecodeError as error:
        refused = error
    else:
        hold(message, octets)
        return True
    assert 0 <= refused.ie_type < 1 << 16, refused
    assert 1 <= refused.cause < 256, refused
    return False


def hold(message, octets):
    """A value gives octets that are the same value."""
    again = message.encode()
    assert messages.decode(again) == message, octets.hex()
    # Spare bits of the header and a SEID where none belongs do not come back, the IEs do.
    came, given = header.decode_header(octets), header.decode_header(again)
    assert octets[came.start : came.end] == again[given.start :], octets.hex()


def everything(octets):
    """The codec, the walk for people and an endpoint that is associated."""
    dissect(octets)
    endpoint = Endpoint(node_id=NODE, recovery_time_stamp=9, random=lambda: 0.0)
    setup = messages.AssociationSetupRequest(node_id=NODE, recovery_time_stamp=1)
    endpoint.receive_datagram(setup.encode(), PEER, 0.0)
    accepted = messages.AssociationSetupResponse(node_id=NODE, cause=1, recovery_time_stamp=9)
    endpoint.respond(endpoint.next_event(), accepted, 0.0)
    endpoint.send_request(PEER, messages.HeartbeatRequest(recovery_time_stamp=9), 0.0)
    endpoint.receive_datagram(octets, PEER, 1.0)
    endpoint.advance(1000.0)
    for event in endpoint.events():
        repr(event)
    for sent, _ in endpoint.datagrams_to_send():
        messages.decode(sent)
    return decode(octets)
