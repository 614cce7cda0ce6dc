"""How a table is laid out on an article's page; make test-latex typesets it."""

import pandas as pd
import pytest

from analysis.render.latex import WIDTH, arrange, make_panels, write_latex
from analysis.tables.table import Filled


def table(cells, right=(), notes=("A note.",), title="A title."):
    frame = pd.DataFrame(cells, dtype="str")
    return Filled("0", title, frame, frame, frozenset(right), list(notes))


PUBLISHED = table(
    {
        "Architecture": ["Convolutional", "Mine"],
        "theta = {lr, mom}": ["{0.1, 0.5}", "{0.2, 0.9}"],
        "95 % CI": ["97.1 to 97.5", "-"],
        "mean": ["97.3", "97.4"],
        "published theta": ["{0.1, 0.0}", ""],
        "published mean": ["97.2", ""],
    },
    right={"mean", "published mean"},
)


def body(text):
    """The cells of the rows below the headings."""
    rows = (line.removesuffix(r" \\") for line in text.splitlines() if " & " in line and "multicolumn" not in line)
    return [row.split(" & ") for row in rows]


def test_published_numbers_stand_under_ours_and_the_texts_own_columns_come_first() -> None:
    assert [column.heading for column in arrange(PUBLISHED)] == [
        "Architecture",
        "theta = {lr, mom}",
        "mean",
        "95 % CI",
    ]
    assert body(write_latex(PUBLISHED)) == [
        ["Convolutional", r"\{0.1, 0.5\}", "97.3", "97.1 to 97.5"],
        ["published", r"\{0.1, 0.0\}", "97.2", ""],
        ["Mine", r"\{0.2, 0.9\}", "97.4", "-"],
    ]


@pytest.mark.parametrize("count", [1, 5, 13, 40])
def test_columns_that_do_not_fit_go_on_in_a_panel_with_the_rows_names(count) -> None:
    cells = {"name": ["first", "second"]} | {f"a heading {place}": ["1234.5678"] * 2 for place in range(count)}
    found = make_panels(arrange(table(cells, right=set(cells) - {"name"})))
    assert all(panel[0].heading == "name" for panel in found)
    assert [column.heading for panel in found for column in panel[1:]] == list(cells)[1:]
    assert all(sum(column.room for column in panel) <= WIDTH for panel in found)


def test_a_panel_repeats_as_many_columns_as_tell_the_rows_apart() -> None:
    cells = {"First": ["a", "a"], "Second": ["b", "c"]} | {f"number {place}": ["1234.5678"] * 2 for place in range(20)}
    found = make_panels(arrange(table(cells, right=set(cells) - {"First", "Second"})))
    assert len(found) > 1
    assert all([column.heading for column in panel[:2]] == ["First", "Second"] for panel in found)


def test_rows_that_fill_more_than_a_page_go_on_in_a_table_of_the_same_number() -> None:
    text = write_latex(table({"name": [f"row {place}" for place in range(100)], "x": ["1"] * 100}))
    assert len(body(text)) == 100
    floats = text.split("\\begin{table}")[1:]
    assert len(floats) == 3
    assert [r"\addtocounter{table}{-1}" in one for one in floats] == [False, True, True]
    assert [r"\label{tab:" in one for one in floats] == [True, False, False]


def test_what_tex_would_take_for_something_else_is_text() -> None:
    text = write_latex(table({"name": ["[h]", "*", "a|b"], "x": ["--out", "---", "1"]}, notes=["[1] is a note."]))
    assert body(text) == [["{}[h]", "-{}-out"], ["{}*", "-{}-{}-"], [r"a\textbar{}b", "1"]]
    assert r"\item {}[1] is a note." in text


@pytest.mark.parametrize(("name", "needed"), [("卷积", True), ("Ünïcode × ±", False)])
def test_a_comment_names_what_pdflatex_cannot_set(name, needed) -> None:
    text = write_latex(table({"name": [name], "x": ["1"]}))
    assert (f"% Needs XeLaTeX, and fonts that have {name};" in text) is needed
