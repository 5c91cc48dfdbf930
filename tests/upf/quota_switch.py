"""What the data plane does with packets of a session that has quotas."""

from __future__ import annotations

from dataclasses import replace

from pfcp import ies
from upf import tables

PACKET = 1000


class Switch:
    """What the data plane does with packets of the bench's one session."""

    def __init__(self, bench, target):
        self.bench, self.target = bench, target

    def offer(self, pdr_id, packets, size=PACKET):
        """How many of these packets pass."""
        return sum(self._pass(pdr_id, size) for _ in range(packets))

    def action(self, pdr_id):
        """Name of the action and parameters of a PDR's flow."""
        usage_id = self.bench.record.session.pdrs[pdr_id].usage_id
        for entry in self.target.entries.values():
            name = entry.action.rpartition(".")[2]
            if name.startswith("forward") and entry.params[0] == usage_id:
                return name, entry.params
        return "drop", ()

    def _pass(self, pdr_id, size):
        name, params = self.action(pdr_id)
        if name == "drop":
            return False
        if name.startswith("forward_flow") and (quota_id := params[4]):
            remaining, told = self.target.registers[tables.QUOTAS, quota_id]
            if remaining < size:
                self.target.registers[tables.QUOTAS, quota_id] = remaining, 2
                return False
            self.target.registers[tables.QUOTAS, quota_id] = remaining - size, told
        usage_id = self.bench.record.session.pdrs[pdr_id].usage_id
        self.target.count(usage_id, packets=1, octets=size)
        return True


def with_urr(establishment, *, on=(1, 2), triggers=("volqu",), **fields):
    """The captured request with its one URR otherwise, named by these PDRs."""
    urr = replace(
        establishment.create_urrs[0],
        reporting_triggers=ies.ReportingTriggers(**dict.fromkeys(triggers, True)),
        **{"volume_threshold": None, **fields},
    )
    pdrs = [
        replace(pdr, urr_ids=(1,) if pdr.pdr_id in on else ()) for pdr in establishment.create_pdrs
    ]
    return replace(establishment, create_urrs=(urr,), create_pdrs=tuple(pdrs))
