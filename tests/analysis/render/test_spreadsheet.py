"""What a spreadsheet would change has an apostrophe in front; all else, and every number, is as it was."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.render.formats import FORMATS
from analysis.render.spreadsheet import write_csv
from analysis.tables import TABLES

FORMULAS = (  # What OWASP's page on CSV injection lists, and an attack from it.
    *("=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠1", " =1"),
    "=cmd|' /C calc'!A0",
)
NUMBERS = ("0955086164", "6764e21198", "1E-5", "007", ".5", "5.", "1,000", "1'000", "50%", "$5", "(5)", "1e999")
DATES = ("2024-01", "1/2", "12:30", "3 pm", "SEPT2", "march1", "MAR-1", "1-Jan", "1 jan 2024", "1.2.2024", "True")
KEPT = (
    *("conv-0955086164", "c0955086164", "Convolutional", "c15aa805e60f4b75", "native 1 avx512", "mnist", "2x", "1st"),
    *("decoder4", "augment-2", "mayfly-3", "marsupial1", "gain = 0.5 (lowest)", "a=b", "tpe", "may"),
)


def read(text: str) -> list[str]:
    return list(pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)["text"])


@pytest.mark.parametrize("text", [*FORMULAS, *NUMBERS, *DATES])
def test_text_that_a_spreadsheet_would_change_is_guarded(text: str) -> None:
    assert read(write_csv(pd.DataFrame({"text": [text]}))) == [f"'{text}".replace("\r", "\n")]


@pytest.mark.parametrize("text", KEPT)
def test_other_text_is_kept(text: str) -> None:
    assert read(write_csv(pd.DataFrame({"text": [text]}))) == [text]


def test_no_text_begins_a_row_of_its_own() -> None:
    assert read(write_csv(pd.DataFrame({"text": ["10 %\r=1+1", "a\r\nb"]}))) == ["10 %\n=1+1", "a\nb"]


def test_numbers_are_numbers() -> None:
    columns = {
        "text": pd.Series(["a", None], dtype="str"),
        "n": [-1, 2],
        "x": [-0.5, 1e-5],
        "missing": pd.Series([7, None], dtype="Int64"),
        "differs": [True, False],
        "mixed": pd.Series([-1.5, "-1.5"], dtype=object),
    }
    assert (
        write_csv(pd.DataFrame(columns))
        == "text,n,x,missing,differs,mixed\na,-1,-0.5,7,True,-1.5\n,2,1e-05,,False,'-1.5\n"
    )


@pytest.mark.parametrize("name", ["=1+1", "@run", "1e5"])
def test_a_run_cannot_name_itself_a_formula(name: str, full: Any, make_folder: Callable[..., Any]) -> None:
    other = make_folder(name)
    other.spec, other.trials = full.spec | {"data_hash": "e" * 10}, full.trials  # A copy on the same data is left out.
    runs = [read_run(folder.write()) for folder in (full, other)]
    ranking = FORMATS["csv"](TABLES["ranking"].fill(gather(runs)))
    groups = list(pd.read_csv(io.StringIO(ranking))["group"])
    assert {f"{name}: Convolutional", f"'{name}: Convolutional"} & {*groups}
    assert not [group for group in groups if group[0] in "=+-@"]
