import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

CHECK = """
import importlib, pkgutil, sys
import {package}
names = [module.name for module in pkgutil.walk_packages({package}.__path__, "{package}.")]
assert len(names) >= {least}, names
for name in names:
    importlib.import_module(name)
print(sorted({{name.split(".")[0] for name in sys.modules}} & {heavy!r}))
"""


def test_analysis_imports_neither_ray_nor_torch() -> None:
    code = CHECK.format(package="analysis", least=13, heavy={"ray", "torch", "search", "models"})
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
