"""The 4^4 = 256 configurations of Table 1.2."""

from spaces.domains import Choice
from spaces.space import Space

TABLE_1_2 = Space(
    "table-1.2",
    {
        "lr": Choice((0.0316, 0.1, 0.316, 1.0)),
        "momentum": Choice((0.0, 0.25, 0.5, 0.9)),
        "weight_decay": Choice((1e-5, 3.16e-5, 1e-4, 3.16e-4)),
        "gain": Choice((0.5, 1.0, 1.5, 2.0)),
    },
)
