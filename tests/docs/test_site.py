"""The documentation builds as a site, and says what is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from upf.drops import DropReason

ROOT = Path(__file__).resolve().parents[2]
TROUBLESHOOTING = (ROOT / "docs" / "troubleshooting.md").read_text()


def build(folder: Path, site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-f", folder / "mkdocs.yml", "-d", site],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": "/usr/bin:/bin", "NO_MKDOCS_2_WARNING": "1"},
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = build(ROOT, folder)
    assert built.returncode == 0, built.stderr
    return folder


def test_the_site_builds_without_a_warning(site):
    assert (site / "index.html").exists()


def test_the_first_page_is_the_readme_with_its_pictures(site):
    page = (site / "index.html").read_text()
    assert "Two commands" in page
    for picture in re.findall(r'<img [^>]*src="([^"]+)"', page):
        assert (site / picture).exists(), picture


def test_every_decision_is_listed(site):
    page = (site / "decisions" / "index.html").read_text()
    for decision in (ROOT / "docs" / "adr").glob("*.md"):
        assert f"adr/{decision.stem}/" in page


def test_the_site_fetches_nothing_from_elsewhere(site):
    page = (site / "index.html").read_text()
    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?://[^"]+"', page) == []


def test_a_link_to_nowhere_stops_the_build(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Here\n\n[there](nowhere.md)\n")
    settings = (ROOT / "mkdocs.yml").read_text()
    settings = re.sub(
        r"^(hooks|exclude_docs|nav):.*?(?=^\S|\Z)", "", settings, flags=re.MULTILINE | re.DOTALL
    )
    (tmp_path / "mkdocs.yml").write_text(settings)
    built = build(tmp_path, tmp_path / "site")
    assert built.returncode != 0
    assert "nowhere.md" in built.stderr


@pytest.mark.parametrize("reason", [each.name.lower() for each in DropReason])
def test_a_drop_reason_is_told_with_cause_and_cure(reason):
    row = re.search(rf"^\|[^|]*`{reason}`[^|]*\|([^|]+)\|([^|]+)\|$", TROUBLESHOOTING, re.MULTILINE)
    assert row is not None
    assert row[1].strip()
    assert row[2].strip()


def test_no_reason_is_told_that_there_is_not():
    section = TROUBLESHOOTING.split("by drop reason")[1].split("\n## ")[0]
    told = {
        name
        for row in re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert told == {each.name.lower() for each in DropReason}
