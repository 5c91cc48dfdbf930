"""Packet-in and packet-out: a frame with a controller header before it <-> metadata fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finsy.proto import p4r

from p4xdp.runtime import bytestrings
from p4xdp.runtime.errors import Code, RequestError, invalid

if TYPE_CHECKING:
    from p4xdp.runtime.schema import PacketHeader


def packet_in(header: PacketHeader | None, frame: bytes) -> Any:
    """Take the header off a frame from the data plane: a p4.v1.PacketIn with every field.

    A frame shorter than its header is a fault of the data plane: ValueError.
    """
    if header is None:
        return p4r.PacketIn(payload=frame)
    size_bytes = header.size_bytes
    if len(frame) < size_bytes:
        raise ValueError(f"a packet-in of {len(frame)} octets has no whole {header.name} header")
    message = p4r.PacketIn(payload=frame[size_bytes:])
    bits = int.from_bytes(frame[:size_bytes], "big")
    shift = size_bytes * 8
    for field in header.fields:
        shift -= field.width
        value = (bits >> shift) & ((1 << field.width) - 1)
        message.metadata.add(metadata_id=field.id, value=bytestrings.encode(value))
    return message


def packet_out(header: PacketHeader | None, message: Any) -> bytes:
    """Put the header that a p4.v1.PacketOut describes before its payload.

    Padding may be left out; anything else missing, doubled or unknown is INVALID_ARGUMENT.
    """
    if header is None:
        raise RequestError(Code.UNIMPLEMENTED, "the pipeline has no packet_out header")
    values = {m.metadata_id: m.value for m in message.metadata}
    if len(values) != len(message.metadata):
        raise invalid("packet-out: a metadata field is given twice")
    bits = 0
    for field in header.fields:
        data = values.pop(field.id, None)
        if data is None:
            if not field.is_padding:
                raise invalid(f"packet-out: metadata {field.name} (id {field.id}) is missing")
            data = b"\x00"
        value = bytestrings.decode(data, field.width, "packet-out", field.name)
        bits = bits << field.width | value
    if values:
        raise invalid(f"packet-out: unknown metadata field id {next(iter(values))}")
    payload: bytes = message.payload
    return bits.to_bytes(header.size_bytes, "big") + payload
