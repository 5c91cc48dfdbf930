"""An estimate of what an elaborated program takes of a Tofino, and what will not fit."""

from __future__ import annotations

from p4xdp.lint.estimate import lint
from p4xdp.lint.report import Finding, Report, Severity, to_json
from p4xdp.lint.target import TARGETS, Target

__all__ = ["TARGETS", "Finding", "Report", "Severity", "Target", "lint", "to_json"]
