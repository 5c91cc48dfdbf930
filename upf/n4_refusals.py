"""What a session request is answered that is refused: the cause, and what was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from pfcp import enums, ies, messages
from upf.errors import NoAssociationError, SessionUnknownError

if TYPE_CHECKING:
    from upf.errors import RuleId, UPFError
    from upf.records import SessionRecord

SessionRequest: TypeAlias = (
    messages.SessionEstablishmentRequest
    | messages.SessionModificationRequest
    | messages.SessionDeletionRequest
)


def refusal(
    request: SessionRequest, error: UPFError, node_id: ies.NodeID, record: SessionRecord | None
) -> messages.Message:
    """The answer that says why not; `record` is of the session that the request names.

    Without a session its SEID is 0 (TS 29.244 clause 7.2.2.4.2).
    """
    is_known = record is not None and not isinstance(
        error, SessionUnknownError | NoAssociationError
    )
    cp_seid = record.session.cp_seid if record is not None and is_known else 0
    failed_rule = _failed_rule_ie(error.rule) if error.rule is not None else None
    cause = enums.Cause(error.cause)
    match request:
        case messages.SessionEstablishmentRequest():
            return messages.SessionEstablishmentResponse(
                seid=request.cp_fseid.seid,
                node_id=node_id,
                cause=cause,
                offending_ie=error.offending_ie,
                failed_rule_id=failed_rule,
            )
        case messages.SessionModificationRequest():
            return messages.SessionModificationResponse(
                seid=cp_seid,
                cause=cause,
                offending_ie=error.offending_ie,
                failed_rule_id=failed_rule,
            )
        case messages.SessionDeletionRequest():
            return messages.SessionDeletionResponse(
                seid=cp_seid, cause=cause, offending_ie=error.offending_ie
            )


def _failed_rule_ie(rule: RuleId) -> ies.FailedRuleID:
    return ies.FailedRuleID(rule_id_type=enums.RuleIDType(rule.kind), rule_id=rule.value)
