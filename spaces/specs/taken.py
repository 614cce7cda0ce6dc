"""Which hyperparameters an architecture takes, and whether those that a run names fit its architectures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from spaces.common.errors import UserError
from spaces.common.lookup import suggest_nearest
from spaces.hyperparameters import NAMES, REQUIRED, TRAINING
from spaces.specs.own import Own


def list_taken(architecture: str, own: Mapping[str, Own] | None) -> tuple[str, ...]:
    """The names that an architecture and its training take; ``own`` has the user's own architectures."""
    known = (own or {}).get(architecture)
    return (*NAMES, *TRAINING) if known is None else (*REQUIRED, *known.takes, *TRAINING)


def check_taken(given: Iterable[str], architectures: Iterable[str], own: Mapping[str, Own] | None, where: str) -> None:
    """Refuses further names that no architecture takes, and a lacking gain where one scales its weights by it.

    Args:
        given: the hyperparameters of a space or a configuration.
        architectures: the run's.
        own: the user's own among them.
        where: what to call the space or configuration in a message.

    Raises:
        UserError: naming the hyperparameter, and what each architecture takes.
    """
    given, taken = set(given), {name: list_taken(name, own) for name in architectures}
    known = {name for names in taken.values() for name in names}
    if unknown := sorted(given - known - {*NAMES}):  # Every usual space has a gain, also for networks that take none.
        each = "; ".join(f"{name} takes {', '.join(names)}" for name, names in list(taken.items())[:3])
        raise UserError(
            f"{where}: {', '.join(unknown[:3])}: taken by no architecture of the run; "
            f"{suggest_nearest(unknown[0], sorted(known))}{each}"
        )
    for name, names in taken.items():
        needs = own is None or name not in own or own[name].kind == "layer"
        if needs and "gain" in names and "gain" not in given:
            raise UserError(f"{where}: missing field gain, by which {name} scales its initial weights; give gain: 1")
