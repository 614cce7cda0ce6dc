from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from search import lazy

ROOT = Path(__file__).resolve().parents[2]


def run(code: str, folder: Path) -> str:
    return subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_a_module_loads_at_its_first_use_and_is_the_real_one() -> None:
    code = (
        "import sys\n"
        "from search.lazy import HEAVY, load_lazily\n"
        "load_lazily()\n"
        "import numpy as np, pandas as pd\n"
        "print('numpy._core' in sys.modules, 'pandas.core' in sys.modules)\n"
        "print(np.arange(3).sum())\n"
        "print('numpy._core' in sys.modules, 'pandas.core' in sys.modules)\n"
        "from pandas.api.types import is_bool_dtype\n"
        "import numpy\n"
        "print(is_bool_dtype(pd.Series([True])), numpy.ndarray is np.ndarray, sys.modules['numpy'] is numpy)\n"
    )
    assert run(code, ROOT).splitlines() == ["False False", "3", "True False", "True True True"]


def test_what_is_loaded_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy

    monkeypatch.setitem(sys.modules, "numpy", numpy)
    lazy.load_lazily()
    assert sys.modules["numpy"] is numpy


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        _ = lazy.Lazy("colorsys").nothing_of_that_name


def test_f2py_waits_although_scipy_asks_numpy_for_it() -> None:
    code = (
        "import sys\n"
        "from search.lazy import load_lazily\n"
        "load_lazily()\n"
        "import numpy, scipy\n"
        "print(scipy.special.ndtr(0.0), 'numpy.f2py.f2py2e' in sys.modules, callable(numpy.f2py.get_include))\n"
        "print('numpy.f2py.f2py2e' in sys.modules, sys.modules['numpy.f2py'].__name__)\n"
    )
    assert run(code, ROOT).splitlines() == ["0.5 False True", "True numpy.f2py"]
