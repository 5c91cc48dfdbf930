"""The service on the wire: octets become messages, and octets that are none are refused as such."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from finsy.proto import p4r
from google.protobuf.message import DecodeError

from p4xdp.runtime.cells import CellsRequest
from p4xdp.runtime.plain import WriteOctets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_SERVICE = "p4.v1.P4Runtime"
_UNARY = {
    "SetForwardingPipelineConfig": (
        p4r.SetForwardingPipelineConfigRequest,
        p4r.SetForwardingPipelineConfigResponse,
    ),
    "GetForwardingPipelineConfig": (
        p4r.GetForwardingPipelineConfigRequest,
        p4r.GetForwardingPipelineConfigResponse,
    ),
    "Capabilities": (p4r.CapabilitiesRequest, p4r.CapabilitiesResponse),
}


@dataclass(frozen=True, slots=True)
class Malformed:
    """Octets that are no message. `text` says so."""

    text: str


def add_service(server: Any, service: Any) -> None:
    """Have a gRPC server answer P4Runtime's calls with `service`."""
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            _checked(getattr(service, name)),
            request_deserializer=functools.partial(_parsed, request),
            response_serializer=response.SerializeToString,
        )
        for name, (request, response) in _UNARY.items()
    }
    handlers["Write"] = grpc.unary_unary_rpc_method_handler(
        _checked(service.Write),
        request_deserializer=_parsed_write,
        response_serializer=p4r.WriteResponse.SerializeToString,
    )
    handlers["Read"] = grpc.unary_stream_rpc_method_handler(
        _checked_stream(service.Read),
        request_deserializer=_parsed_read,
        response_serializer=_octets_of_read,
    )
    handlers["StreamChannel"] = grpc.stream_stream_rpc_method_handler(
        service.StreamChannel,
        request_deserializer=functools.partial(_parsed, p4r.StreamMessageRequest),
        response_serializer=p4r.StreamMessageResponse.SerializeToString,
    )
    handler = grpc.method_handlers_generic_handler(_SERVICE, handlers)
    server.add_generic_rpc_handlers((handler,))


def _parsed(message_type: Any, octets: bytes) -> Any:
    try:
        return message_type.FromString(octets)
    except DecodeError:
        return _malformed(message_type, octets)


def _parsed_write(octets: bytes) -> Any:
    try:
        return WriteOctets.parse(octets)
    except DecodeError:
        return _malformed(p4r.WriteRequest, octets)


def _parsed_read(octets: bytes) -> Any:
    return CellsRequest.parse(octets) or _parsed(p4r.ReadRequest, octets)


def _octets_of_read(response: Any) -> bytes:
    octets: bytes = response if isinstance(response, bytes) else response.SerializeToString()
    return octets


def _malformed(message_type: Any, octets: bytes) -> Malformed:
    name = message_type.DESCRIPTOR.full_name
    return Malformed(f"these {len(octets)} octets are no {name}")


def _checked(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    async def call(request: Any, context: Any) -> Any:
        if isinstance(request, Malformed):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, request.text)
        return await method(request, context)

    return call


def _checked_stream(
    method: Callable[[Any, Any], AsyncIterator[Any]],
) -> Callable[[Any, Any], AsyncIterator[Any]]:
    async def call(request: Any, context: Any) -> AsyncIterator[Any]:
        if isinstance(request, Malformed):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, request.text)
        async for response in method(request, context):
            yield response

    return call
