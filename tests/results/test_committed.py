"""What is committed under ``results/`` is what today's code makes of the records there (make tables writes it)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.published.mnist import PUBLISHED
from analysis.records.reader import read_run
from tests.results.committed import FLAT, REPEATED, RESULTS, committed, folders, remade


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, bytes]:
    return remade(tmp_path_factory.mktemp("committed"))


def test_every_committed_table_is_what_the_code_makes_of_the_committed_records(files: dict[Path, bytes]) -> None:
    differ = [str(path.relative_to(RESULTS)) for path, text in files.items() if path.read_bytes() != text]
    assert differ == []  # make tables writes them anew; look at what changes before it is committed.


def test_the_readme_shows_table_1_4_as_committed() -> None:
    shown = _rows(RESULTS.parent / "README.md")
    full = _rows(RESULTS / "table-1.4-mnist" / "table.md")
    assert len(shown) == len(full) == 8
    for mine, theirs in zip(shown, full, strict=True):
        assert theirs["Architecture"].startswith(mine["Architecture"])
        assert {name: theirs[name] for name in mine if name != "Architecture"} == {
            name: cell for name, cell in mine.items() if name != "Architecture"
        }


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of a file's first table of architectures, by column."""
    lines = path.read_text().partition("| Architecture")[2].partition("\n\n")[0].splitlines()
    header = _cells("| Architecture" + lines[0])
    return [dict(zip(header, _cells(line), strict=True)) for line in lines[2:]]


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def test_the_flat_table_has_what_the_tables_show() -> None:
    """Cell by cell in the rows of Tables 1.3 and 1.4, which are read as text."""
    flat = pd.read_csv(FLAT, dtype={"table": str})
    assert [*flat] == ["run", "table", "row", "dataset", "theta", "mean", "std", "n", "revision", "engine"]
    assert {*flat["run"]} == {folder.name for folder in folders()} | {
        f"{REPEATED.name}/replicate-{number:02d}" for number in range(1, 9)
    }
    compared = 0
    for name, mine in flat[flat["table"].isin(["1.3", "1.4"])].groupby("run"):
        lines = (RESULTS / str(name) / "table.md").read_text().splitlines()
        heads, _, *rows = [_cells(line) for line in lines if line.startswith("|")]
        filled = [shown for cells in rows if (shown := dict(zip(heads, cells, strict=True)))["n"]]
        by_title = {shown["Architecture"].rstrip("*"): shown for shown in filled}
        assert len(by_title) == len(mine)
        for row in mine.to_dict("records"):
            shown = by_title[PUBLISHED[row["row"]].title]
            assert float(shown["mean"]) == pytest.approx(row["mean"], abs=0.0501)
            assert float(shown["std"]) == pytest.approx(row["std"], abs=0.00501)
            assert shown["n"].split(" of ")[0] == str(row["n"])
            compared += 1
    assert compared > 10


def test_no_table_is_left_over(files: dict[Path, bytes]) -> None:
    there = {*RESULTS.glob("*/table.md"), *RESULTS.glob("*/report/tables/*")}
    assert there <= {*files}


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_the_csv_files_are_those_of_the_records(folder: Path, tmp_path: Path) -> None:
    trials = committed(folder, tmp_path).trials.set_index("trial_id")
    for name, phase, measure in (("sweep.csv", "sweep", "val_accuracy"), ("reruns.csv", "rerun", "test_accuracy")):
        if (folder / name).exists():
            kept, mine = pd.read_csv(folder / name).set_index("trial_id"), trials[trials["phase"] == phase]
            assert {*kept.index} == {*mine.index}
            mine = mine.reindex(kept.index)
            assert (kept["status"] == mine["status"]).all()
            shown = kept[measure].notna()  # Of a trial that diverged there is none.
            assert kept.loc[shown, measure].tolist() == pytest.approx(mine.loc[shown, measure].tolist(), abs=1e-9)


def test_every_run_is_committed_with_its_records(tmp_path: Path) -> None:
    assert {folder.name for folder in folders()} >= {"table-1.3-digits", "mnist-published-theta", "table-1.6-subset"}
    for folder in folders():
        assert (folder / "run.tar.xz").exists()
    with pytest.raises(Exception, match="not a run folder"):
        read_run(tmp_path)
