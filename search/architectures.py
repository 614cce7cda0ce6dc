"""The user's own architectures on their way into a run: from what was given to names, tried before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import models
from models.own import Reference, is_reference, list_plugins, register, split_kept
from search.datasets.base import Dataset
from search.storage.sources import list_kept, load_one_kept, read_own
from spaces import Hyperparameters, Space, UserError
from spaces.common.errors import quote
from spaces.hyperparameters import Value
from spaces.specs.own import Own
from spaces.specs.run import RunSpec
from spaces.specs.taken import check_taken, list_taken


def find_names(given: Sequence[str], run: Path | None) -> tuple[str, ...]:
    """Names of architectures as a run has them, each once; from here on they are known in this process.

    Args:
        given: names, references such as ``my_layer.py:MyConv``, plugins, names of copies that the run keeps, or
            ``all`` alone, which are those of ``models.ARCHITECTURES``.
        run: the run folder, if there is one.

    Raises:
        UserError: none, an unknown name, or code that cannot be imported.
    """
    if list(given) == ["all"]:
        return tuple(models.ARCHITECTURES)
    if not given:
        raise UserError(f"architectures: none is named; give all, or some of {', '.join(models.ARCHITECTURES)}")
    return tuple(dict.fromkeys(_find_name(text, run) for text in given))


def _find_name(text: str, run: Path | None) -> str:
    if is_reference(text):
        reference = Reference.parse(text)
        try:
            return register(reference).name
        except UserError as error:
            if kept := list_kept(run, str(reference)):
                raise UserError(f"{error}; or use the copy that the run keeps, {kept[-1]}") from None
            raise
    if split_kept(text):
        load_one_kept(run, text)
    plugins = list_plugins() if text not in models.ARCHITECTURES else {}
    if text.partition("@")[0] in plugins:
        return register(Reference.parse(text)).name
    if "/" in text:
        raise UserError(f"architecture: {quote(text)} is not a name; give FILE.py:NAME, with a path without commas")
    models.find_architecture(text)
    return text


def list_own(names: Sequence[str]) -> dict[str, Own]:
    """What a run keeps of those of its architectures that are the user's own."""
    return {name: models.REGISTERED[name].own for name in names if name in models.REGISTERED}


def share_theta(theta: Hyperparameters, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """For each architecture what it takes of one configuration, as plain data.

    Raises:
        UserError: none of them takes one of its hyperparameters.
    """
    own = list_own(names)
    check_taken(theta, names, own, "theta")
    return {name: theta.restrict(list_taken(name, own)).as_dict() for name in names}


def check_searched(space: Space, names: Sequence[str], run: Path) -> None:
    """Refuses a space with a hyperparameter that no architecture takes, of those named and of those that the run has.

    Raises:
        UserError: naming the hyperparameter, and what each architecture takes.
    """
    own = list_own(names)
    with suppress(UserError):  # Opening the run says what is wrong with it.
        own = {**read_own(run), **own}
    check_taken(space.domains, dict.fromkeys((*names, *own)), own, f"space {space.name}")


def try_own(spec: RunSpec, data: Dataset) -> None:
    """Builds each of the run's own architectures and trains a step of it, before Ray starts and anything is written.

    Raises:
        UserError: what would go wrong in every trial.
    """
    from search.training.first_step import try_first_step

    for name in spec.own or {}:
        own, theta = models.REGISTERED[name], spec.find_middle(name)
        if not own.can_take(data.input_shape):
            models.describe_architecture(name, data.input_shape, data.classes)  # Refuses images of that size.
        trial = spec.sweep_trial(name, theta) if spec.thetas is None else spec.list_rerun_trials(name, theta)[0]
        try_first_step(own, trial, data)
