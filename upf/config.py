"""The configuration file: one TOML tree, validated whole, frozen. Every default stands here.

What is wrong is told as one line per fault: file, key, and what may stand there.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import replace
from difflib import get_close_matches
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from pfcp.admission import Admission, Rate, allow_list
from upf.config_rules import (
    ApplicationConfig,
    ForwardingPolicyConfig,
    PredefinedRuleConfig,
    UEPoolConfig,
    VNGroupConfig,
)
from upf.config_table import Name, Table
from upf.errors import ConfigError, RuleError, SliceError
from upf.networks import Endpoint, NetworkInstance, Networks, Role
from upf.paging import BufferLimits
from upf.provisions import PREDEFINED_ID, Applications, Provisions
from upf.rules import Interface
from upf.slices import DEFAULT_BURST_MS, NO_SD, SNSSAI, Slice
from upf.ue_pools import UEPool, UEPools

PFCP_PORT = 8805

# IFNAMSIZ of Linux, less the terminating octet
InterfaceName = Annotated[str, StringConstraints(min_length=1, max_length=15)]


class N4Config(Table):
    """Where SMFs reach us. `node_id`: what we call ourselves, the address unless given.

    `peers` lists the networks SMFs may speak from; empty lets anyone. Each address may send
    `peer_messages_per_s`, and `peer_burst` at once; what is over is not heard.
    """

    address: IPv4Address
    port: Annotated[int, Field(ge=1, le=65535)] = PFCP_PORT
    node_id: Name | None = None
    peers: tuple[IPv4Network | IPv6Network, ...] = ()
    peer_messages_per_s: Annotated[float, Field(gt=0)] = 20_000
    peer_burst: Annotated[int, Field(ge=1)] = 40_000

    def admission(self) -> Admission:
        """Who may speak, and how much."""
        rate = Rate(self.peer_messages_per_s, self.peer_burst)
        if not self.peers:
            return Admission(rate=rate)
        return Admission(rate=rate, is_allowed=allow_list(self.peers))


class GTPUConfig(Table):
    """GTP-U peers in use are asked every `echo_interval_s` whether they are there, 0 is never; one
    that leaves `echo_attempts` in a row unanswered, each for `echo_timeout_s`, is reported.
    """

    echo_interval_s: Annotated[float, Field(ge=0)] = 60
    echo_timeout_s: Annotated[float, Field(gt=0)] = 3
    echo_attempts: Annotated[int, Field(ge=1)] = 3


class BufferConfig(Table):
    """Downlink packets kept for idle UEs: of a session and in all, and how long each waits."""

    session_packets: Annotated[int, Field(ge=1)] = 64
    session_octets: Annotated[int, Field(ge=65_536)] = 128 << 10
    packets: Annotated[int, Field(ge=1)] = 16_384
    octets: Annotated[int, Field(ge=65_536)] = 32 << 20
    wait_s: Annotated[float, Field(gt=0)] = 60

    def to_limits(self) -> BufferLimits:
        return BufferLimits(**self.model_dump())


class InterfaceConfig(Table):
    """A kernel interface that carries user traffic.

    `speed_mbps` is what it carries, asked of the kernel unless given.
    """

    name: InterfaceName
    role: Role
    network_instance: Name | None = None
    gtpu_address: IPv4Address | None = None
    gtpu_ipv6_address: IPv6Address | None = None
    speed_mbps: Annotated[int, Field(gt=0)] | None = None


class TokenConfig(Table):
    """A bearer token of REST, known by its SHA-256 alone: `upf token NAME` makes one.

    `read` may look, `operate` may change.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    role: Literal["read", "operate"]
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class RESTConfig(Table):
    """REST, metrics and the dashboard. Off the loopback interface both tokens and TLS are needed.

    `audit_log` is the file that changes are written to besides the log. Each client may send
    `requests_per_s`, and `request_burst` at once.
    """

    listen: str = "127.0.0.1:8080"
    token: tuple[TokenConfig, ...] = ()
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    audit_log: Path | None = None
    requests_per_s: Annotated[float, Field(gt=0)] = 1000
    request_burst: Annotated[int, Field(ge=1)] = 2000

    @field_validator("listen")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        host, separator, port = value.rpartition(":")
        if not (separator and host and port.isdecimal() and 0 < int(port) < 65536):
            raise ValueError('write it as "ADDRESS:PORT", such as "127.0.0.1:8080"')
        return value

    @model_validator(mode="after")
    def _is_guarded(self) -> RESTConfig:
        names = [each.name for each in self.token]
        if len(set(names)) < len(names):
            raise ValueError("two tokens have the same name: name each once")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together: set both or none")
        if not self.is_loopback and not (self.token and self.has_tls):
            raise ValueError(
                f"{self.listen} can be reached from elsewhere, which needs [[rest.token]] "
                "(upf token NAME makes one) and tls_certificate with tls_key; "
                "or listen on 127.0.0.1"
            )
        return self

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])

    @property
    def has_tls(self) -> bool:
        return self.tls_certificate is not None

    @property
    def is_loopback(self) -> bool:
        """Whether this host alone reaches it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def url(self) -> str:
        return f"{'https' if self.has_tls else 'http'}://{self.listen}"


class StateConfig(Table):
    """Where what must outlive a restart is kept: beside the configuration unless said."""

    file: Path | None = None


class TargetConfig(Table):
    """The switch. `mode` is how programs attach, `address` where a P4Runtime server listens.

    What leaves by `recirculation_port` comes in there again: for traffic from UE to UE. The Linux
    switch has one anyway.
    `on_stop`: whether the Linux switch is taken off the interfaces when the UPF is stopped, or goes
    on forwarding until the next start.
    """

    kind: Literal["xdp", "p4runtime"] = "xdp"
    on_stop: Literal["detach", "forward"] = "detach"
    mode: Literal["auto", "native", "generic"] = "auto"
    address: Name | None = None
    recirculation_port: Annotated[int, Field(ge=1, le=511)] | None = None

    @model_validator(mode="after")
    def _has_address_if_remote(self) -> TargetConfig:
        if self.kind == "p4runtime" and self.address is None:
            raise ValueError('kind "p4runtime" needs address = "HOST:PORT"')
        return self


class SliceConfig(Table):
    """A slice that exists from the start; REST may change it later."""

    name: Name
    sst: Annotated[int, Field(ge=0, le=255)]
    sd: Annotated[str, StringConstraints(pattern="^[0-9a-fA-F]{6}$")] | None = None
    dnns: tuple[Name, ...] = ()
    uplink_mbps: Annotated[float, Field(gt=0)] | None = None
    downlink_mbps: Annotated[float, Field(gt=0)] | None = None
    uplink_burst_ms: Annotated[float, Field(ge=1, le=10_000)] = DEFAULT_BURST_MS
    downlink_burst_ms: Annotated[float, Field(ge=1, le=10_000)] = DEFAULT_BURST_MS
    guaranteed_uplink_mbps: Annotated[float, Field(ge=0)] = 0
    guaranteed_downlink_mbps: Annotated[float, Field(ge=0)] = 0
    max_sessions: Annotated[int, Field(ge=0)] | None = None
    dscp: Annotated[int, Field(ge=0, le=63)] | None = None
    excess_dscp: Annotated[int, Field(ge=0, le=63)] | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> SliceConfig:
        try:
            self.to_slice().check()
        except SliceError as error:
            raise ValueError(str(error)) from error
        return self

    def to_slice(self) -> Slice:
        return Slice(
            name=self.name,
            s_nssai=SNSSAI(self.sst, NO_SD if self.sd is None else int(self.sd, 16)),
            dnns=self.dnns,
            uplink_bps=_bits_per_s(self.uplink_mbps),
            downlink_bps=_bits_per_s(self.downlink_mbps),
            uplink_burst_ms=self.uplink_burst_ms,
            downlink_burst_ms=self.downlink_burst_ms,
            guaranteed_uplink_bps=round(self.guaranteed_uplink_mbps * 1_000_000),
            guaranteed_downlink_bps=round(self.guaranteed_downlink_mbps * 1_000_000),
            max_sessions=self.max_sessions,
            dscp=self.dscp,
            excess_dscp=self.excess_dscp,
        )


def _bits_per_s(mbps: float | None) -> int | None:
    return None if mbps is None else round(mbps * 1_000_000)


class Config(Table):
    n4: N4Config
    interface: tuple[InterfaceConfig, ...]
    gtpu: GTPUConfig = GTPUConfig()
    buffer: BufferConfig = BufferConfig()
    rest: RESTConfig = RESTConfig()
    state: StateConfig = StateConfig()
    target: TargetConfig = TargetConfig()
    slice: tuple[SliceConfig, ...] = ()
    ue_pool: tuple[UEPoolConfig, ...] = ()
    application: tuple[ApplicationConfig, ...] = ()
    predefined_rule: tuple[PredefinedRuleConfig, ...] = ()
    forwarding_policy: tuple[ForwardingPolicyConfig, ...] = ()
    vn_group: tuple[VNGroupConfig, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Config:
        for what, names in (
            ("interface", [each.name for each in self.interface]),
            ("slice", [each.name for each in self.slice]),
            ("application", [each.id for each in self.application]),
            ("predefined_rule", [each.name for each in self.predefined_rule]),
            ("forwarding_policy", [each.id for each in self.forwarding_policy]),
            ("vn_group", [each.name for each in self.vn_group]),
        ):
            for name, times in Counter(names).items():
                if times > 1:
                    raise ValueError(f"{what} {name!r} is there {times} times: name it once")
        for role in Role:
            if not any(each.role is role for each in self.interface):
                raise ValueError(f'no [[interface]] has role = "{role}": both roles are needed')
        return self

    def ue_pools(self) -> UEPools:
        """The pools to give addresses from."""
        return UEPools(
            UEPool(each.prefix, each.network_instance) for each in self.ue_pool if each.allocate
        )

    @property
    def ports(self) -> dict[str, int]:
        """Interface name -> port of the pipeline."""
        return {each.name: port for port, each in enumerate(self.interface, start=1)}

    def networks(self, addresses: dict[str, IPv4Address]) -> Networks:
        """The network instances, given each interface's first own IPv4 address.

        ConfigError if an access interface has neither gtpu_address nor an address.
        """
        members: dict[tuple[Role, str | None], list[Endpoint]] = {}
        endpoint_id = 0
        for each in self.interface:
            endpoints = members.setdefault((each.role, each.network_instance), [])
            address = each.gtpu_address
            if (address, each.gtpu_ipv6_address, each.role) == (None, None, Role.ACCESS):
                if each.name not in addresses:
                    raise ConfigError(
                        f"interface {each.name} has no IPv4 address for GTP-U: give it one "
                        f"(ip address add ADDRESS/LENGTH dev {each.name}) or set gtpu_address"
                    )
                address = addresses[each.name]
            if address is not None or each.gtpu_ipv6_address is not None:
                endpoint_id += 1
                endpoints.append(Endpoint(endpoint_id, address, each.gtpu_ipv6_address))
        networks = Networks(
            tuple(
                NetworkInstance(number, role, name, tuple(endpoints))
                for number, ((role, name), endpoints) in enumerate(members.items(), start=1)
            )
        )
        groups = tuple(
            NetworkInstance(number, Role.CORE, each.name)
            for number, each in enumerate(self.vn_group, start=len(members) + 1)
        )
        return replace(networks, provisions=self._provisions(networks), vn_groups=groups)

    def applications(self) -> Applications:
        """The applications described here."""
        return Applications({each.id.encode(): each.filters for each in self.application})

    def _provisions(self, networks: Networks) -> Provisions:
        """What rules may refer to by name. ConfigError if a policy's data network is not there."""
        first = len(networks.instances) + len(self.vn_group) + 1
        policies = {}
        for number, each in enumerate(self.forwarding_policy, start=first):
            try:
                instance = networks.resolve(Interface.CORE, each.network_instance)
            except RuleError as error:
                raise ConfigError(f"forwarding policy {each.id}: {error}") from error
            policies[each.id] = each.to_policy(instance.network_instance_id, number)
        predefined = {
            each.name: each.to_rule(PREDEFINED_ID | number)
            for number, each in enumerate(self.predefined_rule)
        }
        return Provisions(predefined, policies)


