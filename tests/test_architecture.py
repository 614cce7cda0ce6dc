"""The docs name what there is: docs/architecture.md shows the tree as it stands, other pages say names of the code."""

import re
import subprocess
from pathlib import Path

import pytest

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


def list_files() -> list[str]:
    return subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.mark.parametrize("page", [name for name in list_files() if name.endswith(".md") and "results/" not in name])
def test_every_name_of_the_code_on_a_page_is_one(page: str) -> None:
    sources = [ROOT / name for name in list_files() if name.endswith((".py", ".hpp", ".yaml", ".toml", "Makefile"))]
    words = {word for source in sources if source.exists() for word in re.findall(r"\w+", source.read_text("utf-8"))}
    prose = re.sub(r"^```.*?^```", "", (ROOT / page).read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    named = re.findall(r"`([A-Za-z_][\w.]*\w)(?:\([^`\n]*\))?`", prose)
    assert [name for name in named if not words | {"md", "json", "py"} >= set(re.findall(r"\w+", name))] == []
