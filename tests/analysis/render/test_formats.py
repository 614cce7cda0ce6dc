"""The contract of every table in every format, and what each format promises."""

import csv
import html
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from analysis.records.reader import Run, read_run
from analysis.render.formats import FORMATS, write_markdown
from analysis.report.text_tables import REPLICATED
from analysis.tables import TABLES
from spaces import Hyperparameters
from spaces.specs.protocol import MAX_SEEDS

TITLES = ("Convolutional", "Invariant")
TEXT = ("1.3", "1.4", "summary")  # A row for each architecture, whatever the run has.


@pytest.fixture(params=["full", "empty", "partly finished", "mixed", "raced"])
def run(request, full, folder, mixed) -> Run:
    if request.param == "raced":  # On MNIST, which has published rows, and with as many seeds as a test takes.
        five = request.getfixturevalue("five")
        five.spec.update(dataset="mnist", finalists=2, choice_seeds=2)
        swept = [trial for trial, _, end in five.trials if trial.phase == "sweep" and end["status"] == "completed"]
        for trial, low in zip(swept, (0.5, 0.8, 0.5, 0.7), strict=True):
            for seed, accuracy in enumerate((low, low + 0.1), start=MAX_SEEDS + 1):
                curve = [0.1, 0.2, 0.3, accuracy]
                five.add("choice", trial.architecture, curve, "completed", theta=trial.theta, seed=seed)
    if request.param == "partly finished":
        best = Hyperparameters(0.0316, 0.9, 3.16e-5, 1.0)
        full.spec.update(rerun_seeds=10, architectures=["conv", "invariant", "dct"])
        full.rerun("conv", [None], "diverged", theta=best, seed=4, status="diverged")
        full.rerun("conv", [0.2], None, theta=best, seed=5)
        full.sweep("dct", [0.2] * 4, "completed")
        full.rerun("dct", [0.2] * 4, "completed", seed=1)
    return read_run({"empty": folder, "mixed": mixed}.get(request.param, full).write())


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("number", TABLES)
def test_every_table_in_every_format(run, number, name) -> None:
    table = TABLES[number].build(run)
    text = FORMATS[name](table)
    assert text.endswith("\n")
    assert "nan" not in text.lower()
    assert "None" not in text
    assert table.number == number
    assert len(table.cells) == len(table.frame)
    assert table.right <= {*table.cells} | {*TABLES["1.4"].build(run).right}
    assert len(table.frame) or "finalists" not in run.spec or number in REPLICATED
    assert table.notes
    assert all(note.endswith(".") and "\n" not in note for note in table.notes)


@pytest.mark.parametrize("number", TEXT)
def test_tables_of_the_text_have_a_row_for_each_architecture(run, number) -> None:
    table = TABLES[number].build(run)
    text = FORMATS["md"](table)
    places = [text.index(title) for title in TITLES if "invariant" in table.frame["architecture"].tolist()]
    assert places == sorted(places)
    assert tuple(table.frame["architecture"]) == (TABLES[number].architectures or tuple(run.spec["architectures"]))
    assert len(table.frame) == {"1.3": 2, "1.4": 8}.get(number, len(run.spec["architectures"]))


@pytest.mark.parametrize("number", TABLES)
def test_two_runs_stand_in_one_table(full, make_folder, number) -> None:
    other = make_folder("other")
    other.spec.update(full.spec, dataset="mnist")
    other.trials = full.trials
    runs = read_run(full.write()), read_run(other.write())
    both, one = (TABLES[number].build(*chosen) for chosen in (runs, runs[:1]))
    assert len(both.frame) >= len(one.frame)
    assert "nan" not in FORMATS["md"](both).lower()
    if len(one.frame) and number not in ("published", "1.6", "1.7"):
        assert "full: Convolutional" in FORMATS["md"](both)
        assert "other: Convolutional" in FORMATS["md"](both)


@pytest.mark.parametrize("number", TABLES)
def test_markdown_has_one_width_and_every_note(run, number) -> None:
    table = TABLES[number].build(run)
    text = FORMATS["md"](table)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(table.frame)
    assert len({len(line) for line in lines}) == 1
    assert len({line.count("|") for line in lines}) == 1
    assert text.startswith(f"**Table {number}.**")
    for note in table.notes:
        assert f"\n- {note}\n" in text


