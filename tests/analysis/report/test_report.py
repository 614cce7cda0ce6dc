import base64
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.evidence import gather
from analysis.figures import FIGURES
from analysis.figures.figure import Figure
from analysis.records.reader import read_run
from analysis.report import SECTIONS, Section, write_report
from analysis.report.text_tables import SOURCES
from spaces import UserError
from tests.analysis.conftest import NET, OWN, RunFolder
from tests.drawings import samples

Make = Callable[..., RunFolder]
HOSTILE = "</script><script>alert(1)</script><!--\u2028<img src=x onerror=alert(2)>"


def written(folder: RunFolder, target: Path, **kwargs) -> str:
    write_report(gather([read_run(folder.write())]), target, **kwargs)
    return (target / "report.html").read_text(encoding="utf-8")


def data_of(page: str, name: str):
    found = re.search(rf'<script type="application/json" id="data-{name}">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def without_plotly(page: str) -> str:
    return max(page.split("<script>"), key=len) and page.replace(max(page.split("<script>"), key=len), "")


def test_every_section_names_what_there_is() -> None:
    assert {name for section in SECTIONS for name in section.figures} == set(FIGURES)
    assert {name for section in SECTIONS for name in section.tables} <= set(SOURCES)
    assert len({section.id for section in SECTIONS}) == len(SECTIONS)


def test_it_writes_page_figures_and_tables_and_links_to_what_is_there(full: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "report"
    page = without_plotly(written(full, target))
    links = set(re.findall(r'href="((?:figures|tables)/[^"]+)"', page))
    held = {
        f"tables/{name}": base64.b64decode(content)
        for content, name in re.findall(r'href="data:[^"]*;base64,([^"]*)" download="([^"]+)"', page)
    }
    assert links
    assert held
    assert {str(path.relative_to(target)) for path in target.glob("*/*")} == links | held.keys()
    assert all((target / name).read_bytes() == content for name, content in held.items())
    anchors = set(re.findall(r'href="#([^"]+)"', page))
    assert anchors <= set(re.findall(r'id="([^"]+)"', page))


@pytest.mark.parametrize(
    ("architecture", "there", "missing"),
    [("ref", "1.6", "1.7"), ("scatnetA-w16", "1.7", "1.6"), ("conv", "1.3", "1.6")],
)
def test_the_tables_of_the_text_that_have_a_place_for_what_was_trained(
    folder: RunFolder, tmp_path: Path, architecture: str, there: str, missing: str
) -> None:
    folder.spec["architectures"] = [architecture, "invariant"]
    folder.rerun(architecture, [0.1, 0.9], "completed", seed=1)
    page = written(folder, tmp_path / "report")
    assert f"Table {there}." in page
    assert f"Table {missing}." not in page
    names = {path.name for path in (tmp_path / "report" / "tables").iterdir()}
    assert f"table-{there}.md" in names
    assert f"table-{missing}.md" not in names


def test_the_same_records_give_the_same_bytes(full: RunFolder, tmp_path: Path) -> None:
    written(full, tmp_path / "one")
    full.shuffle(1)
    written(full, tmp_path / "two")
    names = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_it_asks_the_network_for_nothing(full: RunFolder, tmp_path: Path) -> None:
    page = written(full, tmp_path / "report")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert "default-src &#39;none&#39;" in policy[1]
    assert "unsafe-inline" not in policy[1].split("script-src")[1]
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', without_plotly(page))
    assert len(page.encode()) < 10 * 2**20


def test_nothing_of_a_record_becomes_markup(folder: RunFolder, tmp_path: Path) -> None:
    trial = folder.sweep("conv", [0.5], "failed", status="failed", error=HOSTILE)
    drawings = samples([trial])
    figures = {drawing.name: Figure(drawing.name, lambda _, drawing=drawing: drawing) for drawing in drawings}
    figures["none"] = Figure("none", lambda _: HOSTILE)
    sections = [*(section for section in SECTIONS if not section.figures), Section("f", "F", HOSTILE, tuple(figures))]
    (folder.write() / "history.jsonl").write_text(json.dumps({"event": "start", "command": HOSTILE}) + "\n")
    page = without_plotly(written(folder, tmp_path / "report", sections=sections, figures=figures))
    for piece in ("<script>alert", "<img", "<!--", "\u2028<"):
        assert piece not in page
    assert data_of(page, "trials")["errors"] == {"0": HOSTILE}  # What was said is shown all the same.


def test_points_know_the_rows_of_their_trials(full: RunFolder, tmp_path: Path) -> None:
    page = written(full, tmp_path / "report")
    trials = data_of(page, "trials")
    curves = data_of(page, "sweep-curves")
    rows = {row for panel in curves for links in panel["links"].values() for row, _ in links if row >= 0}
    phases = trials["columns"][trials["headings"].index("phase")]
    assert {phases["words"][phases["codes"][row]] for row in rows} == {"sweep"}
    assert len(rows) == phases["codes"].count(phases["words"].index("sweep"))


def test_all_trials_are_in_the_table(full: RunFolder, tmp_path: Path) -> None:
    page = written(full, tmp_path / "report")
    trials = data_of(page, "trials")
    assert trials["keys"] == sorted(trial.trial_id for trial, _, _ in full.trials)
    test = dict(zip(trials["keys"], trials["columns"][trials["headings"].index("test %")], strict=True))
    reruns = [test[trial.trial_id] for trial, _, _ in full.trials if trial.phase == "rerun"]
    assert sorted(reruns) == [80, 81, 85, 90, 92, 94]
    assert all(test[trial.trial_id] is None for trial, _, _ in full.trials if trial.phase == "sweep")


def test_the_same_trial_in_two_runs_has_two_addresses(make_folder: Make, tmp_path: Path) -> None:
    folders = [make_folder(name) for name in ("one", "two")]
    trials = [folder.sweep("conv", [0.5, 0.6, 0.7, 0.8], "completed") for folder in folders]
    assert trials[0] == trials[1]
    write_report(gather([read_run(folder.write()) for folder in folders]), tmp_path / "report")
    data = data_of((tmp_path / "report" / "report.html").read_text(encoding="utf-8"), "trials")
    assert data["keys"] == [trials[0], f"two/{trials[0]}"]
    assert data["columns"][0]["words"] == ["one", "two"]


def test_what_is_missing_stands_at_the_top(folder: RunFolder, tmp_path: Path) -> None:
    folder.spec["samples"] = 3
    folder.sweep("conv", [0.5], None)
    folder.sweep("invariant", [0.5], "failed", status="failed", error="x")
    run = folder.write()
    (run / "trials" / "conv-0123456789").mkdir()
    (run / "trials" / "conv-0123456789" / "record.json").write_text("{")
    page = written(folder, tmp_path / "report")
    top = page[page.index("Incomplete") : page.index('<section id="summary"')]
    assert "conv: 0 of 3 configurations ended; unfinished: 1." in top
    assert "invariant: 1 configuration failed." in top
    assert "No rerun has begun" in top
    assert "conv-0123456789" in top


def test_a_run_without_any_trial_has_a_report_that_says_so(folder: RunFolder, tmp_path: Path) -> None:
    page = written(folder, tmp_path / "report")
    assert "No trial has recorded anything yet." in page
    assert page.count('class="nothing"') >= len(FIGURES)


def test_a_report_is_replaced_and_other_files_are_left(full: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "report"
    written(full, target)
    (target / "report.html").write_text("old")
    (target / "mine.txt").write_text("mine")
    assert "<html" in written(full, target)
    assert (target / "mine.txt").read_text() == "mine"
    assert not [path for path in target.rglob("*") if path.name.startswith(".")]


def test_only_a_part(full: RunFolder, tmp_path: Path) -> None:
    run = read_run(full.write())
    for only, expected in (("html", {"report.html"}), ("figures", {"figures"}), ("tables", {"tables"})):
        write_report(gather([run]), tmp_path / only, only=only)
        assert {path.name for path in (tmp_path / only).iterdir()} == expected
    page = (tmp_path / "html" / "report.html").read_text()
    assert not re.findall(r'href="(?:figures|tables)/', page)  # Nothing lies beside it.
    assert "in figures/, beside" not in page


def test_nothing_is_written_through_a_link(full: RunFolder, tmp_path: Path) -> None:
    run = read_run(full.write())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target = tmp_path / "report"
    target.mkdir()
    os.symlink(elsewhere, target / "figures")
    with pytest.raises(UserError, match="is a link"):
        write_report(gather([run]), target)
    assert not list(elsewhere.iterdir())
    (target / "figures").unlink()
    victim = elsewhere / "victim"
    victim.write_text("kept")
    os.symlink(victim, target / "report.html")
    write_report(gather([run]), target)
    assert victim.read_text() == "kept"
    assert not (target / "report.html").is_symlink()


def test_own_architectures_beside_a_table_of_the_chapter_are_in_the_summary(mixed: RunFolder, tmp_path: Path) -> None:
    """Table 1.3 has no row for them, so their configurations and accuracies would be nowhere."""
    mixed.spec["architectures"].append("invariant")
    mixed.rerun("invariant", [0.5, 0.6, 0.7, 0.8], "completed", seed=1)
    page = written(mixed, tmp_path / "report")
    assert "Table 1.3." in page
    tables = tmp_path / "report" / "tables"
    assert f"| {OWN}" not in (tables / "table-1.3.md").read_text()
    row = next(line for line in (tables / "summary.md").read_text().splitlines() if f"| {OWN}" in line)
    assert "activation=gelu" in row
    assert "90.0" in row


def test_a_run_with_the_users_own_architectures_and_hyperparameters(mixed: RunFolder, tmp_path: Path) -> None:
    page = written(mixed, tmp_path / "report")
    trials = data_of(page, "trials")
    after = trials["headings"].index("gain a") + 1
    assert trials["headings"][after : after + 3] == ["activation", "bias", "width"]
    assert trials["numeric"][after : after + 3] == [False, False, True]
    assert {*trials["columns"][after + 1]["words"]} == {"true", "false", ""}
    assert sorted(set(trials["columns"][after + 2]), key=str) == [64, None]
    parallel = {panel["parallel"]["axes"][-2]["label"] for panel in data_of(page, "parallel")}
    assert parallel == {"gain", "width", "activation"}
    assert {panel["layout"]["yaxis"]["title"]["text"] for panel in data_of(page, "costs")} == {"test accuracy (%)"}
    for name in (OWN, NET):
        assert page.count(name) > 5
        assert name in (tmp_path / "report" / "tables" / "ranking.md").read_text()
    assert "own architectures" in page
    assert len(list((tmp_path / "report" / "tables").glob("table-1.*"))) == 0
    assert "nan" not in (tmp_path / "report" / "tables" / "summary.md").read_text().lower()


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ([], {"table-1.3"}),
        (["dct"], {"table-1.4"}),
        (["Mine-1"], {"table-1.3", "summary"}),
        (["dct", "Mine-1"], {"table-1.4", "summary"}),
    ],
)
def test_the_table_of_the_chapter_has_rows_for_most_networks(
    more: list[str], shown: set[str], full: RunFolder, tmp_path: Path
) -> None:
    full.spec["architectures"] += more
    written(full, tmp_path / "report")
    names = {path.stem for path in (tmp_path / "report" / "tables").glob("*.md")}
    assert names & {"table-1.3", "table-1.4", "summary"} == shown
