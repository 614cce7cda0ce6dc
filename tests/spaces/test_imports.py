import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "ray", "pandas", "numpy", "scipy", "analysis", "models", "search"}

CHECK = f"""
import importlib, pkgutil, sys
import spaces
names = [module.name for module in pkgutil.walk_packages(spaces.__path__, "spaces.")]
assert len(names) >= 8, names
for name in names:
    importlib.import_module(name)
print(sorted({{name.split(".")[0] for name in sys.modules}} & {HEAVY!r}))
"""


def test_spaces_import_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", CHECK], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
