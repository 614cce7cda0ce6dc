"""Packaging metadata of invsearch."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "search" / "__init__.py").read_text())[1]

setup(
    name="invsearch",
    version=VERSION,
    description="Hyperparameter search that settles, fairly and fast, whether one kind of layer beats another",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11,<3.12",
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
    extras_require={"dev": ["hypothesis", "pyright[nodejs]", "pytest", "pytest-xdist", "ruff"]},
    entry_points={"console_scripts": ["invsearch = search.cli:main"]},
)
