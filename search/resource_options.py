"""The options that say what each trial gets."""

from __future__ import annotations

from search.option_types import make_group, number, option, parse_address, parse_pack
from spaces import UserError
from spaces.specs.run import RunSpec

RESOURCES = make_group(
    "resources",
    number("--cpus-per-trial", default=1.0, metavar="N", help="CPU cores per trial (default 1)"),
    number("--gpus-per-trial", default=0.0, metavar="N", help="GPUs per trial, fractions allowed (default 0)"),
    option(
        "--engine",
        choices=("auto", "native", "torch", "mixed"),
        default="auto",
        help="what does the arithmetic: native (compiled, one CPU core per trial), torch, mixed (torch in 16 "
        "bits, GPUs only), or auto (default): native where possible; mixed on GPUs if images are augmented",
    ),
    option(
        "--pack",
        type=parse_pack,
        default=1,
        metavar="N|auto",
        help="train up to N trials of an architecture as one program, to keep a GPU busy (docs/packs.md); auto: 256 "
        "on a GPU, 1 on a CPU. A search then needs --scheduler halving or none, and cannot be tpe (default 1)",
    ),
    option(
        "--address",
        type=parse_address,
        metavar="ADDR",
        help="a running Ray cluster: auto, or HOST:PORT (default: start Ray here)",
    ),
)


def check_packs(spec: RunSpec) -> None:
    """Refuses a search whose trials cannot be trained in lockstep.

    Raises:
        UserError: its scheduler, or its search, decides about one trial after the other.
    """
    alone = "or leave --pack out"
    if spec.scheduler == "asha":
        raise UserError(
            "pack: asha judges each trial when it gets to a rung, but the trials of a pack get there together; "
            f"give --scheduler halving or none, {alone}"
        )
    if spec.search == "tpe":
        raise UserError(
            "pack: tpe proposes each trial from those that have ended, but the trials of a pack begin together; "
            f"give --search grid, {alone}"
        )
