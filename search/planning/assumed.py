"""Machines that a person describes, for a dry run: ``--assume cpus=32,gpus=8,nodes=2,seconds-per-epoch=1.5``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spaces import UserError
from spaces.common.errors import quote

KEYS = ("cpus", "gpus", "nodes", "seconds-per-epoch")


@dataclass(frozen=True)
class Assumed:
    """What is assumed instead of measured.

    Attributes:
        cpus: CPU cores of a node; None is as many as trials on GPUs need, else as many as this machine has.
        gpus: GPUs of a node.
        nodes: how many such nodes.
        seconds: of an epoch, for all architectures that ``paces`` does not name; None where it is to be measured.
        paces: seconds of an epoch, by architecture.
        price: of a node for an hour; None where nobody asked.
    """

    cpus: float | None = None
    gpus: float | None = None
    nodes: int = 1
    seconds: float | None = None
    paces: Mapping[str, float] = field(default_factory=dict)
    price: float | None = None

    @property
    def has_machines(self) -> bool:
        """Whether the machines are others than this one."""
        return self.cpus is not None or self.gpus is not None or self.nodes > 1

    def __bool__(self) -> bool:
        return self.has_machines or self.seconds is not None or bool(self.paces)

    def find_seconds(self, architecture: str) -> float | None:
        """What an epoch takes; None where it is to be measured."""
        return self.paces.get(architecture, self.seconds)

    def knows(self, architectures: Sequence[str]) -> bool:
        """Whether nothing is to be measured."""
        return all(self.find_seconds(name) is not None for name in architectures)

    def format_price(self, hours: float) -> str:
        """Node-hours and money, as the end of a sentence; empty where there is one node and no price."""
        if self.price is None and self.nodes == 1:
            return ""
        amount = f"; {hours * self.nodes:.3g} node-hours"
        return amount + (
            "" if self.price is None else f", {hours * self.nodes * self.price:.2f} at {self.price:g} each"
        )


def parse_assumed(
    text: str | None, price: float | None, architectures: Sequence[str], gpus_per_trial: float
) -> Assumed:
    """Reads ``--assume`` and ``--price``.

    Raises:
        UserError: an unknown name, a number that is not allowed, or GPUs of which nothing was measured.
    """
    if price is not None and not 0 <= price < math.inf:
        raise UserError(f"price: {price:g} is not allowed; give the price of a node for an hour, such as 2.5")
    values: dict[str, float] = {}
    for part in filter(None, (text or "").split(",")):
        name, _, number = (word.strip() for word in part.partition("="))
        if name not in (*KEYS, *architectures):
            raise UserError(f"assume: {quote(name)} is unknown; give {', '.join(KEYS)} or an architecture's seconds")
        try:
            values[name] = float(number)
        except ValueError:
            raise UserError(f"assume: {name}: {quote(number)} is not a number; write for example {name}=8") from None
        if not 0 < values[name] < 1e9 or (name == "nodes" and values[name] % 1):
            what = f"{'whole ' * (name == 'nodes')}number above 0 and below 1e9"
            raise UserError(f"assume: {name}: {quote(number)} is not allowed; give a {what}")
    paces = {name: values[name] for name in architectures if name in values}
    made = Assumed(
        values.get("cpus"),
        values.get("gpus"),
        int(values.get("nodes", 1)),
        values.get("seconds-per-epoch"),
        paces,
        price,
    )
    if made.gpus and not gpus_per_trial:
        raise UserError(
            f"assume: gpus={made.gpus:g}: trials ask for no GPU; also give --gpus-per-trial 1, or a part of one"
        )
    if gpus_per_trial and made.has_machines and not made.knows(architectures) and not _has_gpu():
        raise UserError(
            "assume: there is no GPU here to measure an epoch on; also give seconds-per-epoch=.., of a trial that has "
            "company on its GPU as it will have; invsearch show RUN TRIAL has them of a first run there"
        )
    return made


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
