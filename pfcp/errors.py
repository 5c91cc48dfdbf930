"""What can be wrong with PFCP octets or their moment, each error knowing its answer on the wire."""

from pfcp.enums import Cause


class PFCPError(Exception):
    """Anything this package refuses."""


class DecodeError(PFCPError):
    """Octets of the peer that TS 29.244 does not allow.

    `cause` is the Cause a refusal carries and `ie_type` its Offending IE (0 when no single IE is to
    blame); both are None-free so that an answer can be built without looking at the message.
    """

    cause: Cause = Cause.REQUEST_REJECTED

    def __init__(self, message: str, *, ie_type: int = 0) -> None:
        super().__init__(message)
        self.ie_type = ie_type


class InvalidLengthError(DecodeError):
    """A length that does not fit what holds it, or is too short for its IE (TS 29.244 §7.6.7)."""

    cause = Cause.INVALID_LENGTH


class MandatoryIEMissingError(DecodeError):
    """A mandatory IE that is not there (TS 29.244 §7.6.6)."""

    cause = Cause.MANDATORY_IE_MISSING


class ConditionalIEMissingError(DecodeError):
    """A conditional IE that had to be there (TS 29.244 §7.6.6)."""

    cause = Cause.CONDITIONAL_IE_MISSING


class MandatoryIEIncorrectError(DecodeError):
    """An IE whose octets have the right length and no meaning (TS 29.244 §7.6.8)."""

    cause = Cause.MANDATORY_IE_INCORRECT


class HeaderError(DecodeError):
    """Octets too short or too inconsistent to be a PFCP message: dropped in silence (§7.6.3)."""

    cause = Cause.INVALID_LENGTH


class UnknownMessageError(DecodeError):
    """A message type this release does not know: dropped in silence (TS 29.244 §7.6.4)."""


class UnsupportedVersionError(DecodeError):
    """Another PFCP version: answered with Version Not Supported Response (TS 29.244 §7.6.2)."""


class EncodeError(PFCPError):
    """A value that does not fit its field: a fault of this program, never of the peer."""


class ProtocolStateError(PFCPError):
    """Legal octets at the wrong moment."""

    def __init__(self, message: str, *, cause: Cause) -> None:
        super().__init__(message)
        self.cause = cause
