"""What docs/extending.md tells people to do works, word for word, and breaks no test."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TESTS = (  # Of what reads ARCHITECTURES; nothing else can see that it has grown.
    "tests/models/test_architectures.py",
    "tests/models/test_cost.py",
    "tests/models/test_families.py",
    "tests/models/test_mnist.py",
    "tests/models/test_vgg.py",
    "tests/models/own/test_registry.py",
    "tests/analysis/published/test_mnist.py",
    "tests/search/commands/test_cli.py",
    "tests/search/training/test_loop.py",
    "tests/search/training/engines",
    "tests/benchmarks/common/test_usual.py",
)
OTHERS = ("conv", "invariant", "shifted", "random", "learned", "dct", "inv", "scatnet", "ref")


def copy_tree(folder: Path) -> None:
    """What git knows of, and the compiled engine."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in (*listed.splitlines(), *(str(path.relative_to(ROOT)) for path in ROOT.glob("models/native/*.so"))):
        if not name.startswith("results/") and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


@pytest.mark.slow
def test_adding_the_architecture_of_the_docs_breaks_no_test(tmp_path: Path) -> None:
    copy_tree(tmp_path)
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    described, listed = re.findall(r"```python\n# models/(?:tiny|__init__)\.py\n(.*?)```", text, re.DOTALL)[:2]
    (tmp_path / "models" / "tiny.py").write_text(described, encoding="utf-8")
    package = tmp_path / "models" / "__init__.py"
    imports, _, entries = listed.partition("\n\n")
    code = package.read_text(encoding="utf-8")
    code = re.sub(r"^from models import .*$", imports, code, count=1, flags=re.MULTILINE)
    code = re.sub(r"^ARCHITECTURES: .*?^}\n", entries, code, count=1, flags=re.MULTILINE | re.DOTALL)
    package.write_text(code, encoding="utf-8")
    chosen = f"tiny or not ({' or '.join(OTHERS)} or native or environment)"
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-k", chosen, *TESTS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    shown = subprocess.run(
        [sys.executable, "-m", "search", "list"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert re.search(r"^  tiny +Tiny$", shown.stdout, re.MULTILINE)
