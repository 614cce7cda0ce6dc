"""The hyperparameters theta of one training: {lr, mom, wd, a} of Table 1.2, and whatever else a run names."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from spaces.common.errors import UserError, quote
from spaces.common.fields import BATCH_SIZE, Field, make_one_of

Value = float | int | str | bool

NAMES = ("lr", "momentum", "weight_decay", "gain")
REQUIRED = NAMES[:3]  # A network of one's own may have no use for a gain.
SCHEDULES = ("constant", "cosine", "steps")
TRAINING = ("batch_size", "schedule")
"""Further names that the training itself takes, not the architecture."""

POSITIVE = Field(lambda value: 0.0 < value < math.inf, "above 0")
LIMITS = {  # Where each makes sense.
    "lr": POSITIVE,
    "momentum": Field(lambda value: 0.0 <= value < 1.0, "in [0, 1)"),
    "weight_decay": Field(lambda value: 0.0 <= value < math.inf, "at least 0"),
    "gain": POSITIVE,
}
TRAINING_LIMITS = {"batch_size": BATCH_SIZE, "schedule": make_one_of(*SCHEDULES)}

MAX_FURTHER = 100
MAX_WHOLE = 2**53  # What every float and JSON reader can hold exactly.
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,39}")
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,39}")  # Free of what separates values in a theta or a table.
TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}  # As YAML 1.2.
_USED = """
accuracy architecture broke classes config_id data_hash dataset diverged engine epoch epochs error failed
finished further group in_channels input_shape loss made_by mean_percent name not_started other out_channels
phase recipe run seconds seed split_seed status std_percent swap term test_accuracy test_loss theta time title
train_loss trial trial_id unfinished val_accuracy val_loss val_percent
"""
RESERVED = frozenset(_USED.split())  # Fields of records, columns of tables, and what every constructor gets besides.


def check_number(name: str, value: Any) -> float:
    """Returns ``value`` as a float that is allowed for one of the four hyperparameters.

    Strings such as ``"1e-5"`` count as numbers, because YAML 1.1 reads a dotless exponent as text.

    Raises:
        UserError: not a finite number, or outside ``LIMITS[name]``.
    """
    allowed = f"{name} must be a number {LIMITS[name].words}"
    try:
        if isinstance(value, bool):
            raise ValueError
        number = _read_number(value)
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"{name}: {quote(value)} is not a number; {allowed}") from None
    if not LIMITS[name].allows(number):
        raise UserError(f"{name}: {quote(value)} is not allowed; {allowed}")
    return number + 0.0  # -0.0 becomes 0.0: equal configurations must have equal ids.


@lru_cache(1024)
def check_name(name: str) -> None:
    """Refuses what cannot be the name of a further hyperparameter.

    Raises:
        UserError: no identifier, or a name that records, tables or constructors use otherwise.
    """
    if not IDENTIFIER.fullmatch(name) or keyword.iskeyword(name):
        raise UserError(
            f"{quote(name)} cannot name a hyperparameter; give a-z, 0-9 and _, at most 40 of them, a letter first"
        )
    if name in RESERVED:
        raise UserError(f"{name} cannot name a hyperparameter, since records or tables use it; choose another name")


def check_value(name: str, value: Any) -> Value:
    """Returns ``value`` as one that is allowed for the hyperparameter ``name``.

    The four are floats. Of a further one, text that reads as a number is a number, ``true`` and ``false`` are
    booleans, and any other text is a word. A whole number is an int whatever it is read from, so that equal
    configurations have equal ids and a constructor can use it as a size.

    Raises:
        UserError: a name or a value that is not allowed.
    """
    if name in LIMITS:
        return check_number(name, value)
    check_name(name)
    found = _read_value(value)
    field = TRAINING_LIMITS.get(name)
    if found is None or (field is not None and not field.allows(found)):
        words = field.words if field else "a finite number, true, false, or a word of A-Z, a-z, 0-9, _, ., + and -"
        raise UserError(f"{name}: {quote(value)} is not allowed; give {words}")
    return found


def _read_number(value: Any) -> float:
    if isinstance(value, str) and "_" in value:
        raise ValueError  # Python reads 1_0 as 10.
    return float(value)


def _read_value(value: Any) -> Value | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in TRUTH:
        return TRUTH[value]
    try:
        number = _read_number(value)
    except OverflowError:
        return None
    except (TypeError, ValueError):
        return value if isinstance(value, str) and WORD.fullmatch(value) else None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) <= MAX_WHOLE else number


def sort_names(names: Iterable[str]) -> list[str]:
    """Names in the order in which everything shows them: those of Table 1.2, then further ones from a to z."""
    given = set(names)
    return [name for name in NAMES if name in given] + sorted(given.difference(NAMES))


class Hyperparameters(Mapping[str, Value]):
    """One point theta of a search space: an immutable mapping of names to values.

    Args:
        lr: learning rate of SGD, above 0.
        momentum: momentum of SGD, in [0, 1).
        weight_decay: L2 weight decay of SGD, at least 0.
        gain: the factor ``a`` of equation 1.5.1 on the Glorot-uniform initial range, above 0; None where the
            architecture takes none.
        further: numbers, words and booleans by name; those of ``TRAINING`` go to the training, all others to the
            architecture's constructor.

    Raises:
        UserError: a name or a value that is not allowed.

    >>> Hyperparameters(lr=0.1, momentum=0, weight_decay="1e-5", gain=1, kernel=3, activation="relu").further
    {'activation': 'relu', 'kernel': 3}
    """

    __slots__ = ("_values",)
    _values: dict[str, Value]

    def __init__(
        self, /, lr: float, momentum: float, weight_decay: float, gain: float | None = None, **further: Value
    ) -> None:
        given: dict[str, Any] = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "gain": gain, **further}
        if gain is None:
            del given["gain"]
        self._values = {name: check_value(name, given[name]) for name in sort_names(given)}

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def _tell_apart(self) -> tuple[tuple[str, bool, Value], ...]:
        return tuple((name, type(value) is bool, value) for name, value in self._values.items())  # True is not 1.

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hyperparameters) and self._tell_apart() == other._tell_apart()

    def __hash__(self) -> int:
        return hash(self._tell_apart())

    def __repr__(self) -> str:
        return f"Hyperparameters({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"

    def __str__(self) -> str:
        """What ``parse_theta`` reads back, without loss."""
        return ",".join(f"{name}={format_value(value)}" for name, value in self._values.items())

    def _get_number(self, name: str) -> float:
        value = self._values[name]
        assert isinstance(value, float)
        return value

    @property
    def lr(self) -> float:
        """The learning rate at the start."""
        return self._get_number("lr")

    @property
    def momentum(self) -> float:
        """The momentum of SGD."""
        return self._get_number("momentum")

    @property
    def weight_decay(self) -> float:
        """The L2 weight decay of SGD."""
        return self._get_number("weight_decay")

    @property
    def gain(self) -> float:
        """The factor of the initial range; 1 where there is none."""
        return self._get_number("gain") if "gain" in self._values else 1.0

    @property
    def further(self) -> dict[str, Value]:
        """The hyperparameters beyond the four of Table 1.2, from a to z."""
        return {name: value for name, value in self._values.items() if name not in NAMES}

    @property
    def constructor(self) -> dict[str, Value]:
        """The further ones that go to the architecture's constructor."""
        return {name: value for name, value in self.further.items() if name not in TRAINING}

    def as_dict(self) -> dict[str, Value]:
        """The values by name: those of Table 1.2 in its order, then the further ones from a to z."""
        return dict(self._values)

    def restrict(self, names: Iterable[str]) -> Hyperparameters:
        """Theta with only the hyperparameters among ``names``."""
        kept = set(names)
        return Hyperparameters.from_mapping({name: value for name, value in self._values.items() if name in kept})

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Hyperparameters:
        """Builds theta from a mapping of names to values.

        Raises:
            UserError: a name is missing or not allowed, or its value is not.
        """
        check_names(values, "theta")
        return cls(**values)


