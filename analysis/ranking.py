"""The order of the architectures, with the groups that cannot be told apart."""

from __future__ import annotations

import string
from collections.abc import Mapping

import networkx as nx
import numpy as np
import pandas as pd

from analysis.stats import Summary, summarise

COLUMNS = ["group", *Summary._fields, "letters"]


def ranking(samples: Mapping[str, np.ndarray], compared: pd.DataFrame) -> pd.DataFrame:
    """Ranks samples by their means, best first, in a compact letter display.

    Two groups share a letter if and only if their pair does not differ, so whoever shares none with
    the best is behind it.

    Args:
        samples: group -> test accuracies in percent; empty ones are left out.
        compared: what ``pairs`` says of them.

    Returns:
        One row a group: ``group``, the fields of ``stats.Summary`` in percent, and its ``letters``. A group of one
        value cannot be compared and has no letter.
    """
    rows = [{"group": group, **summarise(values)._asdict()} for group, values in samples.items() if len(values)]
    frame = pd.DataFrame(rows, columns=COLUMNS[:-1]).sort_values("mean", ascending=False, kind="stable")
    letters = _letters(list(frame.loc[frame["n"] > 1, "group"]), compared)
    frame["letters"] = [letters.get(group, "") for group in frame["group"]]
    return frame.reset_index(drop=True)


def _letters(groups: list[str], compared: pd.DataFrame) -> dict[str, str]:
    """One letter for each largest set of groups of which no two differ."""
    alike = nx.Graph()
    alike.add_nodes_from(groups)
    same = compared[~compared["differs"].astype(bool)]
    alike.add_edges_from(
        (first, second)
        for first, second in zip(same["first"], same["second"], strict=True)
        if {first, second} <= {*groups}
    )
    place = {group: position for position, group in enumerate(groups)}
    sets = sorted(sorted(place[group] for group in clique) for clique in nx.find_cliques(alike))
    names = [*string.ascii_lowercase, *(f"{a}{b}" for a in string.ascii_lowercase for b in string.ascii_lowercase)]
    found: dict[str, str] = dict.fromkeys(groups, "")
    for name, members in zip(names, sets, strict=False):
        for member in members:
            found[groups[member]] += name
    return found
