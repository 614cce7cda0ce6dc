"""All epochs of all trials as one table, against the records as they were written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.records.reader import read_run
from analysis.records.whole import join_epochs
from search.cli import main


def list_rows(run: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """Every row of every record by trial and epoch, with what defines the trial."""
    records = [json.loads(path.read_text()) for path in run.glob("trials/*/record.json")]
    return {
        (record["trial"]["trial_id"], row["epoch"]): {**record["trial"], **row}
        for record in records
        for row in record["rows"]
    }


def test_a_row_for_each_epoch_on_record(full: Any) -> None:
    run = full.write()
    table, rows = join_epochs(read_run(run)), list_rows(run)
    assert len(table) == len(rows) > 10
    for found in table.to_dict("records"):
        row = rows.pop((found["trial_id"], found["epoch"]))
        for name in ("phase", "architecture", "lr", "gain", "seed", "config_id", "time"):
            assert found[name] == row[name]
        accuracy = row.get("val_accuracy", row.get("test_accuracy"))
        mine = found["val_accuracy" if "val_accuracy" in row else "test_accuracy"]
        assert mine == accuracy or (accuracy is None and mine != mine)
    assert not rows
    assert set(table["status"]) == {"completed", "stopped", "diverged"}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_command_writes_it(mixed: Any, tmp_path: Path, kind: str) -> None:
    run, out = mixed.write(), tmp_path / "out" / f"epochs.{kind}"
    assert main(["export", str(run), f"--{kind}", str(out)]) == 0
    table = join_epochs(read_run(run))
    found = pd.read_csv(out) if kind == "csv" else pd.read_parquet(out)
    assert [*found] == [*table]
    assert {"activation", "bias", "width"} < {*found}
    for name in ("trial_id", "epoch", "lr", "val_accuracy", "test_accuracy", "width"):
        assert found[name].equals(table[name].astype(found[name].dtype))
    assert main(["export", str(run), f"--{kind}", str(out), "--architectures", "conv"]) == 0
    found = pd.read_csv(out) if kind == "csv" else pd.read_parquet(out)
    assert set(found["architecture"]) == {"conv"}


def test_what_is_refused(full: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(full.write())
    for words, said in (
        ([], "give --csv FILE or --parquet FILE"),
        (["--csv", run], "give a file elsewhere"),
        (["--csv", str(tmp_path / "x"), "--partial"], "leave --partial out"),
        (["--csv", str(tmp_path / "x"), "--architectures", "con"], "con"),
    ):
        assert main(["export", run, *words]) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
