"""REST of a UPF that listens on the loopback of its own network namespace."""

import http.client
import json
import socket
from typing import Any

from testbed import netns
from testbed.errors import PeerError

_TIMEOUT_S = 5.0


class _NamespaceConnection(http.client.HTTPConnection):
    """An HTTP connection whose socket is made inside a network namespace."""

    def __init__(self, namespace: str, host: str, port: int) -> None:
        super().__init__(host, port, timeout=_TIMEOUT_S)
        self._namespace = namespace

    def connect(self) -> None:
        with netns.entered(self._namespace):
            self.sock = socket.create_connection((self.host, self.port), self.timeout)


class REST:
    """GET, PUT and POST of JSON. A refusal is a PeerError with the UPF's own words."""

    def __init__(self, namespace: str, host: str = "127.0.0.1", port: int = 8080) -> None:
        self._where = (namespace, host, port)

    def get(self, path: str) -> Any:
        """The JSON document at `path`."""
        return json.loads(self._ask("GET", path))

    def get_text(self, path: str) -> str:
        """The text at `path` (`/metrics`)."""
        return self._ask("GET", path).decode()

    def put(self, path: str, document: Any) -> Any:
        """Put a JSON document at `path`; return what the UPF made of it."""
        return json.loads(self._ask("PUT", path, document) or b"null")

    def post(self, path: str, document: Any) -> Any:
        """Send a JSON document to `path`; return the answer."""
        return json.loads(self._ask("POST", path, document))

    def _ask(self, method: str, path: str, document: Any = None) -> bytes:
        connection = _NamespaceConnection(*self._where)
        body = None if document is None else json.dumps(document)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            octets = answer.read()
        except (OSError, http.client.HTTPException) as failure:
            raise PeerError(f"REST {method} {path}: {failure!r}") from failure
        finally:
            connection.close()
        if answer.status not in {200, 201, 204}:
            told = octets.decode(errors="replace")
            raise PeerError(f"REST {method} {path}: {answer.status} {answer.reason}: {told}")
        return octets
