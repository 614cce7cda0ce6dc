"""How people name data of their own: ``data.npz``, or a kind and a path, with options between them.

``images,resize=32x32,test-fraction=0.2,split-seed=0:/home/me/pictures`` is the whole of it, and what a run keeps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from spaces.common.errors import UserError, quote

FORMS = {  # What ``--dataset`` takes beside names, and a line about each.
    "FILE.npz": "four arrays as numpy.savez writes them: x_train, y_train, x_test and y_test",
    "images:FOLDER": "PNG, JPEG or WebP images, a folder for each class, in train/ and test/ or with --test-fraction",
    "idx:FOLDER": "four IDX files in the manner of MNIST: Fashion-MNIST, KMNIST, EMNIST",
    "torchvision:FOLDER": "what torchvision downloaded: MNIST and its like, cifar-10-batches-py, cifar-100-python",
}
KINDS = tuple(form.rpartition(":")[0] or "npz" for form in FORMS)
WRITTEN = re.compile(rf"({'|'.join(KINDS)})((?:,[^,:]*)*):(.*)", re.DOTALL)
LONGEST = 60  # Characters of a name (``spaces.common.fields.NAME``).
SIZES = range(1, 4097)  # Pixels.


@dataclass(frozen=True)
class Reference:
    """Where data of one's own lie, and how they are read.

    Attributes:
        kind: one of ``KINDS``.
        path: absolute; Ray's workers change directory.
        resize: (H, W) that images are brought to, None: as they are.
        test_fraction: of each class, taken as the test part of a folder that has none.
        split_seed: decides which images these are; None without a ``test_fraction``.
        subset: the beginning of the files' names in a folder that holds several data sets.
    """

    kind: str
    path: Path
    resize: tuple[int, int] | None = None
    test_fraction: float | None = None
    split_seed: int | None = None
    subset: str | None = None

    def __post_init__(self) -> None:
        given = [name_option(field.name) for field in fields(self)[2:] if getattr(self, field.name) is not None]
        taken = {"images": ["resize", "test-fraction", "split-seed"], "idx": ["subset"], "torchvision": ["subset"]}
        if wrong := [name for name in given if name not in taken.get(self.kind, [])]:
            takes = ", ".join(taken.get(self.kind, [])) or "no option"
            raise UserError(f"{wrong[0]}: {self.kind} data take {takes}; leave it out")
        if self.test_fraction is not None and not 0 < self.test_fraction < 1:
            raise UserError(f"test-fraction: {self.test_fraction!r} is not allowed; give a number between 0 and 1")
        if (self.test_fraction is None) != (self.split_seed is None):
            raise UserError("test-fraction and split-seed belong together; give both or none")

    @property
    def name(self) -> str:
        """What records call the data: kind and name of the file or folder, with dashes for what is not a letter."""
        path = self.path.resolve()
        own = (path.parent if path.name == "raw" else path).name  # As torchvision has it: FashionMNIST/raw.
        own = own[: -len(".npz")] if self.kind == "npz" and own.lower().endswith(".npz") else own
        words = re.sub(r"[^A-Za-z0-9+_-]+", "-", "-".join(filter(None, (own, self.subset)))).strip("-")
        return f"{self.kind}-{words or 'data'}"[:LONGEST]

    def __str__(self) -> str:
        options = []
        for field in fields(self)[2:]:
            if (value := getattr(self, field.name)) is not None:
                text = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
                options.append(f",{name_option(field.name)}={text}")
        return f"{self.kind}{''.join(options)}:{self.path}"


def name_option(name: str) -> str:
    """What a reference calls an attribute."""
    return name.replace("_", "-")


def parse_reference(text: str, split_seed: int = 0, **options: Any) -> Reference | None:
    """The data of one's own that a text names; None where it is not of that form, as the name of a data set.

    Args:
        text: as ``FORMS``, with options or without.
        split_seed: decides which images a ``test_fraction`` takes, where the text does not say it.
        options: more of them, by the names of the attributes and as in a text; None: not given.

    Raises:
        UserError: an option that there is not, given twice, or that this kind does not take.

    >>> str(parse_reference("images,resize=8x9:/pictures"))
    'images,resize=8x9:/pictures'
    """
    found = WRITTEN.fullmatch(text)
    if found is None and not text.lower().endswith(".npz"):
        if given := [name_option(name) for name, value in options.items() if value is not None]:
            raise UserError(f"{given[0]}: only images:FOLDER takes it; leave it out for {quote(text)}")
        return None
    kind, written, path = found.groups() if found else ("npz", "", text)
    given = {name: READERS[name](str(value)) for name, value in options.items() if value is not None}
    for part in filter(None, written.split(",")):
        name, _, value = part.partition("=")
        attribute = name.replace("-", "_")
        if attribute not in READERS or attribute in given:
            what = "given twice" if attribute in given else f"unknown; there are {', '.join(map(name_option, READERS))}"
            raise UserError(f"dataset: {quote(text)}: option {quote(name)} is {what}")
        given[attribute] = READERS[attribute](value)
    if "test_fraction" in given:
        given.setdefault("split_seed", split_seed)
    if not path.strip():
        raise UserError(f"dataset: {quote(text)} names no path; give one, as in {', '.join(FORMS)}")
    try:
        place = Path(path).expanduser() if path.startswith("~") else Path(path)
    except RuntimeError:
        raise UserError(f"dataset: {quote(path)}: no such home folder is known here; give a full path") from None
    return Reference(kind, place.absolute(), **given)


def add_options(text: Any, split_seed: int, **options: Any) -> Any:
    """The text with these options, if it is a reference; else, without any, what was given.

    Raises:
        UserError: as of ``parse_reference``; or there are options and it is none.
    """
    reference = parse_reference(text if isinstance(text, str) else type(text).__name__, split_seed, **options)
    return text if reference is None else str(reference)


def parse_size(text: str) -> tuple[int, int]:
    """(H, W) from ``N``, a square, or ``HxW``.

    Raises:
        UserError: anything else, or too large.

    >>> parse_size("32"), parse_size("24x32")
    ((32, 32), (24, 32))
    """
    found = re.fullmatch(r"([0-9]{1,5})(?:x([0-9]{1,5}))?", text.strip())
    height, width = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if height not in SIZES or width not in SIZES:
        raise UserError(f"resize: {quote(text)} is not allowed; give N or HxW in pixels, such as 32 or 24x32")
    return height, width


def _parse_fraction(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UserError(f"test-fraction: {quote(text)} is not a number; give one between 0 and 1") from None


def _parse_seed(text: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", text):
        raise UserError(f"split-seed: {quote(text)} is not allowed; give a whole number of at least 0")
    return int(text)


READERS = {"resize": parse_size, "test_fraction": _parse_fraction, "split_seed": _parse_seed, "subset": str}
