"""Conditional requests (RFC 9110 clause 13): no change of what somebody else changed meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

from api.schemas import etag_of
from upf.errors import PreconditionError
from upf.slices import Slice


@dataclass(frozen=True, slots=True)
class Conditions:
    """If-Match and If-None-Match of a request."""

    if_match: str | None
    if_none_match: str | None

    def check(self, name: str, held: Slice | None) -> None:
        """PreconditionError if the slice is not in the state that the caller expects."""
        if self.if_match is not None and not _matches(self.if_match, held):
            state = "is not there" if held is None else f"has the ETag {etag_of(held)} now"
            raise PreconditionError(
                f"slice {name} {state}, If-Match says {self.if_match}: get it anew, then change it"
            )
        if self.if_none_match is not None and _matches(self.if_none_match, held):
            raise PreconditionError(
                f"slice {name} is there already, If-None-Match says {self.if_none_match}"
            )


def _matches(tags: str, held: Slice | None) -> bool:
    """Strong comparison: a weak tag matches nothing."""
    if held is None:
        return False
    return tags.strip() == "*" or etag_of(held) in [each.strip() for each in tags.split(",")]


async def _conditions(
    if_match: Annotated[
        str | None, Header(description="Only if the slice has this ETag", max_length=1000)
    ] = None,
    if_none_match: Annotated[
        str | None, Header(description="`*`: only if there is no such slice", max_length=1000)
    ] = None,
) -> Conditions:
    return Conditions(if_match, if_none_match)


IfMatches = Annotated[Conditions, Depends(_conditions)]