def format_value(value: Value) -> str:
    """A value as short as it can be read back: ``1`` for 1.0, ``true`` for True.

    >>> [format_value(value) for value in (1.0, 1e-05, 3, True, "relu")]
    ['1', '1e-05', '3', 'true', 'relu']
    """
    text = str(value)
    return text.lower() if isinstance(value, bool) else text.removesuffix(".0") if isinstance(value, float) else text


def check_names(values: Mapping[str, Any], where: str) -> None:
    """Checks that ``values`` has the names that all trainings need, and no name that is not allowed.

    Raises:
        UserError: naming those that are not allowed or missing.
    """
    if len(values) > MAX_FURTHER + len(NAMES):
        raise UserError(f"{where}: more than {MAX_FURTHER} further hyperparameters; give fewer")
    missing = [name for name in REQUIRED if name not in values]
    for name in values:
        if name not in NAMES:
            try:
                check_name(str(name))
            except UserError as error:
                raise UserError(f"{where}: {error}") from None
    if missing:
        what = "field" if len(missing) == 1 else "fields"
        raise UserError(f"{where}: missing {what} {', '.join(missing)}; it needs {', '.join(REQUIRED)}")


def parse_theta(text: str) -> Hyperparameters:
    """Reads ``lr=0.1,momentum=0.5,weight_decay=1e-5,gain=1.5,dropout=0.2``.

    Raises:
        UserError: not of that form, or a value that is not allowed.
    """
    values: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise UserError(
                f"theta: {quote(part)} is not name=value; write lr=0.1,momentum=0.5,weight_decay=1e-5,gain=1.5"
            )
        if name in values:
            raise UserError(f"theta: {quote(name)} is given twice; give each name once")
        values[name] = value
    return Hyperparameters.from_mapping(values)
