from pathlib import Path

from pfcp import reference, schema

DOCUMENT = Path(__file__).parents[2] / "docs" / "ie-reference.md"


def test_the_reference_says_what_the_declarations_say():
    assert DOCUMENT.read_text() == reference.reference(), (
        "docs/ie-reference.md is stale: python -m pfcp.reference > docs/ie-reference.md"
    )


def test_the_reference_names_every_message_and_ie():
    text = DOCUMENT.read_text()
    for spec in schema.MESSAGES.values():
        assert f"### {spec.message_type} {spec.name}\n" in text
    for spec in schema.IES.values():
        line = f"| {spec.ie_type} | {spec.name} |" if spec.cls is None else f"### {spec.ie_type} "
        assert line in text
