"""Whether a class or function is a layer or a network, and which hyperparameters it takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spaces.common.errors import UserError
from spaces.hyperparameters import REQUIRED, TRAINING, check_name

SIGNATURES = (
    "a layer is an nn.Module class that takes (in_channels, out_channels, **hyperparameters), a network a callable "
    "that takes (input_shape, classes, **hyperparameters) and returns an nn.Module; name the parameters so"
)
FIRST = {"layer": ["in_channels", "out_channels"], "network": ["input_shape", "classes"]}
OF_THE_TRAINING = (*REQUIRED, *TRAINING)


@dataclass(frozen=True)
class Signature:
    """What a constructor takes.

    Attributes:
        kind: ``layer`` or ``network``.
        takes: hyperparameters that a space may name, sorted; ``gain`` among them for every layer.
        needs: those of them without a default.
        gain: whether it takes ``gain`` itself.
    """

    kind: str
    takes: tuple[str, ...]
    needs: tuple[str, ...]
    gain: bool


def read_signature(target: Callable[..., Any], what: str) -> Signature:
    """The signature of a layer's class or a network's class or function.

    Named parameters count, with or without a default; what would go through ``**kwargs`` cannot be seen, so nothing
    does. Parameters that are the training's (``momentum``, ..) are left at their defaults.

    Args:
        target: the class or function.
        what: begins a message.

    Raises:
        UserError: it is neither, or has a parameter that nothing can give.
    """
    from torch import nn

    try:
        parameters = list(inspect.signature(target).parameters.values())
    except (TypeError, ValueError):
        raise UserError(f"{what}: is not a class or function whose parameters can be read; {SIGNATURES}") from None
    given = [parameter.name for parameter in parameters[:2] if parameter.kind is not parameter.KEYWORD_ONLY]
    kind = next((kind for kind, first in FIRST.items() if given == first), None)
    if kind is None or (kind == "layer" and not (isinstance(target, type) and issubclass(target, nn.Module))):
        shown = ", ".join(map(str, parameters))
        raise UserError(f"{what}: takes ({shown}), which is neither a layer's nor a network's; {SIGNATURES}")
    named = {one.name: one for one in parameters[2:] if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)}
    takes = {
        name
        for name, one in named.items()
        if one.kind is not one.POSITIONAL_ONLY and name not in OF_THE_TRAINING and _is_allowed(name)
    }
    needs = {name for name, one in named.items() if one.default is one.empty}
    if strange := sorted(needs - takes):
        raise UserError(
            f"{what}: its parameter {strange[0]} has no default, and no space can give it; give it a default, or a "
            f"name of a-z, 0-9 and _ that is none of {', '.join(OF_THE_TRAINING)}"
        )
    more = {"gain"} if kind == "layer" else set()
    return Signature(kind, tuple(sorted(takes | more)), tuple(sorted(needs - {"gain"})), "gain" in takes)


def _is_allowed(name: str) -> bool:
    try:
        check_name(name)
    except UserError:
        return name == "gain"
    return True
