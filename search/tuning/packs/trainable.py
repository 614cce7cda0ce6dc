"""The worker of a pack: lanes are trained together, and each is committed to its own folder."""

from __future__ import annotations

import time
import traceback
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from models.own import split_kept
from search.storage.trial_folder import TrialFolder
from search.training.engines.capture import lacks_memory, ruins_process
from search.training.loop import Epoch
from search.training.pack import PackTraining
from search.tuning.packs.lanes import AWAKE, LANES, REPORTS
from search.tuning.trainable import METRIC, TIME_ATTR, WORST, RecordedTrial, name_error, report
from spaces import TrialSpec
from spaces.common.wording import format_count
from spaces.specs.protocol import ENDED_BY_ITSELF

COMMITS = 4.0
"""A pack trains for so many times as long as its last commit took, which for 256 lanes is seconds."""


@dataclass(eq=False)
class Member:
    """A lane that is trained.

    Attributes:
        place: its number in the pack.
        folder: of its trial, which this process holds.
        epoch: that of ``state``, or 0; less than what is on record while epochs are trained again.
        state: what it goes on from, while it waits for others; None: from the start.
    """

    place: int
    folder: TrialFolder
    epoch: int = 0
    state: dict[str, Any] | None = None

    def take(self, state: dict[str, Any]) -> None:
        """Goes on from a checkpoint.

        Raises:
            ValueError: it belongs to another trial.
        """
        if state["trial_id"] != self.folder.spec.trial_id:
            raise ValueError(f"it belongs to trial {state['trial_id']}")
        self.epoch, self.state = state["epoch"], state


