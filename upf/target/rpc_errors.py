"""What a switch answers when it refuses, as errors of this UPF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from finsy.proto import p4r, rpc_code, rpc_status

from upf.errors import (
    NotPrimaryError,
    PipelineMismatchError,
    TableFullError,
    TargetError,
    WriteFailure,
    WriteRejectedError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upf.entry import Entry

_DETAILS_KEY = "grpc-status-details-bin"


def update_codes(error: grpc.aio.AioRpcError) -> list[tuple[int, str]]:
    """Canonical code and message of every update of a refused write; empty if it tells none."""
    if error.code() is not grpc.StatusCode.UNKNOWN:
        return []
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY:
            status = rpc_status.Status()
            status.ParseFromString(value)
            return [_unpack(detail) for detail in status.details]
    return []


def _unpack(detail: Any) -> tuple[int, str]:
    error = p4r.Error()
    detail.Unpack(error)
    return error.canonical_code, error.message


def from_rpc(error: grpc.aio.AioRpcError, what: str) -> TargetError:
    """Turn a call's failure into ours. `what` says what was being done."""
    code, text = error.code(), error.details() or "no reason given"
    if code is grpc.StatusCode.PERMISSION_DENIED:
        return NotPrimaryError(f"{what}: another controller is primary on the switch")
    if code is grpc.StatusCode.FAILED_PRECONDITION:
        return PipelineMismatchError(f"{what}: the switch is not ready: {text}")
    if code is grpc.StatusCode.UNAVAILABLE:
        return TargetError(f"{what}: the switch cannot be reached: {text}")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return TargetError(f"{what}: the switch did not answer in time")
    return TargetError(f"{what}: the switch refused ({code.name}): {text}")


def rejected(
    codes: Sequence[tuple[int, str]], entries: Sequence[Entry | None]
) -> WriteRejectedError:
    """Make the error of a write some of whose updates were refused."""
    failures = [
        WriteFailure(entry, code, message)
        for (code, message), entry in zip(codes, entries, strict=False)
        if code not in (rpc_code.OK, rpc_code.ABORTED)
    ]
    is_full = any(failure.code == rpc_code.RESOURCE_EXHAUSTED for failure in failures)
    kind = TableFullError if is_full else WriteRejectedError
    first = failures[0].message if failures else "no reason given"
    return kind(f"the switch refused {len(failures)} of {len(codes)} updates: {first}", failures)
