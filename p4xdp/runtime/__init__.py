"""A P4Runtime server over any `p4xdp.dataplane.Dataplane`."""

from p4xdp.runtime.schema import SchemaError
from p4xdp.runtime.server import DEFAULT_LISTEN, ListenError, RunningServer, check_listen, serve

__all__ = ["DEFAULT_LISTEN", "ListenError", "RunningServer", "SchemaError", "check_listen", "serve"]
