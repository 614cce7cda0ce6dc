"""Plain-Python vocabulary: hyperparameters, domains, search spaces, trials and their ids.

Nothing here imports torch, Ray or pandas, so every other package may use it.
"""

from spaces.common.errors import UserError
from spaces.domains import Choice, Domain, LogUniform, RandInt, Uniform
from spaces.hyperparameters import Hyperparameters, parse_theta
from spaces.space import SPACES, Space, make_space
from spaces.specs.trial import TrialSpec
from spaces.yaml_space import read_space

__all__ = [
    "SPACES",
    "Choice",
    "Domain",
    "Hyperparameters",
    "LogUniform",
    "RandInt",
    "Space",
    "TrialSpec",
    "Uniform",
    "UserError",
    "make_space",
    "parse_theta",
    "read_space",
]
