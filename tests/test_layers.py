"""One way only: which package may import which, and what the rest of the house rules say of files."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("spaces", "models", "analysis", "search")
FORBIDDEN = {
    "spaces": {"models", "analysis", "search", "torch", "ray", "pandas", "numpy"},
    "models": {"analysis", "search", "ray", "pandas", "pytorch_wavelets"},
    "analysis": {"models", "search", "torch", "ray"},
    "search": set(),
}
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    assert not imported(path) & FORBIDDEN[package]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_holds_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    assert path.name == "__init__.py" or path.stem not in sys.stdlib_module_names


def test_the_training_loop_knows_nothing_of_ray() -> None:
    code = (
        "import sys, search.training.loop, search.storage.checkpoint, search.storage.trial_folder; "
        "assert 'ray' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("line", ["--help", "sweep --help", "table --help", "list"])
def test_what_answers_at_once_loads_no_heavy_library(line: str) -> None:
    code = (
        "import sys, invsearch_start\n"
        f"sys.argv[1:] = {line.split()}\n"
        "try: invsearch_start.main()\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'ray', 'pandas.core', 'numpy._core', 'scipy._lib', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
