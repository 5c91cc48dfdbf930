"""Configurations as files: one a program, named after it, for the lab and for containers alike."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from testbed.ueransim import ran
from testbed.ueransim.core import Core
from testbed.ueransim.plan import INTERNET, UPF_CONFIGURATION, VIDEO, Subscriber, subscriber

_UES = {"ue1": subscriber(INTERNET, 0), "ue2": subscriber(VIDEO, 0)}


def write(directory: Path, name: str, configuration: dict[str, Any]) -> Path:
    """Write a configuration as JSON, which is YAML, too; return where."""
    path = directory / f"{name}.yaml"
    path.write_text(json.dumps(configuration, indent=2) + "\n", encoding="utf-8")
    return path


def write_all(directory: Path, core: Core, subscribers: Sequence[Subscriber]) -> list[Path]:
    """Write what everybody but the database reads, and what fills that one; return the files."""
    directory.mkdir(parents=True, exist_ok=True)
    written = [
        write(directory, name, configuration)
        for each in core.functions
        for name, configuration in each.files.items()
    ]
    written.append(write(directory, "gnb", ran.gnb()))
    written += [write(directory, name, ran.ue(who)) for name, who in _UES.items()]
    for name, text in (
        ("upf.toml", UPF_CONFIGURATION),
        ("subscribers.js", _provisioning(core, subscribers)),
    ):
        path = directory / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _provisioning(core: Core, subscribers: Sequence[Subscriber]) -> str:
    """A script of MongoDB's shell that puts the subscribers into the core's database."""
    lines = []
    for collection, documents in core.database.contents(subscribers).items():
        where = f"db.getSiblingDB({json.dumps(core.database.name)}).{collection}"
        lines.append(f"{where}.insertMany({json.dumps(documents, indent=1)});\n")
    return "".join(lines)
