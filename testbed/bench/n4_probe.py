"""How long the UPF takes to answer session modifications, one at a time and paced:
`python -m testbed.bench.n4_probe SMF UPF SEID PER_S SECONDS`. Prints milliseconds as a JSON array.

Each modification gives the gNB's tunnel another TEID, so that entries of the switch change.
"""

import gc
import json
import socket
import sys
import time

from pfcp import enums, ies, messages
from testbed.topology import GNB_ADDRESS

_PFCP_PORT = 8805
_TIMEOUT_S = 5.0
_FAR_ID = 1
_FIRST_TEID = 0x1000


def _request(seid: int, number: int) -> bytes:
    creation = ies.OuterHeaderCreation(teid=_FIRST_TEID + number, ipv4=GNB_ADDRESS)
    parameters = ies.UpdateForwardingParameters(
        destination_interface=enums.DestinationInterface.ACCESS, outer_header_creation=creation
    )
    far = ies.UpdateFAR(
        far_id=_FAR_ID,
        apply_action=ies.ApplyAction(forw=True),
        update_forwarding_parameters=parameters,
    )
    return messages.SessionModificationRequest(seid=seid, update_fars=(far,)).encode(number)


def probe(smf: str, upf: str, seid: int, per_s: float, seconds: float) -> list[float]:
    """Milliseconds of each answer. TimeoutError if one does not come."""
    took_ms = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((smf, 0))
        bound.connect((upf, _PFCP_PORT))
        bound.settimeout(_TIMEOUT_S)
        requests = [_request(seid, number) for number in range(1, int(per_s * seconds) + 1)]
        gc.disable()  # what is timed is the UPF
        began = time.monotonic()
        for number, octets in enumerate(requests, start=1):
            sent = time.monotonic()
            bound.send(octets)
            answer = messages.decode(bound.recv(65536))
            took_ms.append(1000 * (time.monotonic() - sent))
            if getattr(answer, "cause", None) != enums.Cause.REQUEST_ACCEPTED:
                raise ValueError(f"modification {number} was answered {answer}")
            time.sleep(max(0.0, began + number / per_s - time.monotonic()))
    return took_ms


if __name__ == "__main__":
    smf_address, upf_address, up_seid, rate, span = sys.argv[1:]
    print(json.dumps(probe(smf_address, upf_address, int(up_seid), float(rate), float(span))))
