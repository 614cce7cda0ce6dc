"""Plain-Python vocabulary: hyperparameters, domains, search spaces, trials and their ids.

Nothing here imports torch, Ray or pandas, so every other package may use it.
"""

from spaces.common.errors import UserError
from spaces.continuous import CONTINUOUS
from spaces.domains import Choice, Domain, LogUniform, Uniform
from spaces.hyperparameters import Hyperparameters, parse_theta
from spaces.space import Space, make_space
from spaces.specs.trial import TrialSpec
from spaces.table_1_2 import TABLE_1_2
from spaces.yaml_space import read_space

SPACES: dict[str, Space] = {
    "table-1.2": TABLE_1_2,
    "continuous": CONTINUOUS,
}

__all__ = [
    "SPACES",
    "Choice",
    "Domain",
    "Hyperparameters",
    "LogUniform",
    "Space",
    "TrialSpec",
    "Uniform",
    "UserError",
    "make_space",
    "parse_theta",
    "read_space",
]
