"""What commands ask a running UPF over REST, and where it is."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upf.config import load
from upf.errors import StartError, UPFError

if TYPE_CHECKING:
    from upf.config import RESTConfig

TIMEOUT_S = 5.0
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - addresses that are listened on


class RESTError(UPFError):
    """The UPF does not answer, or says no. `document` is what it said."""

    def __init__(self, message: str, document: Any = None) -> None:
        super().__init__(message)
        self.document = document


@dataclass(frozen=True, slots=True)
class RESTClient:
    """GETs and POSTs JSON at a UPF's `url`. `certificate` is trusted besides the system's own."""

    url: str
    token: str | None = None
    certificate: Path | None = None

    @classmethod
    def of(cls, config: Path | None, url: str | None, token: str | None) -> RESTClient:
        """The UPF at `url`, else the one that a configuration is for. ConfigError if there is none
        of both.
        """
        rest = load(config).rest if config is not None else None
        if url is not None:
            return cls(url.rstrip("/"), token, rest.tls_certificate if rest else None)
        if rest is None:
            raise StartError("say which UPF: -c upf.toml, or --url http://127.0.0.1:8080")
        return cls(_url(rest), token, rest.tls_certificate)

    def get(self, path: str) -> Any:
        """The JSON document at `path`; RESTError with the UPF's own words if there is none."""
        return self._ask(path, None)

    def post(self, path: str, document: Any) -> Any:
        """The answer to a JSON document; RESTError likewise."""
        return self._ask(path, json.dumps(document).encode())

    def _ask(self, path: str, body: bytes | None) -> Any:
        request = urllib.request.Request(f"{self.url}{path}", data=body)  # noqa: S310 - http or https
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(  # noqa: S310
                request, timeout=TIMEOUT_S, context=self._tls()
            ) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise self._refused(path, error) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise RESTError(
                f"{self.url} does not answer: is `upf run` running with this configuration? "
                f"({reason})"
            ) from error

    def _refused(self, path: str, error: urllib.error.HTTPError) -> RESTError:
        try:
            document = json.loads(error.read())
            told = document.get("detail") or document.get("reason")
        except ValueError:
            document, told = None, error.reason
        if error.code == 401:
            told = f"{told}; give it with --token or UPF_TOKEN"
        return RESTError(f"{self.url}{path}: {error.code} {told}", document)

    def _tls(self) -> ssl.SSLContext | None:
        if not self.url.startswith("https:"):
            return None
        context = ssl.create_default_context()
        if self.certificate is not None:
            context.load_verify_locations(self.certificate)
            # It is our own certificate, whatever name the UPF is reached by.
            context.check_hostname = False
        return context


def _url(rest: RESTConfig) -> str:
    host = _ANY.get(rest.host, rest.host)
    scheme = "https" if rest.has_tls else "http"
    return f"{scheme}://[{host}]:{rest.port}" if ":" in host else f"{scheme}://{host}:{rest.port}"
