"""Telling controllers what became of ports, which P4Runtime itself has no words for.

P4Runtime specification, "Architecture-Specific Notifications": a StreamMessageResponse with
`other`, here a google.protobuf.Struct of the member

    "ports": {"1": {"interface": "eth0", "state": "up"}, ...}

with all ports of the switch that have an interface. A state is "up", "down" or "gone".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finsy.proto import p4r
from google.protobuf.struct_pb2 import Struct

if TYPE_CHECKING:
    from p4xdp.dataplane import Dataplane


def message(dataplane: Dataplane) -> Any:
    """Return the StreamMessageResponse that tells the states of all ports."""
    states = dataplane.port_states()
    told = Struct()
    told["ports"] = {
        str(number): {"interface": name, "state": states[number]}
        for number, name in dataplane.port_names().items()
    }
    response = p4r.StreamMessageResponse()
    response.other.Pack(told)
    return response


def are_up(dataplane: Dataplane) -> bool:
    """Return whether there is nothing to tell: all ports are up."""
    return all(state == "up" for state in dataplane.port_states().values())
