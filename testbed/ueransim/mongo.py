"""As much of MongoDB's protocol as putting documents into a collection takes.

OP_MSG and BSON as MongoDB documents them; strings, integers, booleans, null, lists and maps.
"""

import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

from testbed import netns
from testbed.errors import PeerError

PORT = 27017

_OP_MSG = 2013
_HEADER = struct.Struct("<iiii")  # length, request id, response to, operation
_POLL_S = 0.1
_TIMEOUT_S = 10.0


def bson(document: dict[str, Any]) -> bytes:
    """A document as BSON octets."""
    body = b"".join(_element(name, value) for name, value in document.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def _element(name: str, value: Any) -> bytes:
    kind, octets = _encoded(value)
    return bytes([kind]) + name.encode() + b"\0" + octets


def _encoded(value: Any) -> tuple[int, bytes]:
    """BSON's type of a value, and its octets."""
    match value:
        case None | bool():
            return (0x0A, b"") if value is None else (0x08, bytes([value]))
        case int():
            is_short = -(1 << 31) <= value < 1 << 31
            return (
                (0x10, struct.pack("<i", value)) if is_short else (0x12, struct.pack("<q", value))
            )
        case str():
            octets = value.encode()
            return 0x02, struct.pack("<i", len(octets) + 1) + octets + b"\0"
        case dict():
            return 0x03, bson(value)
        case list():
            return 0x04, bson({str(index): each for index, each in enumerate(value)})
        case _:
            raise TypeError(f"no BSON here for {type(value).__name__}")


def insert_request(
    request_id: int, database: str, collection: str, documents: Sequence[dict[str, Any]]
) -> bytes:
    """The octets of an insert command."""
    command = {"insert": collection, "documents": list(documents), "$db": database}
    body = struct.pack("<I", 0) + b"\0" + bson(command)
    return _HEADER.pack(_HEADER.size + len(body), request_id, 0, _OP_MSG) + body


def insert(
    namespace: str, database: str, collection: str, documents: Sequence[dict[str, Any]]
) -> None:
    """Insert documents where MongoDB listens on the loopback of a namespace.

    Raises PeerError if nobody listens there in time, or not all were taken.
    """
    with _connected(namespace) as connection, connection.makefile("rb") as answers:
        connection.sendall(insert_request(1, database, collection, documents))
        header = answers.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise PeerError(f"MongoDB in {namespace} closed the connection at an insert")
        answer = answers.read(_HEADER.unpack(header)[0] - _HEADER.size)
    # {n: 3, ok: 1.0}: the count of documents taken is all there is to read
    taken = answer.partition(b"\x10n\0")[2][:4]
    if taken != struct.pack("<i", len(documents)):
        raise PeerError(
            f"MongoDB in {namespace} did not take {len(documents)} documents: {answer!r}"
        )


def _connected(namespace: str) -> socket.socket:
    deadline = time.monotonic() + _TIMEOUT_S
    while True:
        with netns.entered(namespace):
            made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.settimeout(_TIMEOUT_S)
        try:
            made.connect(("127.0.0.1", PORT))
        except OSError as refusal:
            made.close()
            if time.monotonic() > deadline:
                raise PeerError(
                    f"no MongoDB on 127.0.0.1:{PORT} of {namespace} after {_TIMEOUT_S:g} s: "
                    f"{refusal}"
                ) from refusal
            time.sleep(_POLL_S)
        else:
            return made
