"""Every table of the committed runs typeset by TeX, which says what is too wide or no LaTeX (make test-latex)."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.render.formats import FORMATS
from analysis.tables import TABLES
from tests.results.committed import ARTICLE, OTHERS, RESULTS, RUN_OF, committed, typeset_body

pytestmark = pytest.mark.latex

COMPLAINTS = re.compile(r"^(?:!|Overfull|Missing character|LaTeX Warning: Float too large).*", re.MULTILINE)


def typeset(program, folder, name, body, packages=""):
    """Its complaints; the PDF is left in the folder."""
    if shutil.which(program) is None:
        pytest.fail(f"{program} is not there; make test-latex installs it")
    (folder / f"{name}.tex").write_text(ARTICLE % (packages, body))
    command = [program, "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
    # One line of the log for each complaint, and the same bytes of PDF each time.
    settings = {"max_print_line": "10000", "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
    done = subprocess.run(command, cwd=folder, env=os.environ | settings, capture_output=True, timeout=120)
    log = (folder / f"{name}.log").read_text(errors="replace")
    return COMPLAINTS.findall(log) + ([f"exit status {done.returncode}"] if done.returncode else [])


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("committed")
    found = {name: committed(RESULTS / name, folder) for name in {*RUN_OF.values(), OTHERS}}
    return {number: found[RUN_OF.get(number, OTHERS)] for number in TABLES}


def test_the_tables_of_committed_runs_fit_an_articles_page(runs, tmp_path) -> None:
    # One document, so that it can be looked at.
    folder = Path(os.environ.get("TYPESET") or tmp_path).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    assert typeset("pdflatex", folder, "tables", typeset_body(runs)) == []


@pytest.mark.parametrize("number", TABLES)
def test_a_table_of_two_runs_fits(runs, tmp_path, number) -> None:
    two = runs[number], runs["1.3" if number in ("1.6", "1.7") else "1.6"]
    assert typeset("pdflatex", tmp_path, "two", FORMATS["latex"](TABLES[number].build(*two))) == []


NAMES = [
    r"a_b%&#${x}~^\y<|>",
    "[h]",
    "*",
    "--out",
    "a-run_of_an_unreasonably.long/name" * 5,
    "x" * 200,
    "W" * 100,
    'two  spaces, `quotes\' and "more"',
    "^^M",
    "naïve café ×±µ",
    "\\end{tabular}",
]


@pytest.mark.parametrize("number", ["1.3", "1.4", "ranking", "pairs", "importance"])
def test_names_of_every_kind_fit(runs, tmp_path, number) -> None:
    bodies = []
    table = TABLES[number].build(runs[number])
    for name in NAMES:
        cells = table.cells.copy()
        cells.iloc[0, 0] = name
        cells = cells.rename(columns={cells.columns[1]: name})
        table_ = type(table)(table.number, name, table.frame, cells, table.right, [*table.notes, f"{name} is a note."])
        bodies.append(FORMATS["latex"](table_))
    assert typeset("pdflatex", tmp_path, "names", "\\clearpage\n".join(bodies)) == []


def test_chinese_names_are_set_by_the_program_that_the_comment_names(runs, tmp_path) -> None:
    table = TABLES["1.3"].build(runs["1.3"])
    table.cells.iloc[0, 0] = "卷积网络的一个非常长的名字" * 4
    text = FORMATS["latex"](table)
    assert "% Needs XeLaTeX" in text
    packages = "\\usepackage{xeCJK}\n\\setCJKmainfont{Noto Sans CJK SC}\n"
    assert typeset("xelatex", tmp_path, "chinese", text, packages) == []
