"""docs/architecture.md shows the tree as it stands."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("spaces", "models", "analysis", "search")
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_every_folder_of_the_packages_has_one_line() -> None:
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    folders = {Path(name).parent.as_posix() for name in listed.splitlines() if (ROOT / name).exists()}
    assert sorted(re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)) == sorted(folders)


def test_every_path_exists_and_the_page_stays_one_page() -> None:
    named = re.findall(rf"(?<![\w/])(?:(?:{'|'.join(PACKAGES)}|tests)/[\w/.]*\w|\w+\.py)(?![\w(])", PAGE)
    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert len(PAGE.splitlines()) <= 80
