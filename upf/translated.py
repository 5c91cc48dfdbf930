"""What translating rules of any kind takes: the fields given, refusing what is not done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pfcp import enums
from upf.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pfcp import ies, messages
    from upf.rules import Interface


def given(**fields: Any) -> dict[str, Any]:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def refuse(ie: Any, unsupported: Mapping[str, int]) -> None:
    """UnsupportedError if an IE has a field that we do not do: name -> IE type."""
    for name, ie_type in unsupported.items():
        if getattr(ie, name, None) not in (None, ()):
            raise UnsupportedError(f"{name} is not served", offending_ie=ie_type)


def interface_of(known: Mapping[int, Interface], value: int, ie_type: int) -> Interface:
    """The interface that a number stands for; UnsupportedError if there is none such here."""
    if value not in known:
        raise UnsupportedError(f"interface {value} is not served", offending_ie=ie_type)
    return known[value]


def name_of(ie: ies.NetworkInstance | None) -> str | None:
    """The name of a network instance; None if it is empty or absent."""
    return ie.name if ie is not None and ie.octets else None


def dnn_of(request: messages.SessionEstablishmentRequest) -> str | None:
    """The DNN of a session. Who does not say it (free5GC) names the data network by the network
    instance that downlink packets come from.
    """
    if request.apn_dnn is not None:
        return request.apn_dnn.name
    pdis = (each.pdi for each in request.create_pdrs)
    sources = (each for each in pdis if each.source_interface is enums.SourceInterface.CORE)
    return next((name for each in sources if (name := name_of(each.network_instance))), None)
