"""What REST tells of the UPF itself: health, switch, ports, routes, configuration."""

from __future__ import annotations

from pydantic import BaseModel


class HealthBody(BaseModel):
    """Whether signalling and traffic are served."""

    status: str
    reason: str | None = None
