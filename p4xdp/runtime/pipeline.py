"""The forwarding pipeline config: what this switch runs, and what a client may make it run.

Code never comes over the network. A client may set the config that is already there (which clears
the state, or keeps it to reconcile), or the one that an operator has compiled into the switch's
directory meanwhile; any other is refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finsy.proto import p4i, p4r

from p4xdp.kept import Kept
from p4xdp.runtime.errors import Code, RequestError, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

_KIND = "pipeline"  # kept

_Set = p4r.SetForwardingPipelineConfigRequest
_Get = p4r.GetForwardingPipelineConfigRequest

_ACTIONS = (
    _Set.VERIFY,
    _Set.VERIFY_AND_SAVE,
    _Set.VERIFY_AND_COMMIT,
    _Set.RECONCILE_AND_COMMIT,
)
_SIZED = ("tables", "counters", "meters", "registers")
_SECTIONS = tuple(f.name for f in p4i.P4Info.DESCRIPTOR.fields if f.label == f.LABEL_REPEATED)


@dataclass(slots=True)
class Pipeline:
    """`p4info` says the sizes the switch was started with. `cookie` is 64 bits, None until a client
    has set one.
    """

    p4info: Any
    device_config: bytes
    digest: str
    kept: Kept
    cookie: int | None
    saved_cookie: int | None = None

    @classmethod
    def loaded(
        cls, p4info: Any, device_config: bytes, sizes: Mapping[str, int], kept: Kept
    ) -> Pipeline:
        """The config a switch runs. `sizes` replaces those of P4Info, by name. Cookies that a
        client gave this very config before are in `kept`.
        """
        sized = with_sizes(p4info, sizes)
        digest = hashlib.sha256(_comparable(sized) + device_config).hexdigest()
        given, saved = (kept.get(_KIND, f"{what}/{digest}") for what in ("cookie", "saved"))
        cookies = (None if each is None else int(each) for each in (given, saved))
        return cls(sized, device_config, digest, kept, *cookies)

    def check(self, request: Any, other: Pipeline | None) -> Pipeline:
        """Return which of this and the `other` that can be had a request wants; RequestError."""
        action = request.action
        if action == _Set.COMMIT:
            if request.HasField("config"):
                raise invalid("COMMIT realises the config saved before and takes none itself")
            if self.saved_cookie is None:
                raise RequestError(Code.NOT_FOUND, "no config was saved by VERIFY_AND_SAVE")
            return self
        if action not in _ACTIONS:
            raise invalid("the action is not set")
        if not request.HasField("config"):
            raise invalid("no config is given")
        wanted = self
        if other is not None and not self.is_in(request.config) and other.is_in(request.config):
            wanted = other
        if wanted is not self and action == _Set.VERIFY_AND_SAVE:
            text = "another pipeline cannot be saved for later: VERIFY_AND_COMMIT it, or reconcile"
            raise RequestError(Code.UNIMPLEMENTED, text)
        if not wanted.is_in(request.config):
            raise invalid(self._obstacle(request.config))
        return wanted

    def note(self, request: Any) -> None:
        """Take the cookie of a request that was carried out."""
        action, cookie = request.action, None
        if request.config.HasField("cookie"):
            cookie = request.config.cookie.cookie
        if action == _Set.VERIFY:
            return
        if action == _Set.VERIFY_AND_SAVE:
            self.saved_cookie = cookie or 0
        else:
            self.cookie = self.saved_cookie if action == _Set.COMMIT else cookie
            self.saved_cookie = None
        self.kept.clear(_KIND)
        for what, value in (("cookie", self.cookie), ("saved", self.saved_cookie)):
            if value is not None:
                self.kept.put(_KIND, f"{what}/{self.digest}", str(value).encode())

    def get(self, response_type: int) -> Any:
        """Answer a GetForwardingPipelineConfig."""
        response = p4r.GetForwardingPipelineConfigResponse()
        response.config.SetInParent()
        if self.cookie is not None:
            response.config.cookie.cookie = self.cookie
        if response_type in (_Get.ALL, _Get.P4INFO_AND_COOKIE):
            response.config.p4info.CopyFrom(self.p4info)
        if response_type in (_Get.ALL, _Get.DEVICE_CONFIG_AND_COOKIE):
            response.config.p4_device_config = self.device_config
        return response

    def is_in(self, config: Any) -> bool:
        """Return whether a config is this pipeline."""
        is_same = _comparable(config.p4info) == _comparable(self.p4info)
        return is_same and config.p4_device_config in (b"", self.device_config)

    def _obstacle(self, config: Any) -> str:
        if _comparable(config.p4info) == _comparable(self.p4info):
            return "the device config is not this switch's own; send it empty"
        text = "the P4Info is not that of the pipeline that runs, nor of the one compiled into the"
        return f"{text} switch's directory: compile it there first (p4xdp compile)"


def is_commit(request: Any) -> bool:
    """Return whether a request changes what packets meet."""
    return bool(request.action in (_Set.VERIFY_AND_COMMIT, _Set.RECONCILE_AND_COMMIT))


def clears(request: Any) -> bool:
    """Return whether a request clears the state."""
    return bool(request.action == _Set.VERIFY_AND_COMMIT)


def with_sizes(p4info: Any, sizes: Mapping[str, int]) -> Any:
    """Copy a P4Info with other sizes for the tables and arrays named.

    ValueError names one that does not exist.
    """
    sized = p4i.P4Info()
    sized.CopyFrom(p4info)
    wanted = dict(sizes)
    for section in _SIZED:
        for item in getattr(sized, section):
            item.size = wanted.pop(item.preamble.name, item.size)
    if wanted:
        raise ValueError(f"no table, counter, meter or register is called {next(iter(wanted))}")
    return sized


def _comparable(p4info: Any) -> bytes:
    """Octets equal for equal programs: without package notes and sizes, in order of id."""
    copy = p4i.P4Info()
    copy.CopyFrom(p4info)
    copy.ClearField("pkg_info")
    for section in _SECTIONS:
        items = getattr(copy, section)
        if section in _SIZED:
            for item in items:
                item.size = 0
        if items and items[0].DESCRIPTOR.fields_by_name.get("preamble"):
            items.sort(key=lambda item: item.preamble.id)
    octets: bytes = copy.SerializeToString(deterministic=True)
    return octets
