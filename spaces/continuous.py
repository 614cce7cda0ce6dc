"""A continuous space over the ranges of Table 1.2, for model-based search."""

from spaces.domains import LogUniform, Uniform
from spaces.space import Space

CONTINUOUS = Space(
    "continuous",
    {
        "lr": LogUniform(0.0316, 1.0),
        "momentum": Uniform(0.0, 0.9),
        "weight_decay": LogUniform(1e-5, 3.16e-4),
        "gain": Uniform(0.5, 2.0),
    },
)
