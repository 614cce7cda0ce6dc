"""The runs under ``results/`` as they are committed, and the text files that today's code makes of their records."""

from __future__ import annotations

import re
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from analysis.evidence import gather
from analysis.records.reader import Run, read_run, read_runs
from analysis.render.formats import FORMATS
from analysis.replay.halved import judge_first_rung, write_judged
from analysis.report import write_report
from analysis.report.text_tables import REPLICATED
from analysis.tables import TABLES
from search.commands.replay import REPEATS
from tests.results.flat import write_flat

RESULTS = Path(__file__).resolve().parents[2] / "results"
FLAT = RESULTS / "tables.csv"
TYPESET = RESULTS / "latex" / "tables.tex"
RUN_OF = {"1.6": "table-1.6-subset", "1.7": "table-1.7-subset"}
OTHERS = "table-1.4-mnist"  # The run of all other tables in tables.tex.
REPEATED = RESULTS / "replicates-digits"  # Runs in one archive, and their tables in one file.
ARTICLE = "\\documentclass{article}\n\\usepackage{array,booktabs}\n%s\\begin{document}\n%s\\end{document}\n"


def folders() -> list[Path]:
    """The committed runs."""
    return sorted(path.parent for path in RESULTS.glob("*/spec.json"))


def committed(folder: Path, scratch: Path) -> Run:
    """A committed run."""
    with tarfile.open(folder / "run.tar.xz") as archive:
        archive.extractall(scratch, filter="data")
    return read_run(scratch / folder.name)


def remade(scratch: Path) -> dict[Path, bytes]:
    """Every committed table as today's code writes it."""
    runs = {folder.name: committed(folder, scratch) for folder in folders()}
    numbers = {name: find_number(RESULTS / name) for name in runs}
    files = {RESULTS / name / "table.md": _write_table(numbers[name], run) for name, run in runs.items()}
    for name, run in runs.items():
        if (RESULTS / name / "report").is_dir():
            with tempfile.TemporaryDirectory() as target:
                written = write_report(gather([run]), Path(target), only="tables")
                files |= {RESULTS / name / "report" / "tables" / path.name: path.read_bytes() for path in written}
        if (RESULTS / name / "first-rung.md").exists():
            rows = [judge_first_rung(one, REPEATS, 0) for one in gather([run]).candidates]
            files[RESULTS / name / "first-rung.md"] = write_judged(rows).encode()
    several = repeat(scratch)
    repeated = (FORMATS["md"](TABLES[number].build(*several)).rstrip() for number in REPLICATED)
    files[REPEATED / "replicates.md"] = ("\n\n".join(repeated) + "\n").encode()
    flat = {name: (numbers[name], run) for name, run in runs.items()}
    flat |= {f"{REPEATED.name}/{run.path.name}": (REPLICATED[0], run) for run in several}
    files[FLAT] = write_flat(dict(sorted(flat.items())))
    shown = {number: runs[RUN_OF.get(number, OTHERS)] for number in TABLES}
    return files | {TYPESET: (ARTICLE % ("", typeset_body(shown))).encode()}


def repeat(scratch: Path) -> list[Run]:
    """The committed replicates."""
    with tarfile.open(REPEATED / "runs.tar.xz") as archive:
        archive.extractall(scratch, filter="data")
    return read_runs([scratch / REPEATED.name])


def typeset_body(runs: Mapping[str, Run]) -> str:
    """Every table of a run by its number in LaTeX, each on a page of its own, so that they can be looked at."""
    return "\\clearpage\n".join(FORMATS["latex"](TABLES[number].build(runs[number])) for number in TABLES)


def find_number(folder: Path) -> str:
    """The number of the table that a folder shows."""
    number = re.match(r"\*\*Table ([^ ]+)\.\*\*", (folder / "table.md").read_text())
    assert number, f"{folder}/table.md does not begin with a table's number"
    return number[1]


def _write_table(number: str, run: Run) -> bytes:
    """A table as ``invsearch table`` prints it."""
    return f"{FORMATS['md'](TABLES[number].build(run)).rstrip()}\n".encode()
