"""What the site takes from outside docs/: the README as its first page, reports that stand beside
what they are about. Links between them are rewritten, so that they work in the repository too.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parent.parent

#: File of the repository -> page of the site.
PAGES = {
    "README.md": "index.md",
    "p4/README.md": "pipeline.md",
    "p4/build/tofino.md": "tofino-report.md",
}
_ADDRESS_OF = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside docs/."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=_relinked(text, source)))
    files.append(File.generated(config, "decisions.md", content=_decisions()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links out of docs/ to the pages made of what they name."""
    if page.file.src_uri in PAGES.values():
        return markdown
    return _relinked(markdown, f"docs/{page.file.src_uri}")


def _decisions() -> str:
    """A page that lists docs/adr by their titles."""
    titles = {
        path: path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        for path in sorted((ROOT / "docs" / "adr").glob("*.md"))
    }
    lines = [f"* [{title}](adr/{path.name})" for path, title in titles.items()]
    return "\n".join(["# Decisions", "", *lines, ""])


def _relinked(text: str, source: str) -> str:
    folder = posixpath.dirname(source)

    def address(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        if target in PAGES:
            return PAGES[target]
        if source in PAGES and target.startswith("docs/"):
            return target.removeprefix("docs/")
        return match[1]

    return _ADDRESS_OF.sub(address, text)
