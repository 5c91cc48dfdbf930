"""The answer to a request that cannot be read (TS 29.244 §7.6)."""

from dataclasses import fields
from typing import Any

from pfcp import messages, schema
from pfcp.errors import DecodeError
from pfcp.header import Header
from pfcp.ies import NodeID
from pfcp.messages import Message


def refusal(
    head: Header,
    error: DecodeError,
    *,
    node_id: NodeID,
    recovery_time_stamp: int,
    cp_seid: int,
) -> Message:
    """The response to a request of this header, with the error's Cause and Offending IE.

    `cp_seid` goes into the header of a session's response: 0 where the session is not known.
    """
    response_type = messages.response_type_of(head.message_type)
    assert response_type is not None, f"message type {head.message_type} is no request"
    cls: Any = schema.MESSAGES[response_type].cls
    values: dict[str, Any] = {
        "sequence_number": head.sequence_number,
        "seid": cp_seid,
        "node_id": node_id,
        "cause": error.cause,
        "offending_ie": error.ie_type or None,
        "recovery_time_stamp": recovery_time_stamp,
    }
    names = {field.name for field in fields(cls)}
    refused: Message = cls(**{name: values[name] for name in names & values.keys()})
    return refused
