"""What clients send: taken as the OpenAPI document says, without guesses."""

from __future__ import annotations

import re
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from types import NoneType
from typing import Annotated, Any, get_args

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    IPvAnyAddress,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

_NUMBERS = frozenset({int, float, NoneType})
_ADDRESSES = frozenset({IPv4Address, IPv6Address, IPvAnyAddress, NoneType})
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class Asked(BaseModel):
    """A body. Truth is no number, nor is text that reads like one; a number is no address."""

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_guess(cls, value: Any, info: ValidationInfo) -> Any:
        types = _types(cls, info.field_name or "")
        if isinstance(value, bool) and bool not in types:
            raise PydanticCustomError("truth", "Input should not be true or false")
        if isinstance(value, str) and types <= _NUMBERS:
            raise PydanticCustomError("number", "Input should be a number")
        if isinstance(value, int | float) and types <= _ADDRESSES:
            raise PydanticCustomError("text", "Input should be an address, as text")
        return value


def _is_rfc_3339(value: Any) -> Any:
    if not isinstance(value, str) or _RFC_3339.fullmatch(value) is None:
        raise PydanticCustomError("time", "Input should be a time such as 2026-05-01T12:00:00Z")
    return value


Time = Annotated[AwareDatetime, BeforeValidator(_is_rfc_3339)]


@cache
def _types(model: type[BaseModel], field_name: str) -> frozenset[Any]:
    return frozenset(_types_in(model.model_fields[field_name].annotation))


def _types_in(annotation: Any) -> set[Any]:
    """The types that an annotation is made of, whatever is noted beside them."""
    parts = get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        parts = parts[:1]
    if not parts:
        return {annotation}
    return set().union(*map(_types_in, parts))
