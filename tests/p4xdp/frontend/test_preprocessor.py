"""Directives, macros and positions through includes."""

from pathlib import Path

import pytest

from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.preprocessor import Preprocessor


@pytest.fixture
def run(tmp_path):
    """Preprocess a text; return the tokens as (text, file name, line, column)."""

    def preprocess(text, *, defines=None, **files):
        for name, content in files.items():
            (tmp_path / f"{name}.p4").write_text(content)
        path = tmp_path / "main.p4"
        path.write_text(text)
        preprocessor = Preprocessor(defines=defines or {}, include_dirs=(), system_dirs=())
        return [
            (token.text, Path(token.at.file).name, token.at.line, token.at.column)
            for token in preprocessor.run(path)[:-1]
        ]

    return preprocess


def words(tokens):
    return " ".join(token[0] for token in tokens)


def test_positions_are_those_of_the_source(run):
    assert run("a /* one\ntwo */ b // c\n  d") == [
        ("a", "main.p4", 1, 1),
        ("b", "main.p4", 2, 8),
        ("d", "main.p4", 3, 3),
    ]


def test_an_included_file_keeps_its_own_positions(run):
    tokens = run('x\n#include "other.p4"\ny', other="\n  z")
    assert tokens[1] == ("z", "other.p4", 2, 3)
    assert tokens[2] == ("y", "main.p4", 3, 1)


def test_a_macro_stands_where_it_is_used(run):
    assert run("#define N (1 + 2)\n\n  N")[0] == ("(", "main.p4", 3, 3)


def test_macros_with_parameters_are_expanded(run):
    assert words(run("#define F(a, b) b + (a)\nF(1, G(2, 3))")) == "G ( 2 , 3 ) + ( 1 )"


def test_a_macro_without_its_parentheses_is_a_name(run):
    assert words(run("#define F(a) a\nF + 1")) == "F + 1"


def test_a_macro_does_not_expand_in_itself(run):
    assert words(run("#define A B\n#define B A\nA")) == "A"


def test_a_directive_goes_on_after_a_backslash(run):
    assert words(run("#define N 1 \\\n  + 2\nN")) == "1 + 2"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("1", True),
        ("0", False),
        ("X == 2", True),
        ("X > 2 || X < 2", False),
        ("defined(X) && !defined(Y)", True),
        ("defined X", True),
        ("Y", False),
        ("(X + 1) * 2 == 6", True),
        ("X & 2 == 2", False),  # as in C: X & (2 == 2)
        ("1 << 3 == 8", True),
        ("-1 < 0 && ~0 == -1", True),
    ],
)
def test_conditions(run, condition, holds):
    text = f"#if {condition}\nyes\n#else\nno\n#endif"
    assert words(run(text, defines={"X": "2"})) == ("yes" if holds else "no")


def test_the_first_branch_that_holds_is_read(run):
    text = "#if 0\na\n#elif 1\nb\n#elif 1\nc\n#else\nd\n#endif"
    assert words(run(text)) == "b"


def test_what_is_skipped_is_not_read(run):
    text = "#ifdef NO\n#error no\n$\n#if 1\na\n#else\nb\n#endif\n#else\nc\n#endif"
    assert words(run(text)) == "c"


def test_undef_forgets(run):
    assert words(run("#define A 1\n#undef A\nA")) == "A"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\n#if 1\n", 2, "never closed"),
        ("#endif", 1, "#endif without #if"),
        ("#if 1\n#else\n#else\n#endif", 3, "#else after #else"),
        ("a\n#error stop here", 2, "#error stop here"),
        ("#include <nothing.p4>", 1, "cannot find the file <nothing.p4>"),
        ("#include nothing", 1, "#include wants"),
        ("#define N 1\n#define N 2", 2, "defined twice"),
        ("#define F(a) a\nF(1, 2)", 2, "takes 1 arguments, 2 given"),
        ("#define F(a) a\nF(1", 2, "never closed"),
        ("#if 1 +\n#endif", 1, "lacks an operand"),
        ("#frob", 1, "unknown directive #frob"),
        ("a\n/* b", 2, "comment is never closed"),
        ('"abc', 1, "string is not closed"),
        ("#define F(a) a ## b", 1, "# and ## in macros"),
    ],
)
def test_faults_are_refused_on_their_line(run, text, line, message):
    with pytest.raises(SourceError, match=message.replace("(", r"\(")) as caught:
        run(text)
    assert caught.value.at.line == line


def test_a_file_that_includes_itself_is_refused(run):
    with pytest.raises(SourceError, match="nested deeper"):
        run('#include "main.p4"')
