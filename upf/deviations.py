"""What an SMF is served otherwise than it asked, said once for each SMF."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pfcp import ies

log = logging.getLogger(__name__)


class Deviations:
    """Remembers whom it has told."""

    def __init__(self) -> None:
        self._told: set[ies.NodeID] = set()

    def look_at(self, urrs: Iterable[ies.CreateURR], owner: ies.NodeID) -> None:
        """Say that volume before QoS enforcement is not to be had, if an SMF asks for it."""
        for urr in urrs:
            how = urr.measurement_information
            if how is not None and how.mbqe and owner not in self._told:
                self._told.add(owner)
                log.warning(
                    "%s asks for volume before QoS enforcement (MBQE): it is told the volume "
                    "behind it, without what was dropped",
                    owner,
                )
