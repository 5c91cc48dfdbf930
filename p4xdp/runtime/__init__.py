"""A P4Runtime server over any `p4xdp.dataplane.ServedDataplane`."""

from p4xdp.runtime.listening import TLS, ListenError, check_listen
from p4xdp.runtime.schema import SchemaError
from p4xdp.runtime.server import DEFAULT_LISTEN, RunningServer, serve

__all__ = [
    "DEFAULT_LISTEN",
    "TLS",
    "ListenError",
    "RunningServer",
    "SchemaError",
    "check_listen",
    "serve",
]