def load(path: Path) -> Config:
    """The configuration in a file; ConfigError with a line per fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (octet {error.start})") from error
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    config = parse(tree, source=str(path))
    if config.state.file is None:
        state = StateConfig(file=path.with_suffix(".state.db"))
        return config.model_copy(update={"state": state})
    return config


def parse(tree: dict[str, Any], *, source: str) -> Config:
    """The configuration in a parsed tree; `source` begins each line of a ConfigError."""
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        lines = [
            f"{source}: {_where(fault['loc'])}{_what(fault)}"
            for fault in error.errors(include_url=False)
        ]
        raise ConfigError("\n".join(lines)) from error


def _where(location: tuple[int | str, ...]) -> str:
    """`interface[2].role: ` for the second [[interface]]'s role, nothing for the whole file."""
    text = ""
    for part in location:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return f"{text.lstrip('.')}: " if text else ""


def _what(fault: Any) -> str:
    match fault["type"]:
        case "extra_forbidden":
            return _unknown_key(fault["loc"])
        case "missing":
            return "is missing" if len(fault["loc"]) > 1 else "this table is missing"
        case "model_type":
            return f"write it as a table, [{fault['loc'][0]}]"
        case "tuple_type":
            return f"write it as tables, [[{fault['loc'][0]}]]"
        case "value_error":
            return str(fault["ctx"]["error"])
        case _:
            return f"{fault['msg'][0].lower()}{fault['msg'][1:]}, not {fault['input']!r}"


def _unknown_key(location: tuple[int | str, ...]) -> str:
    """What to write instead of a key that there is not."""
    table: Any = Config
    for part in location[:-1]:
        if isinstance(part, str):
            table = _TABLES[part]
    known = list(table.model_fields)
    near = get_close_matches(str(location[-1]), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    return f"unknown key; {hint}"


_TABLES: dict[str, type[Table]] = {
    "n4": N4Config,
    "gtpu": GTPUConfig,
    "buffer": BufferConfig,
    "interface": InterfaceConfig,
    "rest": RESTConfig,
    "token": TokenConfig,
    "state": StateConfig,
    "target": TargetConfig,
    "slice": SliceConfig,
    "ue_pool": UEPoolConfig,
    "application": ApplicationConfig,
    "predefined_rule": PredefinedRuleConfig,
    "forwarding_policy": ForwardingPolicyConfig,
    "vn_group": VNGroupConfig,
}
