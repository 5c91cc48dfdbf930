"""What every table of the configuration is, and the kinds of values that several have."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Table(BaseModel):
    """A table of the configuration: frozen, without keys that are not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")
