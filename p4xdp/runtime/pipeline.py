"""The forwarding pipeline config: what this switch runs, and what a client may ask about it.

The switch starts with its pipeline loaded and never takes code from the network. A client may set
the config that is already there (which clears the state, or keeps it to reconcile) and give it a
cookie of its own; any other config is refused.
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

_SIZED = ("tables", "counters", "meters", "registers")
_SECTIONS = tuple(f.name for f in p4i.P4Info.DESCRIPTOR.fields if f.label == f.LABEL_REPEATED)


@dataclass(slots=True)
class Pipeline:
    """`p4info` says the sizes the switch was started with; `cookie` is 64 bits."""

    p4info: Any
    device_config: bytes
    digest: str
    kept: Kept
    cookie: int
    saved_cookie: int | None = None

    @classmethod
    def loaded(
        cls, p4info: Any, device_config: bytes, sizes: Mapping[str, int], kept: Kept
    ) -> Pipeline:
        """The config a switch starts with. `sizes` replaces those of P4Info, by name. Cookies that
        a client gave this very config before are in `kept`.
        """
        sized = with_sizes(p4info, sizes)
        digest = hashlib.sha256(_comparable(sized) + device_config).hexdigest()
        given, saved = (kept.get(_KIND, f"{what}/{digest}") for what in ("cookie", "saved"))
        cookie = int(digest[:16], 16) if given is None else int(given)
        saved_cookie = None if saved is None else int(saved)
        return cls(sized, device_config, digest, kept, cookie, saved_cookie)

    def set(self, request: Any) -> bool:
        """Carry out a SetForwardingPipelineConfig; True if the state is to be cleared."""
        clears = self._set(request)
        self.kept.clear(_KIND)
        self.kept.put(_KIND, f"cookie/{self.digest}", str(self.cookie).encode())
        if self.saved_cookie is not None:
            self.kept.put(_KIND, f"saved/{self.digest}", str(self.saved_cookie).encode())
        return clears

    def _set(self, request: Any) -> bool:
        action = request.action
        if action == _Set.COMMIT:
            if request.HasField("config"):
                raise invalid("COMMIT realises the config saved before and takes none itself")
            if self.saved_cookie is None:
                raise RequestError(Code.NOT_FOUND, "no config was saved by VERIFY_AND_SAVE")
            self.cookie, self.saved_cookie = self.saved_cookie, None
            return False
        if action not in (
            _Set.VERIFY,
            _Set.VERIFY_AND_SAVE,
            _Set.VERIFY_AND_COMMIT,
            _Set.RECONCILE_AND_COMMIT,
        ):
            raise invalid("the action is not set")
        self._verify(request)
        cookie = request.config.cookie.cookie
        if action == _Set.VERIFY_AND_SAVE:
            self.saved_cookie = cookie
        elif action != _Set.VERIFY:
            self.cookie = cookie
            self.saved_cookie = None
        return bool(action == _Set.VERIFY_AND_COMMIT)

    def get(self, response_type: int) -> Any:
        """Answer a GetForwardingPipelineConfig."""
        response = p4r.GetForwardingPipelineConfigResponse()
        response.config.cookie.cookie = self.cookie
        if response_type in (_Get.ALL, _Get.P4INFO_AND_COOKIE):
            response.config.p4info.CopyFrom(self.p4info)
        if response_type in (_Get.ALL, _Get.DEVICE_CONFIG_AND_COOKIE):
            response.config.p4_device_config = self.device_config
        return response

    def _verify(self, request: Any) -> None:
        if not request.HasField("config"):
            raise invalid("no config is given")
        if _comparable(request.config.p4info) != _comparable(self.p4info):
            text = "the P4Info is not the one this switch was started with; it loads no other"
            raise invalid(f"{text}: start it with the pipeline wanted")
        if request.config.p4_device_config not in (b"", self.device_config):
            raise invalid("the device config is not this switch's own; send it empty")


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