class RecordedPack(RecordedTrial):
    """Trains the lanes of a pack, or one trial where it is given no pack.

    Lanes that a kill has left at different epochs catch up first: the hindmost are trained until they are where the
    next ones are. What fails as a pack is tried again in halves, so that a lack of memory makes smaller packs, and an
    error is that of the lane that alone has it. A layer of one's own may have values for which it cannot be mapped, so
    such a lane is then trained as the trial that it is.
    """

    _members: list[Member] | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Lets Tune reuse this process for the next pack."""
        super().reset_config(new_config)
        self._specs = [TrialSpec.from_dict(trial) for trial in new_config.get(LANES, ())]
        self._awake: Collection[str] = new_config.get(AWAKE, ())
        self._most = len(self._specs)  # Lanes that are trained at once.
        self._lanes = self._most  # Of the program that computes, with idle ones.
        self._alone: Member | None = None  # A lane that is trained without a pack.
        self._pack: PackTraining | None = None
        self._group: list[Member] = []  # Its lanes that are trained.
        self._goal = 0  # The epoch to which they are.
        self._wrote = 0.0  # Seconds of the last commit.
        return True

    def cleanup(self) -> None:
        """Lets go of the trials."""
        for member in self._members or ():
            if member.folder is not self._folder:
                member.folder.close()
        self._members = None
        super().cleanup()

    def _stop(self, reason: str) -> dict[str, Any]:
        if not self._specs:
            return super()._stop(reason)
        self._halted = reason
        return self._tell({}) | {"stop": reason, "done": False}

    def _train(self) -> list[dict[str, Any]]:
        if not self._specs:
            return super()._train()
        if self._members is None:
            self._members = self._open_members()
            known = [each.folder for each in self._members if each.folder.rows or each.folder.status in ENDED_BY_ITSELF]
            if known:
                return [self._tell({each.spec.trial_id: report(each, self._max_epochs, again=True) for each in known})]
        if self._alone is not None:
            return self._train_alone(self._alone)
        before = {member: member.folder.epoch for member in self._members}
        try:
            if self._pack is None:
                self._pack = self._open_pack()
            trained, kept = self._run_epochs(self._pack)
        except Exception as error:
            if ruins_process(error):
                raise  # See RecordedTrial.
            # Without its frames, which hold on to what the pack took of the memory.
            trace, failed = traceback.format_exc(), error.with_traceback(None)
        else:
            self._commit(self._pack, trained, kept)
            return self._report_lanes(before)
        return self._halve(failed, trace)

    def _train_alone(self, member: Member) -> list[dict[str, Any]]:
        """Trains a lane as a trial; where that goes well, those like it that are left do not become packs again."""
        self._spec, self._folder = member.folder.spec, member.folder
        reports = super()._train()
        if self._has_ended(member):
            self._alone = self._folder = self._training = None
            failed = member.folder.status == "failed"
            self._most, self._singly = (len(self._specs), False) if failed else (1, True)
        told = [self._tell({self._spec.trial_id: each}) for each in reports]
        return [*({**each, "done": False} for each in told[:-1]), *told[-1:]]

    def _open_members(self) -> list[Member]:
        """Takes the lanes that are trained."""
        members: list[Member] = []
        try:
            for place, spec in enumerate(self._specs):
                if spec.trial_id in self._awake:
                    members.append(Member(place, TrialFolder(self._run, spec, self._guard)))
                    members[-1].folder.open()
                    self._place(members[-1])
        except BaseException:
            for member in members:
                member.folder.close()
            raise
        return members

    def _place(self, member: Member) -> None:
        """Puts a lane to where its checkpoint is; without one its epochs are trained again, and their rows stay."""
        folder = member.folder
        if not self._has_ended(member) and not (folder.rows and self._continue(folder, member.take)):
            member.epoch, member.state = 0, None
            self._note_loss(folder)

    def _has_ended(self, member: Member) -> bool:
        return member.folder.status in ENDED_BY_ITSELF or member.folder.epoch >= self._max_epochs

    def _open_pack(self) -> PackTraining:
        """The hindmost lanes, as many as may be trained at once, up to where the next ones are."""
        assert self._members is not None
        left = [member for member in self._members if not self._has_ended(member)]
        last = min(member.epoch for member in left)
        self._group = [member for member in left if member.epoch == last][: self._most]
        self._goal = min((member.epoch for member in left if member.epoch > last), default=self._max_epochs)
        specs, places = self._specs, [member.place for member in self._group]
        if self._most < len(specs):
            specs, places = [member.folder.spec for member in self._group], [*range(len(self._group))]
        self._lanes = len(specs)
        resting = {*range(len(specs))} - {*places}
        pack = PackTraining(specs, self._split, self._resources.device, resting=resting)
        self._places = dict(zip(self._group, places, strict=True))
        if last:
            states = {place: member.state for member, place in self._places.items()}
            pack.load_states([states.get(place) for place in range(len(specs))])
        for member in self._group:
            member.state = None
        return pack

    def _run_epochs(self, pack: PackTraining) -> tuple[dict[Member, list[Epoch]], dict[Member, Any]]:
        """Trains until something depends on the last epoch, or it is time to commit; with predictions if kept."""
        trained: dict[Member, list[Epoch]] = {member: [] for member in self._group if not self._has_ended(member)}
        going = list(trained)
        until = max(self._until, time.monotonic() + COMMITS * self._wrote)
        while True:
            epochs = pack.run_epoch()
            for member in going:
                trained[member].append(epochs[self._places[member]])
                member.epoch = pack.epoch
            again = [member for member in going if member.epoch <= member.folder.epoch]
            going = [member for member in going if member in again or not trained[member][-1].diverged]
            if again or not going or pack.epoch == self._goal or pack.epoch in self._rungs:
                break
            if self._singly or time.monotonic() >= until:
                break
        wanted = pack.epoch == self._max_epochs and self._specs[0].phase == "rerun"
        return trained, {member: pack.predict(self._places[member]) for member in going if wanted}

    def _commit(self, pack: PackTraining, trained: Mapping[Member, list[Epoch]], kept: Mapping[Member, Any]) -> None:
        """Commits each lane as if alone. Whatever is then at its goal, or has ended, leaves the pack."""
        start, identity = time.monotonic(), pack.engine.describe() | {"lanes": str(self._lanes)}
        for member, epochs in trained.items():
            rows = [epoch.make_row(self._specs[0].phase) for epoch in epochs]
            state = partial(pack.capture_state, self._places[member])
            if rows[-1]["epoch"] <= member.folder.epoch:
                self._record_again(member.folder, rows[-1], state)
            else:
                self._record(member.folder, rows, state, identity, epochs[-1].diverged, kept.get(member))
        self._wrote = time.monotonic() - start
        if pack.epoch == self._goal or all(map(self._has_ended, self._group)):
            self._leave_pack()

    def _leave_pack(self) -> None:
        self._pack = None
        for member in self._group:
            self._place(member)

    def _report_lanes(self, before: Mapping[Member, int]) -> list[dict[str, Any]]:
        """A result for each epoch that is new, of all lanes together; one of what was trained again."""
        new = {member: member.folder.epoch - count for member, count in before.items() if member.folder.epoch > count}
        results = []
        for step in range(1, max(new.values(), default=0) + 1):
            folders = {member.folder: before[member] + step for member, count in new.items() if count >= step}
            told = {each.spec.trial_id: report(each, self._max_epochs, rows) for each, rows in folders.items()}
            results.append(self._tell(told) | {"done": False})
        return [*results[:-1], self._tell(dict(results[-1][REPORTS]) if results else {})]

    def _tell(self, reports: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        """A result for Tune, which is about the pack as a whole, with those of its lanes."""
        members = self._members or ()
        return {
            TIME_ATTR: max((each[TIME_ATTR] for each in reports.values()), default=0),
            METRIC: max((each[METRIC] for each in reports.values()), default=WORST),
            "status": "running",
            "done": bool(members) and all(map(self._has_ended, members)),
            REPORTS: list(reports.items()),  # Tune would flatten a mapping.
        }

    def _halve(self, error: Exception, trace: str) -> list[dict[str, Any]]:
        """Goes on in halves from the last commit; a lane that fails alone, from one epoch to the next, has failed."""
        group = [member for member in self._group if not self._has_ended(member)]
        self._leave_pack()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if self._lanes == 1 and self._singly:
            folder = group[0].folder
            if split_kept(folder.spec.architecture):
                folder.note(f"it was trained alone, because a pack cannot: {name_error(error)}")
                self._alone, self._singly = group[0], False
                return []
            folder.fail(trace)
            self._most, self._singly = len(self._specs), False
            return [self._tell({folder.spec.trial_id: report(folder, self._max_epochs)})]
        self._most = max(1, min(len(group), self._lanes // 2))
        self._singly |= self._lanes == 1 or not lacks_memory(error)
        for member in group:
            member.folder.note(f"its pack of {format_count(self._lanes, 'trial')} was split: {name_error(error)}")
        return []
