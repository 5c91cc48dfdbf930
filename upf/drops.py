"""Why the pipeline drops a packet: the drop_reason_t of p4/include/types.p4, name for name."""

from __future__ import annotations

from enum import IntEnum


class DropReason(IntEnum):
    """Index of the reason's counter in both gresses."""

    UNKNOWN_PORT = 1
    MALFORMED_GTPU = 2
    UNSUPPORTED_INNER = 3
    NO_SESSION = 4
    SPOOFED_SOURCE = 5
    GATE_CLOSED = 6
    FAR = 7
    BUFFERING = 8
    NO_TUNNEL_PEER = 10
    NO_ROUTE = 11
    NO_NEXT_HOP = 12
    SLICE_CAPACITY = 13
    NO_MATCHING_RULE = 14
    FLOW_RATE = 15
    SESSION_RATE = 16
    QUOTA_EXHAUSTED = 17
    MALFORMED_IP = 18
    OUTER_FRAGMENT = 19
    PUNT_RATE = 20
    TRUNCATED = 21


NUM_DROP_REASONS = 64
