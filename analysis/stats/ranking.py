"""The order of the architectures, with the groups that do not differ significantly."""

from __future__ import annotations

import string
from collections.abc import Collection, Mapping

import networkx as nx
import numpy as np
import pandas as pd

from analysis.stats.samples import Summary, summarize

COLUMNS = ["group", *Summary._fields, "letters"]


def rank_networks(
    samples: Mapping[str, np.ndarray], compared: pd.DataFrame, lost: Collection[str] = ()
) -> pd.DataFrame:
    """Ranks samples by their means, best first, in a compact letter display.

    Two groups share a letter if and only if their pair was tested and does not differ.

    Args:
        samples: group -> test accuracies in percent.
        compared: what ``compare_pairs`` says of them.
        lost: the groups with failed seeds. They come last: the mean of the seeds that are left is
            none of theirs.

    Returns:
        One row per group: ``group``, the fields of ``stats.Summary`` in percent, and its ``letters``. A group that was
        tested against no other has none.
    """
    rows = [{"group": group, **summarize(values)._asdict()} for group, values in samples.items()]
    frame = pd.DataFrame(rows, columns=COLUMNS[:-1])
    frame = frame.assign(lost=frame["group"].isin(list(lost)))
    frame = frame.sort_values(["lost", "mean"], ascending=[True, False], kind="stable").drop(columns="lost")
    tested = compared[compared["p"].notna()]
    judged = {*tested["first"], *tested["second"]}
    letters = _assign_letters([group for group in frame["group"] if group in judged], tested)
    frame["letters"] = [letters.get(group, "") for group in frame["group"]]
    return frame.reset_index(drop=True)


def _assign_letters(groups: list[str], tested: pd.DataFrame) -> dict[str, str]:
    """One letter for each largest set of groups in which no two differ."""
    alike = nx.Graph()
    alike.add_nodes_from(groups)
    same = tested[~tested["differs"].astype(bool)]
    alike.add_edges_from(zip(same["first"], same["second"], strict=True))
    place = {group: position for position, group in enumerate(groups)}
    sets = sorted(sorted(place[group] for group in clique) for clique in nx.find_cliques(alike))
    names = [*string.ascii_lowercase, *(f"{a}{b}" for a in string.ascii_lowercase for b in string.ascii_lowercase)]
    found: dict[str, str] = dict.fromkeys(groups, "")
    for name, members in zip(names, sets, strict=False):
        for member in members:
            found[groups[member]] += name
    return found
