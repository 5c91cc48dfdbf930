"""PFCP octets as decoders nobody here wrote read them: scapy for values, tshark for complaints."""

import struct
from collections.abc import Iterator
from pathlib import Path

from scapy.contrib import pfcp as n4
from scapy.error import Scapy_Exception
from scapy.packet import Packet

from testbed.command import run
from testbed.errors import PeerError

PFCP_PORT = 8805

HEARTBEAT_REQUEST = 1
SESSION_ESTABLISHMENT_RESPONSE = 51
SESSION_REPORT_REQUEST = 56
_VERSION_NOT_SUPPORTED_RESPONSE = 11
_REQUEST_ACCEPTED = 1


def read(octets: bytes) -> Packet:
    """One PFCP message, header and IEs, as scapy reads it. Raises PeerError if it cannot."""
    try:
        message = n4.PFCP(octets)
    except (Scapy_Exception, struct.error, ValueError, IndexError, TypeError) as unread:
        raise PeerError(f"scapy cannot read PFCP octets {octets.hex()}: {unread}") from unread
    if len(octets) < 8 or message.version != 1 or len(octets) != message.length + 4:
        raise PeerError(f"octets {octets.hex()} are not a whole PFCP message of version 1")
    return message


def name(message: Packet) -> str:
    """The message's name as in TS 29.244 clause 7, "PFCP Session Deletion Response" for one."""
    kind = message.guess_payload_class(b"")  # a message without IEs has no payload to ask
    known = message.message_type in n4.PFCPmessageType
    return str(kind().name) if known else f"PFCP message of type {message.message_type}"


def is_request(message_type: int) -> bool:
    """Whether a message of that type asks for an answer (TS 29.244 table 7.3-1)."""
    is_odd = message_type % 2 == 1
    # The one answer that has no request of its own shifts requests from odd to even numbers.
    return is_odd if message_type < _VERSION_NOT_SUPPORTED_RESPONSE else not is_odd


def ies(group: Packet, number: int) -> Iterator[Packet]:
    """The IEs of that type directly inside a message or grouped IE, in order."""
    inside = group.payload if isinstance(group, n4.PFCP) else group
    return (ie for ie in getattr(inside, "IE_list", ()) or () if _type(ie) == number)


def _type(ie_read: Packet) -> int | None:
    """The IE's type, None for octets scapy could not read as an IE."""
    return int(ie_read.ietype) if isinstance(ie_read, n4.IE_Base) else None


def ie(group: Packet, number: int) -> Packet:
    """The IE of that type inside a message or grouped IE. Raises PeerError where it is missing."""
    for found in ies(group, number):
        return found
    holder = name(group) if isinstance(group, n4.PFCP) else group.name
    raise PeerError(f"{holder} carries no {n4.IEType.get(number, f'IE {number}')}")


def value(ie_read: Packet) -> bytes:
    """The octets of an IE without its type and length."""
    return bytes(ie_read)[4:]


def cause(message: Packet) -> int:
    """The Cause of a response."""
    return int(ie(message, 19).cause)


def require_acceptance(message: Packet) -> None:
    """Raise PeerError with cause, offending IE and failed rule unless the request was accepted."""
    number = cause(message)
    if number == _REQUEST_ACCEPTED:
        return
    told = f"{name(message)}: cause {number} ({n4.CauseValues.get(number, 'unknown')})"
    for offending in ies(message, 40):
        told += f", offending IE {offending.type} ({n4.IEType.get(offending.type, 'unknown')})"
    for failed in ies(message, 114):
        told += f", failed rule {value(failed).hex()}"
    raise PeerError(told)


def tshark_complaints(pcap: Path) -> list[str]:
    """What tshark finds wrong with the PFCP messages in a capture: malformed or expert warnings."""
    wrong = "_ws.malformed || _ws.expert.severity >= warning"
    told = ("frame.number", "_ws.col.Info", "_ws.expert.message")
    fields = [part for field in told for part in ("-e", field)]
    return run("tshark", "-r", str(pcap), "-Y", wrong, "-T", "fields", *fields).stdout.splitlines()