@pytest.mark.parametrize("number", TABLES)
def test_latex_is_a_balanced_booktabs_table(run, number) -> None:
    table = TABLES[number].build(run)
    text = FORMATS["latex"](table)
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == []
    tabulars = re.findall(r"\\begin\{tabular\}\{.*\}\n\\toprule\n(.*?)\\bottomrule\n", text, re.DOTALL)
    assert tabulars
    for tabular in tabulars:
        heading, rows = tabular.split("\\midrule\n")
        counts = {len(re.findall(r"(?<!\\)&", row)) for row in (heading + rows).split("\\\\\n")[:-1]}
        assert len(counts) == 1
    assert text.count(r"\item ") == len(table.notes)
    content = re.sub(r"(?m)^%.*\n", "", text)
    assert not re.search(r"(?<!\\)[%#$_^~]", content)
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", content):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0


@pytest.mark.parametrize("number", TABLES)
def test_csv_gives_the_raw_values_back(run, number) -> None:
    frame = TABLES[number].build(run).frame
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"](TABLES[number].build(run)))))
    assert len(rows) == len(frame)
    assert all(re.fullmatch(r"[a-z_0-9]+", str(name)) for name in frame)
    for name in frame:
        for text, value in zip((row[name] for row in rows), frame[name], strict=True):
            if text == "":
                assert pd.isna(value) or value == ""
            elif isinstance(value, str | bool | np.bool_):
                assert text.removeprefix("'") == str(value)  # Before what a spreadsheet would take for a date.
            else:
                assert float(text) == value


NASTY = r"a_b%&#${x}~^\y<|>"


def test_latex_escapes_what_a_run_folder_may_be_called(full, make_folder) -> None:
    other = make_folder(NASTY)
    other.spec["data_hash"] = "e" * 10
    text = FORMATS["latex"](TABLES["summary"].build(read_run(full.write()), read_run(other.write())))
    escaped = (
        r"a\_b\%\&\#\$\{x\}\textasciitilde{}\textasciicircum{}\textbackslash{}y\textless{}\textbar{}\textgreater{}"
    )
    assert f"{escaped}: Convolutional" in text


def test_markdown_escapes_bars(full, make_folder) -> None:
    other = make_folder(NASTY)
    text = FORMATS["md"](TABLES["summary"].build(read_run(full.write()), read_run(other.write())))
    rows = [line.replace(r"\|", "") for line in text.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1


def test_the_csv_of_a_known_run(full) -> None:
    table = TABLES["1.3"].build(read_run(full.write()))
    row = next(csv.DictReader(io.StringIO(FORMATS["csv"](table))))
    assert (row["architecture"], row["finished"], row["lr"], row["weight_decay"]) == ("conv", "3", "0.0316", "3.16e-05")
    assert float(row["mean_percent"]) == pytest.approx(92.0)


@pytest.mark.parametrize(
    "name", ["<b>", "<script>alert(1)<b>", "a`b`c", "[x](x)", "<!-- x", "x|y", "a<1", "*x*", "a**b**", "_x_", "a~~b~~"]
)
def test_a_strangers_name_is_text_in_markdown(full, make_folder, name) -> None:
    """By an independent reader of Markdown: the name is shown as it is, in cells and in notes."""
    other = make_folder("other")
    other.spec.update(full.spec)
    other.trials = full.trials
    runs = [replace(read_run(folder.write()), path=Path(path)) for folder, path in ((full, "ours"), (other, name))]
    for table in ("search", "ranking"):  # In cells of the one and notes of the other.
        page = MarkdownIt("commonmark").enable("table").render(FORMATS["md"](TABLES[table].build(*runs)))
        assert f"{html.escape(name)}: Convolutional" in page


@pytest.mark.parametrize("width", [80, 120])
def test_every_table_fits_a_terminal(full, width) -> None:
    run = read_run(full.write())
    for number in TABLES:
        lines = write_markdown(TABLES[number].build(run), width).splitlines()
        assert [line for line in lines if len(line) > width] == []
