"""Who may write: mastership by election id, per role (P4Runtime "Client Arbitration").

Pure: an update or a departure goes in, the notices to send come out, in the order to send them.
The first to be told are those that are not primary. Role "" is the default role; every role has
the whole pipeline, and a role configuration is refused because no scheme for it is agreed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from p4xdp.kept import MemoryKept
from p4xdp.runtime.errors import Code, RequestError, invalid

if TYPE_CHECKING:
    from p4xdp.kept import Kept

_KIND = "election"  # kept by role

Client = TypeVar("Client")  # whatever stands for a stream; hashable

MAX_CLIENTS_PER_ROLE = 64


@dataclass(frozen=True, slots=True)
class Notice(Generic[Client]):
    """A MasterArbitrationUpdate for one client. `status` is OK for the primary."""

    client: Client
    role: str
    highest: int | None
    status: Code


@dataclass(slots=True)
class _Role(Generic[Client]):
    election_ids: dict[Client, int | None] = field(default_factory=dict)
    highest: int | None = None
    primary: Client | None = None


class Arbitration(Generic[Client]):
    """The live clients of one device. `kept` tells the highest election ids ever received."""

    def __init__(self, device_id: int, kept: Kept | None = None) -> None:
        self.device_id = device_id
        self._kept = kept or MemoryKept()
        # Who was demoted before the server restarted must not be the first to write after it.
        self._roles: dict[str, _Role[Client]] = {
            role: _Role(highest=int(highest)) for role, highest in self._kept.all(_KIND).items()
        }
        self._role_of: dict[Client, str] = {}

    def update(
        self, client: Client, *, device_id: int, role: str, election_id: int | None
    ) -> list[Notice[Client]]:
        """Take a client's bid. A RequestError ends its stream."""
        self._check(client, device_id=device_id, role=role, election_id=election_id)
        state = self._roles.setdefault(role, _Role())
        is_new = client not in state.election_ids
        if is_new and len(state.election_ids) >= MAX_CLIENTS_PER_ROLE:
            raise RequestError(Code.RESOURCE_EXHAUSTED, "too many clients of this role")
        state.election_ids[client] = election_id
        self._role_of[client] = role
        if election_id is not None and (state.highest is None or election_id >= state.highest):
            state.highest = election_id
            state.primary = client
            self._kept.put(_KIND, role, str(election_id).encode())
            return self._notices(role, state)
        if state.primary == client:
            state.primary = None
            return self._notices(role, state)
        return [self._notice(role, state, client)]

    def leave(self, client: Client) -> list[Notice[Client]]:
        """Forget a client whose stream has ended."""
        role = self._role_of.pop(client, None)
        if role is None:
            return []
        state = self._roles[role]
        del state.election_ids[client]
        if state.primary != client:
            return []
        state.primary = None
        return self._notices(role, state)

    def primary(self, role: str = "") -> Client | None:
        """The client that may write and gets the packets, if there is one."""
        state = self._roles.get(role)
        return state.primary if state else None

    def primaries(self) -> list[Client]:
        """The primary of every role."""
        return [s.primary for s in self._roles.values() if s.primary is not None]

    def role_of(self, client: Client) -> str | None:
        """The role a client arbitrates for; None before its first bid."""
        return self._role_of.get(client)

    def authorise(self, *, device_id: int, role: str, election_id: int | None) -> None:
        """Pass a request that writes, or raise, in the order the specification lists."""
        self.check_device(device_id)
        state = self._roles.get(role)
        if role and state is None:
            raise RequestError(Code.NOT_FOUND, f"no client has bid for role '{role}'")
        if (
            state is None
            or state.primary is None
            or election_id is None
            or state.election_ids[state.primary] != election_id
        ):
            raise RequestError(Code.PERMISSION_DENIED, "not the primary for this device and role")

    def check_device(self, device_id: int) -> None:
        """Refuse any device but ours."""
        if device_id != self.device_id:
            message = f"no device {device_id}; this server has device {self.device_id}"
            raise RequestError(Code.NOT_FOUND, message)

    def _check(self, client: Client, *, device_id: int, role: str, election_id: int | None) -> None:
        current = self._role_of.get(client)
        if current is None:
            self.check_device(device_id)
        elif device_id != self.device_id:
            raise RequestError(Code.FAILED_PRECONDITION, "a stream cannot change its device")
        elif role != current:
            raise RequestError(Code.FAILED_PRECONDITION, "a stream cannot change its role")
        if election_id is None or role not in self._roles:
            return
        for other, used in self._roles[role].election_ids.items():
            if used == election_id and other != client:
                raise invalid(f"election id {election_id} is already used by another client")

    def _notices(self, role: str, state: _Role[Client]) -> list[Notice[Client]]:
        backups = [client for client in state.election_ids if client != state.primary]
        order = backups if state.primary is None else [*backups, state.primary]
        return [self._notice(role, state, client) for client in order]

    def _notice(self, role: str, state: _Role[Client], client: Client) -> Notice[Client]:
        if state.primary is None:
            status = Code.NOT_FOUND
        else:
            status = Code.OK if client == state.primary else Code.ALREADY_EXISTS
        return Notice(client, role, state.highest, status)
