"""Who changed what: one JSON object a line, in the log and, if configured, in a file."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from upf.errors import StartError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

_MAX_BODY_CHARACTERS = 2048

log = logging.getLogger(__name__)


class Audit:
    """The record of changes. StartError if the file cannot be had."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._file: TextIO | None = None
        if path is not None:
            try:
                self._file = path.open("a", encoding="utf-8", buffering=1)
            except OSError as error:
                raise StartError(
                    f"{path} cannot be written ({error.strerror}): set another [rest] audit_log"
                ) from error

    def note(self, client: str, method: str, path: str, status: int, body: bytes) -> None:
        """Record a request that would change something, and what it was answered."""
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "client": client,
            "method": method,
            "path": path,
            "status": status,
            "body": body.decode(errors="replace")[:_MAX_BODY_CHARACTERS],
        }
        line = json.dumps(entry, ensure_ascii=True)
        log.info("%s", line)
        if self._file is None:
            return
        try:
            self._file.write(line + "\n")
        except OSError as error:
            log.error("the change cannot be recorded in %s: %s", self._path, error)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
