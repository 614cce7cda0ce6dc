"""A network's seeds on the test images, from its run."""

from __future__ import annotations

from analysis.evidence import Candidate
from analysis.records.predictions import count_test_images, stack_right
from analysis.stats.images import Sample


def find_sample(one: Candidate) -> Sample | None:
    """The finished reruns in the order of their seeds; None where the number of test images is not known."""
    images = count_test_images(one.run)
    if images is None:
        return None
    final = one.reruns.final
    seeds = one.reruns.trials.set_index("trial_id")["seed"].reindex(final.index)
    final = final.loc[seeds.sort_values().index]
    return Sample(final.to_numpy(), images, stack_right(one.run, final.index))
