"""Packaging metadata of invsearch, and how its native engine is compiled."""

import platform
import re
from pathlib import Path

from setuptools import Extension, find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "search" / "__init__.py").read_text())[1]

# One library for each instruction set, of which the program loads the best that the machine has. All are optional:
# without a compiler the install goes on, and trials are trained by torch.
HIDDEN = ["-fvisibility=hidden"]
X86 = {
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mfma", "-mprefer-vector-width=512"],
    "avx2": ["-mavx2", "-mfma"],
}
FLAGS = {"baseline": []} | (X86 if platform.machine() in ("x86_64", "AMD64") else {})
NATIVE = [
    Extension(
        f"models.native._{name}",
        ["models/native/engine.cpp"],
        depends=[str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("models/native/*.hpp"))],
        extra_compile_args=["-std=gnu++17", "-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", *HIDDEN, *flags],
        language="c++",
        optional=True,
    )
    for name, flags in FLAGS.items()
]

setup(
    name="invsearch",
    version=VERSION,
    description="Hyperparameter search that settles, fairly and fast, whether one kind of layer beats another",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11,<3.12",
    ext_modules=NATIVE,
    packages=find_packages(include=["spaces*", "models*", "search*", "analysis*"]),
    install_requires=[
        "hyperopt",
        "jinja2",  # DataFrame.to_latex
        "numpy",
        "pandas",
        "platformdirs",
        "pooch",
        "pytorch_wavelets",
        "PyWavelets",  # pytorch_wavelets imports it without declaring it
        "pyyaml",
        "ray[tune]",
        "rich",
        "scikit-learn",
        "scipy",
        "setuptools<81",  # pytorch_wavelets imports pkg_resources
        "tabulate",  # DataFrame.to_markdown
        "torch",
    ],
    extras_require={
        "dev": ["hypothesis", "pyright[nodejs]", "pytest", "pytest-xdist", "ruff"],
        "bench": ["optuna", "pillow"],
    },
    entry_points={"console_scripts": ["invsearch = search.cli:main"]},
)
