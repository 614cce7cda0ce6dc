"""Hands out packs of the trials that another feed hands out one by one.

Which trials share a pack, and where each stands in it, follows from what was asked for and from the records, so that a
killed search makes the same packs again: the bits of a lane may depend on how many there are, and on its place.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ray.tune.search import Searcher

from search.storage.trial_folder import TrialFolder
from search.training.pack import find_shared
from search.tuning.feed import Feed
from search.tuning.packs.lanes import make_pack_config
from spaces import TrialSpec


class Packs(Feed):
    """Packs of what a feed hands out.

    Args:
        feed: hands out trials.
        lanes: the most of a pack.
        alone: architectures whose trials are handed out as they are.
    """

    def __init__(self, feed: Feed, lanes: int, alone: Collection[str] = ()):
        super().__init__()
        self._feed, self._lanes, self._alone = feed, lanes, alone
        self._count = 0
        # Trial id, and how far it goes -> what the feed calls it, and its config.
        self._ready: dict[tuple[str, int], tuple[str, dict[str, Any]]] = {}
        self._live: dict[str, list[str]] = {}  # Tune's ids -> what the feed calls their lanes.
        self._chunks: dict[Any, dict[str, list[TrialSpec]]] = {}

    @property
    def finished(self) -> bool:
        """Whether nothing is left to hand out."""
        return self._feed.finished and not self._ready

    @property
    def architectures(self) -> set[str]:
        """Those that something is left to hand out of."""
        return self._feed.architectures | {config["trial"]["architecture"] for _, config in self._ready.values()}

    def suggest(self, trial_id: str) -> Any:
        """The next pack; None while that depends on trials that are under way."""
        while isinstance(config := self._feed.suggest(f"lane-{self._count}"), dict):
            self._ready[config["trial"]["trial_id"], config["max_epochs"]] = f"lane-{self._count}", config
            self._count += 1
        uncertain: set[tuple[str, int]] = set()  # By architecture and goal: the same for all trials of both.
        for key, (_, config) in self._ready.items():
            if config["trial"]["architecture"] in self._alone:
                self._live[trial_id] = [self._ready.pop(key)[0]]
                return config
            peers = config["trial"]["architecture"], config["max_epochs"]
            if peers in uncertain:
                continue
            if (chunk := self._find_chunk(config)) is not None:
                goal = config["max_epochs"]
                awake = [trial.trial_id for trial in chunk if (trial.trial_id, goal) in self._ready]
                self._live[trial_id] = [self._ready.pop((name, goal))[0] for name in awake]
                return make_pack_config([trial.as_dict() for trial in chunk], awake, config)
            uncertain.add(peers)
        return None if self._live else Searcher.FINISHED

    def _find_chunk(self, config: dict[str, Any]) -> list[TrialSpec] | None:
        """The pack that a trial belongs to, also those of it that have ended; None while that is not certain."""
        trial = TrialSpec.from_dict(config["trial"])
        key = (find_shared(trial), config["max_epochs"])
        if key not in self._chunks:
            peers = self._feed.list_peers(trial, config["max_epochs"])
            if peers is None:
                return None
            alike: dict[Any, list[TrialSpec]] = {}
            for peer in peers:
                alike.setdefault((find_shared(peer), config["max_epochs"]), []).append(peer)
            for each, mates in alike.items():
                chunks = [mates[start : start + self._lanes] for start in range(0, len(mates), self._lanes)]
                self._chunks.setdefault(each, {mate.trial_id: chunk for chunk in chunks for mate in chunk})
        return self._chunks[key][trial.trial_id]

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """A pack is no longer under way."""
        for name in self._live.pop(trial_id):
            self._feed.on_trial_complete(name, None, error)

    def take_in(self, folder: TrialFolder) -> Sequence[TrialSpec]:
        """Takes in where a lane stands that has ended or reached its rung; returns those that are stopped by that."""
        return self._feed.take_in(folder)
