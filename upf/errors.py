"""What can go wrong in the user plane function, each error with the PFCP Cause it becomes.

Errors carry values; `n4.py` alone turns them into answers and `api` into HTTP statuses. Values of
causes are in TS 29.244 clause 8.2.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

from upf.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Sequence


class RuleKind(IntEnum):
    """Rule ID Type of the Failed Rule ID IE (TS 29.244 clause 8.2.80)."""

    PDR = 0
    FAR = 1
    QER = 2
    URR = 3
    BAR = 4


@dataclass(frozen=True, slots=True)
class RuleId:
    """Which rule of a session a failure is about."""

    kind: RuleKind
    value: int

    def __str__(self) -> str:
        return f"{self.kind.name} {self.value}"


class UPFError(Exception):
    """Something this UPF could not do. `rule` and `offending_ie` (an IE type) narrow the cause."""

    cause: ClassVar[int] = 64  # Request rejected

    def __init__(
        self, message: str, *, rule: RuleId | None = None, offending_ie: int | None = None
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.offending_ie = offending_ie


class RuleError(UPFError):
    """A rule is invalid or refers to one that is missing."""

    cause = 73  # Rule creation/modification Failure


class MandatoryIncorrectError(UPFError):
    """An IE that must be there holds a value that makes no sense."""

    cause = 69  # Mandatory IE incorrect


class ConditionalMissingError(UPFError):
    """An IE that the others given call for is not there."""

    cause = 67  # Conditional IE missing


class FTEIDAllocationError(UPFError):
    """An F-TEID is asked for or given in a way that cannot be met."""

    cause = 71  # Invalid F-TEID allocation option


class SessionUnknownError(UPFError):
    """No session has this SEID, or it belongs to another CP function."""

    cause = 65  # Session context not found


class NoAssociationError(UPFError):
    """The CP function has no association with us."""

    cause = 72  # No established PFCP Association


class ResourcesExhaustedError(UPFError):
    """Identifiers or table space ran out."""

    cause = 75  # No resources available


class AddressesExhaustedError(UPFError):
    """All addresses of a pool are given to UEs."""

    cause = 79  # All dynamic addresses are occupied


class UnknownApplicationError(UPFError):
    """An application that nobody described."""

    cause = 81  # Unknown Application ID


class UnknownPredefinedRuleError(UPFError):
    """A predefined rule that is not configured."""

    cause = 80  # Unknown Pre-defined Rule


class ForwardingPolicyError(UPFError):
    """A forwarding policy that is not configured."""

    cause = 70  # Invalid Forwarding Policy


class UnsupportedError(UPFError):
    """A feature that we did not advertise."""

    cause = 76  # Service not supported


class StoreError(UPFError):
    """What must outlive a restart could not be kept or read."""

    cause = 77  # System failure


class PreconditionError(UPFError):
    """Something changed since the caller looked."""


class InUseError(UPFError):
    """Something in use cannot go without force."""


class PortCapacityError(UPFError):
    """Slices would be guaranteed more than the ports carry."""


class SliceError(UPFError):
    """A slice that makes no sense is asked for."""


class DescriptionError(UPFError):
    """A packet is described that cannot arrive here."""


class PeerError(UPFError):
    """A CP function refused what we asked of it, or gave an answer that cannot be read."""


class PeerSilentError(PeerError):
    """A CP function did not answer."""


class ConfigError(UPFError):
    """The configuration cannot be used. One line, saying what to do."""


class StartError(UPFError):
    """The UPF cannot start here. One line, saying what to do."""


class TargetError(UPFError):
    """The switch refused or vanished."""

    cause = 77  # System failure


class PipelineMismatchError(TargetError):
    """The switch runs another program than ours. Fatal at start."""


class NotPrimaryError(TargetError):
    """Another controller is primary: this one may not write."""


@dataclass(frozen=True, slots=True)
class WriteFailure:
    """One update that the switch refused. `code` is the canonical gRPC code."""

    entry: Entry | None
    code: int
    message: str


class WriteRejectedError(TargetError):
    """The switch refused updates; nothing of the plan is in force."""

    def __init__(self, message: str, failures: Sequence[WriteFailure] = ()) -> None:
        super().__init__(message)
        self.failures = tuple(failures)


class TableFullError(WriteRejectedError):
    """The switch has no room for another entry."""

    cause = 75  # No resources available
