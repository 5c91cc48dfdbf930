"""The device that a server serves: its data plane, the pipeline that runs there, and what clients
have written.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from finsy.proto import p4r

from p4xdp.dataplane import CounterValue
from p4xdp.runtime import action_sets, groups, members, pipeline, schema
from p4xdp.runtime.artifacts import ArtifactError
from p4xdp.runtime.digests import DigestLists
from p4xdp.runtime.idle import IdleTimeouts
from p4xdp.runtime.pipeline import Pipeline
from p4xdp.runtime.plain import PlainReader
from p4xdp.runtime.profiles import Access
from p4xdp.runtime.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from p4xdp.dataplane import ServedDataplane
    from p4xdp.kept import Kept
    from p4xdp.runtime.artifacts import CompiledPipeline

_LOG = logging.getLogger(__name__)
_CELLS_PER_CALL = 4096


class Device:
    """`schema`, `store` and `digests` are those of the pipeline of the moment. `send` gets a
    StreamMessageResponse for primaries, and says whether somebody is there to get it.
    """

    def __init__(  # what a server is made of
        self,
        dataplane: ServedDataplane,
        p4info: Any,
        device_config: bytes,
        sizes: Mapping[str, int],
        kept: Kept,
        find_compiled: Callable[[], CompiledPipeline] | None,
        send: Callable[[Any], bool],
    ) -> None:
        self.dataplane = dataplane
        self.kept = kept
        self.pipeline = Pipeline.loaded(p4info, device_config, sizes, kept)
        self.schema = schema.load(self.pipeline.p4info)
        self._sizes = sizes
        self._find_compiled = find_compiled
        self._send = send
        self._idle: IdleTimeouts | None = None
        self._begin()
        dataplane.on_digest(self._take_digest)

    def _begin(self) -> None:
        """Begin with what the data plane holds."""
        self.store = Store.of(self.schema, self.dataplane, self.kept)
        self.plain = PlainReader(self.schema)
        self.digests = DigestLists(self.schema, self.store, self._send_digests)
        if self._idle is not None:
            self._idle.stop()
        self._idle = IdleTimeouts(self.schema, self.store, self.dataplane, self._send_idle)
        action_sets.sweep(self._access())
        self.follow_ports()

    def _send_digests(self, message: Any) -> bool:
        return self._send(p4r.StreamMessageResponse(digest=message))

    def _send_idle(self, message: Any) -> None:
        self._send(p4r.StreamMessageResponse(idle_timeout_notification=message))

    def _access(self) -> Access:
        return Access(self.schema, self.store, self.dataplane)

    def follow_ports(self) -> None:
        """Have no group choose a member whose watch port is not up."""
        groups.follow_ports(self._access())
        action_sets.follow_ports(self._access())

    def _take_digest(self, name: str, values: tuple[int, ...]) -> None:
        self.digests.take(name, values)

    def set_pipeline(self, request: Any) -> None:
        """Carry out a SetForwardingPipelineConfig; RequestError, DataplaneError."""
        wanted = self.pipeline.check(request, self._compiled())
        with self.kept.together():
            if pipeline.is_commit(request) and wanted is not self.pipeline:
                self._replace(wanted, clears=pipeline.clears(request))
            elif pipeline.clears(request):
                self._clear()
            wanted.note(request)

    def _compiled(self) -> Pipeline | None:
        """Return the pipeline in the switch's directory, if it is of use."""
        if self._find_compiled is None:
            return None
        try:
            found = self._find_compiled()
            other = Pipeline.loaded(found.p4info, found.device_config, self._sizes, self.kept)
            schema.load(other.p4info)
        except (ArtifactError, ValueError, schema.SchemaError) as error:
            _LOG.warning("the pipeline compiled into the switch's directory: %s", error)
            return None
        return other

    def _replace(self, wanted: Pipeline, *, clears: bool) -> None:
        """Go over to another pipeline, with what can go on of this one or with nothing."""
        self.dataplane.replace(keeps=not clears)
        if clears:
            for state in self.store.tables.values():
                state.metadata.clear()
            self.store.clones.clear()
            self.store.digests.clear()
        self.pipeline = wanted
        self.schema = schema.load(wanted.p4info)
        self._begin()

    def _clear(self) -> None:
        """Bring the data plane back to what it was when it started."""
        for table in self.schema.tables.values():
            state = self.store.tables[table.id]
            if state.entries and not table.is_const:
                self.dataplane.delete_entries(table.name, list(state.entries.values()))
            state.metadata.clear()
            default = state.initial
            if default is not None and state.default != default:
                self.dataplane.set_default(table.name, default.action, default.arguments)
        for meter, configured in self.store.meters.items():
            for index in configured:
                self.dataplane.write_meter(meter, index, None)
        access = self._access()
        for profile in self.schema.profiles.values():
            action_sets.clear(access, profile)
            groups.clear(access, profile)
            members.clear(access, profile)
        for session in list(self.store.clones):
            self.dataplane.set_clone_session(session, None)
            del self.store.clones[session]
        self.store.digests.clear()
        self._begin()
        self.dataplane.reset_registers()
        for counter in self.schema.counters.values():
            self._clear_counter(counter)

    def _clear_counter(self, counter: schema.Array) -> None:
        zero = CounterValue(0, 0)
        for first in range(0, counter.size, _CELLS_PER_CALL):
            count = min(_CELLS_PER_CALL, counter.size - first)
            values = self.dataplane.read_counter(counter.name, first, count)
            for index, value in enumerate(values, start=first):
                if value != zero:
                    self.dataplane.write_counter(counter.name, index, zero)
