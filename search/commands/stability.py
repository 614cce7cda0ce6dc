"""``invsearch stability``: how much the first stages of networks change when an image is shifted or warped."""

from __future__ import annotations

import argparse
import sys
import tempfile

from search import options
from search.datasets import find_dataset
from search.option_types import folder, integer, option
from spaces import UserError

HELP = (
    "measure how much the untrained first stages of networks change when images are shifted or warped (equation 1.2.10)"
)
EXAMPLE = "invsearch stability --dataset mnist --architectures conv,invariant --out results/stability"
DEFAULT = ("ref", "invA", "invB", "invAll", "scatnetA", "scatnetB", "scatnetC", "scatnetD")
OPTIONS = (
    option(
        "--dataset",
        default="digits",
        metavar="NAME|PATH",
        help="data set: digits (default), mnist, .., or data of your own (docs/data.md)",
    ),
    option(
        "--architectures",
        metavar="A,B|all",
        help=f"default: {', '.join(DEFAULT)} where the images are of their size, else conv,invariant",
    ),
    integer("--images", default=100, help="training images (default 100)"),
    integer("--seed", default=0, help="seed of weights and warps (default 0)"),
    folder("--out", metavar="FOLDER", help="write stability.md, .csv, .png and .pdf there"),
)


def run(args: argparse.Namespace) -> int:
    """Prints the table; with ``--out`` writes it too, with every measured value and a plot.

    Raises:
        UserError: something that is not allowed, or nothing can be written to ``--out``.
    """
    if args.images < 1:
        raise UserError(f"images: {args.images} is not allowed; give at least 1")
    chosen = find_dataset(args.dataset)
    import numpy as np
    import pandas as pd
    import torch

    import models
    from analysis import stability
    from analysis.render.spreadsheet import write_csv
    from models.stability import list_stages, measure
    from search.datasets.split import normalize
    from spaces.files.atomic import write_atomically

    names = DEFAULT
    if args.architectures is not None:
        names = options.parse_architectures(args.architectures)
    elif not all(models.find_architecture(name).can_take(chosen.input_shape) for name in DEFAULT):
        names = ("conv", "invariant")
    compared = list_stages(names, chosen.input_shape, args.seed)
    if args.out:  # Before minutes of measuring.
        try:
            args.out.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=args.out).close()
        except OSError as error:
            raise UserError(f"out: {args.out}: {error.strerror}; give a folder that can be written") from None
    images = chosen.load_train(None).images
    some = images[np.linspace(0, len(images) - 1, min(args.images, len(images)), dtype=int)]
    about = f"{len(some)} training images of {chosen.name}, seed {args.seed}"
    print(about, file=sys.stderr)
    rows = measure(torch.from_numpy(normalize(some, chosen)), compared, args.seed)
    text = stability.write_markdown(rows)
    if args.out:  # Before anything else can go wrong, such as a pipe that was closed.
        write_atomically(args.out / "stability.csv", write_csv(pd.DataFrame(rows), "%.6g").encode())
        write_atomically(args.out / "stability.md", f"# Stability of first stages\n\n{about}.\n\n{text}".encode())
    print(text, end="", flush=True)
    if args.out:
        from analysis.render.paper import draw_for_paper

        figure = draw_for_paper(stability.draw_stability(rows))
        write_atomically(args.out / "stability.png", figure.png)
        write_atomically(args.out / "stability.pdf", figure.pdf)
    return 0
