"""How views come by the UPF they show."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from upf.node import UPF


async def _node(request: Request) -> UPF:
    node = request.app.state.upf
    assert isinstance(node, UPF)
    return node


Node = Annotated[UPF, Depends(_node)]
