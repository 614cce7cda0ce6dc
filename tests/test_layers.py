"""One way only: which package and which folder may import which, and what else the house rules say of files."""

import ast
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("spaces", "models", "analysis", "search")
TOP = ("search.commands", "search.options", "search.option_types")
HIGH = (*TOP, "search.tuning", "search.cluster", "search.loggers", "search.export", "ray")
# A folder's files import nothing below these, but for what ALLOWED says.
FLOORS: dict[str, tuple[str, ...]] = {
    "spaces": ("models", "analysis", "search", "torch", "ray", "pandas", "numpy", "scipy"),
    "spaces/common": ("spaces",),
    "spaces/files": ("spaces",),
    "spaces/specs": ("spaces.yaml_space",),
    "models": ("analysis", "search", "ray", "pandas", "pytorch_wavelets"),
    "analysis": ("models", "search", "torch", "ray"),
    "analysis/records": ("analysis",),
    "analysis/published": ("analysis",),
    "analysis/stats": ("analysis.tables", "analysis.figures", "analysis.report", "analysis.progress"),
    "analysis/tables": ("analysis.figures", "analysis.report", "analysis.progress"),
    "analysis/progress": ("analysis.tables", "analysis.figures", "analysis.report", "analysis.render"),
    "analysis/figures": ("analysis.report",),
    "search/datasets": (*HIGH, "search.training"),
    "search/storage": (*HIGH, "search.training"),
    "search/training": (*HIGH, "search.storage"),
    "search/cluster": (*TOP, "search.tuning", "search.loggers", "search.export", "search.training"),
    "search/loggers": (*TOP, "search.tuning", "search.cluster", "search.export", "search.training", "ray"),
    "search/export": (*TOP, "search.tuning", "search.cluster", "search.loggers", "ray"),
    "search/tuning": (*TOP, "search.export", "search.planning"),
    "search/planning": ("search.commands", "search.export", "ray"),
}
ALLOWED = {
    "spaces/common": ("spaces.common",),
    "spaces/files": ("spaces.common", "spaces.files"),
    "analysis/records": ("analysis.records",),
    "analysis/published": ("analysis.published",),
    "analysis/progress": ("analysis.render.cells",),
}
ALIKE = ("search/commands", "analysis/tables", "search/datasets")  # Folders whose modules are all of one kind.
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


def imported(path: Path) -> set[str]:
    """Full names of what a file imports, wherever in it: modules, or names in them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {resolved(node.module, alias.name) for alias in node.names}
    return names


def resolved(module: str, name: str) -> str:
    """``from search import signals`` is of a module of its own; ``from spaces import Space`` is not."""
    path = ROOT.joinpath(*module.split("."))
    return f"{module}.{name}" if (path / name).is_dir() or (path / f"{name}.py").is_file() else module


def is_within(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


@each_file
def test_no_import_runs_up(path: Path) -> None:
    here = path.relative_to(ROOT).as_posix()
    for floor, forbidden in FLOORS.items():
        if here.startswith(f"{floor}/"):
            found = {name for name in imported(path) if is_within(name, forbidden)}
            assert {name for name in found if not is_within(name, ALLOWED.get(floor, ()))} == set()


@each_file
def test_a_file_holds_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    assert path.name == "__init__.py" or path.stem not in sys.stdlib_module_names


@pytest.mark.parametrize("folder", sorted({path.parent.relative_to(ROOT).as_posix() for path in FILES}))
def test_a_folder_is_seen_at_a_glance(folder: str) -> None:
    modules = [path for path in (ROOT / folder).glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= (20 if folder in ALIKE else 15)


@pytest.mark.parametrize(
    ("package", "absent"),
    [
        ("spaces", {"torch", "ray", "pandas", "numpy", "scipy", "analysis", "models", "search"}),
        ("analysis", {"torch", "ray", "models", "search"}),
        ("search.training", {"ray"}),
        ("search.storage", {"ray"}),
        ("search.datasets", {"ray"}),
    ],
)
def test_what_a_package_does_not_load_even_through_others(package: str, absent: set[str]) -> None:
    code = (
        f"import importlib, pkgutil, sys, {package} as package\n"
        "for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    importlib.import_module(module.name)\n"
        f"print({absent} & {{name.partition('.')[0] for name in sys.modules}} or '')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("line", ["--help", "sweep --help", "table --help", "list"])
def test_what_answers_at_once_loads_no_heavy_library(line: str) -> None:
    code = (
        "import sys, invsearch_start\n"
        f"sys.argv[1:] = {line.split()}\n"
        "try: code = invsearch_start.main()\n"
        "except SystemExit as end: code = end.code\n"
        "assert not code\n"
        "assert not {'torch', 'ray', 'pandas.core', 'numpy._core', 'scipy._lib', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_the_accuracy_tables_load_no_slow_statistics(tmp_path: Path) -> None:
    """Of SciPy they need scipy.special; the others take as long again as pandas."""
    with tarfile.open(ROOT / "results" / "table-1.3-digits" / "run.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    code = (
        "import sys, invsearch_start\n"
        f"sys.argv[1:] = ['table', '1.3', {str(tmp_path / 'table-1.3-digits')!r}]\n"
        "assert not invsearch_start.main()\n"
        "assert not {'scipy.stats', 'scipy.optimize', 'statsmodels', 'numpy.f2py.f2py2e'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
