"""Traffic, sweeps, queries, new quotas and changed rules in any order: every octet that passed is
reported once, and no more passes than was granted.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from pfcp import enums, ies, messages
from tests.upf.quota_switch import Switch, with_urr

STEPS = 80
SIZES = (40, 576, 1400)


@dataclass
class Model:
    """What is known without counters: what passed, what was told, what was granted."""

    passed: int = 0
    told: int = 0
    allowed: int = 0  # of `passed`, by the latest quota

    def grant(self, octets):
        unreported = self.passed - self.told
        self.allowed = self.passed + max(0, octets - unreported)


class Run:
    def __init__(self, bench, target, seed):
        self.random = random.Random(seed)
        self.bench, self.switch, self.model = bench, Switch(bench, target), Model()
        self.target = target
        self.is_linked = True
        self.seqns = []

    async def establish(self, establishment, to_gnb):
        quota = self.random.randrange(1, 100_000)
        request = with_urr(
            establishment,
            triggers=("volqu", "volth"),
            volume_quota=ies.VolumeQuota(total_bytes=quota),
            volume_threshold=ies.VolumeThreshold(total_bytes=self.random.randrange(1, 50_000)),
        )
        self.seid = (await self.bench.ask(request)).up_fseid.seid
        await self.bench.ask(to_gnb(self.seid))
        self.model.grant(quota)

    def offer(self):
        """Packets of either direction; one that no URR measures is nobody's."""
        pdr_id = self.random.choice((1, 2))
        size = self.random.choice(SIZES)
        octets = size * self.switch.offer(pdr_id, self.random.randrange(30), size)
        if pdr_id == 1 or self.is_linked:
            self.model.passed += octets
        assert self.model.passed <= self.model.allowed

    async def step(self):
        await self.random.choice(
            (self.traffic, self.traffic, self.sweep, self.query, self.grant, self.relink)
        )()

    async def traffic(self):
        self.offer()

    async def sweep(self):
        for _, request in await self.bench.reporting.sweep():
            self.take(request.usage_reports)

    async def query(self):
        await self.modify(query_urrs=(ies.QueryURR(urr_id=1),))

    async def grant(self):
        """A new quota, traffic going on meanwhile."""
        octets = self.random.randrange(1, 100_000)
        write = self.target.write_registers

        async def busy(register, cells):
            self.offer()
            await write(register, cells)

        self.target.write_registers = busy
        before = self.model.allowed
        self.model.allowed = before + octets  # while it is being granted either holds
        passed, told = self.model.passed, self.model.told
        update = ies.UpdateURR(urr_id=1, volume_quota=ies.VolumeQuota(total_bytes=octets))
        await self.modify(update_urrs=(update,))
        self.target.write_registers = write
        assert self.model.passed <= max(before, passed + octets - (passed - told))
        self.model.allowed = max(self.model.passed, passed + max(0, octets - (passed - told)))

    async def relink(self):
        """The uplink PDR measured or not."""
        self.is_linked = not self.is_linked
        urr_ids = (1,) if self.is_linked else (9,)
        creates = () if self.is_linked else (self.other(),)
        removes = (ies.RemoveURR(urr_id=9),) if self.is_linked else ()
        await self.modify(
            create_urrs=creates,
            remove_urrs=removes,
            update_pdrs=(ies.UpdatePDR(pdr_id=2, urr_ids=urr_ids),),
        )

    def other(self):
        return ies.CreateURR(
            urr_id=9,
            measurement_method=ies.MeasurementMethod(volum=True),
            reporting_triggers=ies.ReportingTriggers(),
        )

    async def modify(self, **what):
        answer = await self.bench.ask(messages.SessionModificationRequest(seid=self.seid, **what))
        assert answer.cause == enums.Cause.REQUEST_ACCEPTED
        self.take(answer.usage_reports)

    def take(self, reports):
        for each in reports:
            if each.urr_id == 1:
                self.seqns.append(each.ur_seqn)
                self.model.told += each.volume_measurement.total_bytes

    async def end(self):
        answer = await self.bench.ask(messages.SessionDeletionRequest(seid=self.seid))
        self.take(answer.usage_reports)


@pytest.mark.parametrize("seed", range(30))
async def test_every_octet_is_told_once_and_none_passes_that_was_not_granted(
    bench, target, establishment, to_gnb, seed
):
    run = Run(bench, target, seed)
    await run.establish(establishment, to_gnb)
    for _ in range(STEPS):
        await run.step()
        bench.clock[0] += run.random.choice((0.0, 0.5, 3.0))
    await run.end()
    assert run.model.told == run.model.passed
    assert sorted(run.seqns) == list(range(len(run.seqns)))
