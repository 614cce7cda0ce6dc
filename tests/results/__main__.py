"""Makes every committed table and report anew from the committed records: ``python -m tests.results``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from analysis.evidence import gather
from analysis.report import write_report
from tests.results.committed import RESULTS, committed, folders, remade

CURVES = ("rerun-curves.pdf", "rerun-curves.png")  # What a run without a report shows of its figures.


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        files = remade(Path(scratch))
        for path, text in files.items():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text)
        for folder in folders():
            run = gather([committed(folder, Path(scratch))])
            if (folder / "report").is_dir():
                write_report(run, folder / "report", only="html")  # Figures as files would be larger than it.
            elif (folder / CURVES[0]).exists():
                write_report(run, Path(scratch) / "report", only="figures")
                for name in CURVES:
                    (folder / name).write_bytes((Path(scratch) / "report" / "figures" / name).read_bytes())
    print(f"{len(files)} files of tables under {RESULTS}, and their reports and figures")


if __name__ == "__main__":
    main()
