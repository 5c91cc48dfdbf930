"""What can be wrong with a request, and how P4Runtime says it.

Inside the server a refusal is a `RequestError`; only here and in `service` does it become gRPC's.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from finsy.proto import p4r, rpc_status

from p4xdp.dataplane import DataplaneError, RefusedError, TableFullError

if TYPE_CHECKING:
    from collections.abc import Sequence

DETAILS_KEY = "grpc-status-details-bin"

_MAX_MESSAGES = 1000  # of one answer; the errors after those have their codes alone
_MAX_MESSAGE = 200  # characters; details travel in metadata, which clients bound (8 KiB by default)


class Code(IntEnum):
    """The canonical codes of google.rpc.Code that this server uses."""

    OK = 0
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13


class RequestError(Exception):
    """A request, or one update of it, is refused."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @classmethod
    def of(cls, error: RequestError | DataplaneError) -> RequestError:
        """Say a refusal of ours, or of the data plane, in P4Runtime's codes."""
        return error if isinstance(error, RequestError) else cls.from_dataplane(error)

    @classmethod
    def from_dataplane(cls, error: DataplaneError) -> RequestError:
        """Say what the data plane could not do in P4Runtime's codes."""
        if isinstance(error, TableFullError):
            return cls(Code.RESOURCE_EXHAUSTED, str(error))
        refused = isinstance(error, RefusedError)
        return cls(Code.INVALID_ARGUMENT if refused else Code.INTERNAL, str(error))


def invalid(message: str) -> RequestError:
    """Make the refusal most malformed messages earn."""
    return RequestError(Code.INVALID_ARGUMENT, message)


def status_details(message: str, errors: Sequence[RequestError | None]) -> bytes:
    """Encode a google.rpc.Status with one p4.v1.Error per update; None stands for OK.

    P4Runtime specification, "Error Reporting" of the Write RPC.
    """
    status = rpc_status.Status(code=Code.UNKNOWN, message=message)
    told = 0
    for error in errors:
        detail = p4r.Error(canonical_code=Code.OK)
        if error is not None:
            detail.canonical_code = error.code
            if told < _MAX_MESSAGES:
                detail.message = error.message[:_MAX_MESSAGE]
                told += 1
        status.details.add().Pack(detail)
    encoded: bytes = status.SerializeToString()
    return encoded
