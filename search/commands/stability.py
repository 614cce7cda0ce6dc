"""``invsearch stability``: how much the first stages of networks change when an image is shifted or warped."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from search.commands import option_types, options
from spaces import UserError

NAME = "stability"
HELP = (
    "measure how much the untrained first stages of networks change when images are shifted or warped (equation 1.2.10)"
)
EXAMPLE = "invsearch stability --dataset mnist --architectures conv,invariant --out results/stability"
DEFAULT = ("ref", "invA", "invB", "invAll", "scatnetA", "scatnetB", "scatnetC", "scatnetD")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("--dataset", default="digits", metavar="NAME", help="data set: digits (default), mnist, ..")
    add(
        "--architectures",
        metavar="A,B|all",
        help=f"default: {', '.join(DEFAULT)} where the images are of their size, else conv,invariant",
    )
    add("--images", type=option_types.whole, default=100, metavar="N", help="training images (default 100)")
    add("--seed", type=option_types.whole, default=0, metavar="N", help="of weights and warps (default 0)")
    add("--out", type=option_types.parse_folder, metavar="FOLDER", help="write stability.md, .csv, .png and .pdf there")


def run(args: argparse.Namespace) -> int:
    """Prints the table; with ``--out`` writes it too, with every measured value and a plot."""
    from search.datasets import find_dataset

    if args.images < 1:
        raise UserError(f"images: {args.images} is not allowed; give at least 1")
    chosen = find_dataset(args.dataset)
    names = parse_asked(args.architectures, chosen.input_shape)
    import numpy as np
    import pandas as pd
    import torch

    from analysis import stability
    from analysis.render.spreadsheet import write_csv
    from models.stability import list_stages, measure
    from search.datasets.split import normalize
    from spaces.files.atomic import write_atomically

    if args.out:
        check_writable(Path(args.out))  # Before minutes of measuring.
    compared = list_stages(names, chosen.input_shape, args.seed)
    images = chosen.load_train(None).images
    some = images[np.linspace(0, len(images) - 1, min(args.images, len(images)), dtype=int)]
    print(f"{len(some)} training images of {chosen.name}, seed {args.seed}", file=sys.stderr)
    rows = measure(torch.from_numpy(normalize(some, chosen)), compared, args.seed)
    text = stability.write_markdown(rows)
    heading = f"# Stability of first stages\n\n{len(some)} training images of {chosen.name}, seed {args.seed}.\n\n"
    if args.out:  # Before anything else can go wrong, such as a pipe that was closed.
        write_atomically(Path(args.out) / "stability.csv", write_csv(pd.DataFrame(rows), "%.6g").encode())
        write_atomically(Path(args.out) / "stability.md", (heading + text).encode())
    print(text, end="", flush=True)
    if args.out:
        from analysis.render.paper import draw_for_paper

        figure = draw_for_paper(stability.draw_stability(rows))
        write_atomically(Path(args.out) / "stability.png", figure.png)
        write_atomically(Path(args.out) / "stability.pdf", figure.pdf)
    return 0


def check_writable(folder: Path) -> None:
    """Makes the folder.

    Raises:
        UserError: it cannot be made, or nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"out: {folder}: {error.strerror}; give a folder that can be written") from None


def parse_asked(text: str | None, input_shape: tuple[int, int, int]) -> Sequence[str]:
    """The architectures to compare on images of that shape.

    Raises:
        UserError: an unknown one, or one that is not made for such images.
    """
    import models

    if text is None:
        deep = all(models.find_architecture(name).can_take(input_shape) for name in DEFAULT)
        return DEFAULT if deep else ("conv", "invariant")
    names = options.parse_architectures(text)
    for name in names:
        models.describe_architecture(name, input_shape)
    return names
