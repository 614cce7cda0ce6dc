"""The folder of a run: it explains itself and holds everything worth keeping.

RUN/spec.json         what was asked for
RUN/environment.json  code, libraries and engines that computed it (search/storage/provenance.py)
RUN/sources/NAME/     files of the user's own architectures (search/storage/sources.py)
RUN/costs.json        parameters and multiplies of each architecture
RUN/history.jsonl     who ran what here, when (search/storage/invocations.py)
RUN/decisions.jsonl   whom ASHA judged, in order (search/storage/asha_decisions.py)
RUN/driver.lock       who drives it (search/storage/driver.py)
RUN/trials/ID/        one folder a trial (search/storage/trial_folder.py)
RUN/log/NAME/         what --log keeps for other programs (search/loggers)
RUN/.tune/            Ray Tune's scratch; may be deleted at any time
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from search.errors import Superseded, explain_error
from search.signals import last_words, lift_time_limit
from search.storage import invocations, provenance, repair, sources
from search.storage.driver import NAME as LOCK_NAME
from search.storage.driver import DriverLock, Guard
from search.storage.json_files import write_json
from search.storage.places.driving import BucketLock
from search.storage.places.urls import find_url
from search.storage.trial_folder import TrialFolder
from search.storage.writer import Writer
from spaces import UserError
from spaces.common.wording import format_command
from spaces.files.sealed import ASIDE, Damaged, read_sealed
from spaces.specs.extend import explain_kept, extend, list_lengthened
from spaces.specs.notes import NOTES
from spaces.specs.records import read_record
from spaces.specs.run import SPEC, RunSpec, read_spec


class RunFolder:
    """A run on disk.

    Args:
        path: the folder; ``driven`` makes it. The mirror of a run in a bucket stands for that.

    Attributes:
        path: the folder, or the driver's own mirror.
        given: the folder, or the mirror that readers have.
        source: where the records are up to date: as ``given`` until this driver takes the run, then as ``path``.
        scratch: where Ray Tune keeps its own files.
        guard: lets the processes of this driver write, and nobody else's.
        refusal: why nothing may be trained here, although the run asks for no more than before; None where it may.
    """

    def __init__(self, path: str | Path):
        self.path = self.given = self.source = Path(path).resolve()
        url = find_url(self.path)
        self._lock: DriverLock | BucketLock
        if url is None:
            self._lock = DriverLock(self.path)
            self.guard: Writer = Guard(self.path, self._lock.token)
        else:
            self._lock = BucketLock(url)
            self.path, self.guard = self._lock.folder, self._lock.guard
        self.scratch = self.path / ".tune"
        self.refusal: str | None = None
        self._environment: Mapping[str, Any] = {}  # From this invocation on.

    def clear_scratch(self) -> None:
        """Removes what Tune left; a link is removed and not followed."""
        if self.scratch.is_symlink() or self.scratch.is_file():
            self.scratch.unlink()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def read_spec(self) -> RunSpec:
        """What was asked for.

        Raises:
            UserError: not a run folder, or not readable.
        """
        return RunSpec.from_dict(read_spec(self.source))

    def _prepare(self, asked: RunSpec, here: Mapping[str, Any], accept_changes: bool) -> RunSpec:
        """Writes the spec, extended where the folder holds the same run already; nothing if that is refused.

        Where other code, libraries or engines are asked for nothing new, nothing is written either: it may be that
        nothing is left to train.
        """
        known = any(repair.list_recorded(self.path))  # A start that was refused binds nobody.
        if known and not (self.path / SPEC).exists():
            print(f"{self.path}: spec.json is not there; written anew from this command", file=sys.stderr)
            known = False
        old = self.read_spec() if known else None
        spec = asked if old is None else extend(old, asked)
        spec.check_searched()
        there = read_sealed(self.path / provenance.ENVIRONMENT) or invocations.find_last_known(
            self.path, "environment", provenance.check_environment
        )
        changes = provenance.find_differences(there, here) if known and there else []
        if changes and not accept_changes:
            self.refusal = self._explain_refusal(changes)
            if old == spec:
                return spec
            self.check_changes()
        self._environment = provenance.merge_environments(there if known else None, here)
        for change in changes:
            print(f"accepted: {change}", file=sys.stderr)
        if old is not None:
            self._check_lengthening(old, spec)
            sources.check_edited(self.path, old, asked, accept_changes)
            for line in explain_kept(spec, asked):
                print(f"{self.path} {line}", file=sys.stderr)
        sources.keep(self.path, spec)
        write_json(self.path / SPEC, spec.as_dict(), indent=2)
        write_json(self.path / provenance.ENVIRONMENT, self._environment, indent=2)
        self._write_costs(spec, old)
        self.guard.upload()
        return spec

    def _explain_refusal(self, changes: Sequence[str]) -> str:
        return (
            f"{self.path}: {'; '.join(changes)}; resume with what it was begun with, or with --accept-changes "
            "(each row of a record says what made it), or give another --out; invsearch table shows what is there"
        )

    def check_engines(self, engines: Mapping[str, str], accept_changes: bool) -> None:
        """Passes where these engines may train what is left, also of architectures that this invocation does not name.

        Raises:
            UserError: others have trained these architectures, and ``accept_changes`` is not given.
        """
        trained = {record.parent.name.rpartition("-")[0] for record in repair.list_recorded(self.path)}
        engines = {name: engine for name, engine in engines.items() if name in trained}
        changes = provenance.find_differences(self._environment, {**self._environment, "engines": engines})
        if changes and not accept_changes:
            raise UserError(self._explain_refusal(changes))
        for change in changes:
            print(f"accepted: {change}", file=sys.stderr)
        if changes:
            self._environment = provenance.merge_environments(
                self._environment, {**self._environment, "engines": engines}
            )
            write_json(self.path / provenance.ENVIRONMENT, self._environment, indent=2)
            self.guard.upload()

    def check_changes(self) -> None:
        """Passes where this invocation may train.

        Raises:
            UserError: the run was begun with other code, libraries or engines.
        """
        if self.refusal is not None:
            raise UserError(self.refusal)

    def _check_lengthening(self, old: RunSpec, spec: RunSpec) -> None:
        """Longer trials continue from their checkpoints.

        Raises:
            UserError: some finished trials have none.
        """
        for phase in list_lengthened(spec, old):
            before, after = ((run.max_epochs, run.rerun_epochs)[phase == "rerun"] for run in (old, spec))
            finished = [folder for folder in self.list_recorded(phase) if folder.read_outcome() == "completed"]
            without = sum(not folder.has_checkpoint() for folder in finished)
            if without:
                raise UserError(
                    f"{self.path}: {phase} trials cannot continue from {before} to {after} epochs: {without} of "
                    f"{len(finished)} finished ones have no checkpoint (only trials that end under "
                    "--keep-checkpoints all keep theirs); give another --out"
                )

    def _write_costs(self, spec: RunSpec, old: RunSpec | None) -> None:
        """Costs are counted here, where torch is; analysis only reads them. conv is what they are relative to.

        A user's module that is not asked for is not imported: its costs stay, unless they can have changed since.
        """
        import models
        from models.cost import list_layer_costs
        from models.own.layers import OwnPart
        from search.datasets import find_dataset

        data, costs = find_dataset(spec.dataset, spec.data_source and spec.data_hash, spec.data_source), {}
        before = read_sealed(self.path / "costs.json") or {}
        images = {"input_shape": data.input_shape, "classes": data.classes}
        for name in dict.fromkeys((*spec.architectures, "conv")):
            # Where hyperparameters decide the size of a user's module, that of the middle of its space stands for all.
            own = {name: spec.own[name]} if spec.own and name in spec.own else {}
            images["further"] = spec.find_middle(name).constructor if own else {}
            if own and name not in models.REGISTERED:
                if old is not None and name in before and old.find_middle(name).constructor == images["further"]:
                    costs[name] = before[name]
                    continue
                sources.load_kept(self.path, own)
            parts = [
                part
                for part, layer in models.describe_architecture(name, **images).items()
                if isinstance(layer, OwnPart)
            ]
            network = models.build(name, gain=1.0, seed=0, **images)
            costs[name] = [asdict(cost) for cost in list_layer_costs(network, data.input_shape, parts)]
        write_json(self.path / "costs.json", costs, indent=2)

    @contextmanager
    def driven(
        self,
        asked: RunSpec,
        engines: dict[str, str] | None = None,
        accept_changes: bool = False,
        force: bool = False,
        command: str | None = None,
    ) -> Iterator[RunSpec]:
        """Makes the folder or extends the run it holds, keeps other drivers out, mends and writes the history.

        Args:
            asked: what this invocation asks for.
            engines: what trains each architecture.
            accept_changes: resume with other code, libraries or engines than the run's so far.
            force: take the run over from a driver that did not sign off.
            command: what was called; None: the program's command line.

        Yields:
            The whole run: what the folder held and what ``asked`` adds.

        Raises:
            UserError: the folder holds another run or foreign files, another driver works on it, it
                was made by another version, or it cannot be written.
        """
        with self.taken(force):
            here = provenance.describe_environment(engines or {})
            try:
                spec = self._prepare(asked, here, accept_changes)
            except OSError as error:
                raise UserError(f"{explain_error(error)}; fix that and try again") from None
            known = {"spec": spec.as_dict(), "environment": self._environment}
            entered = invocations.history(self.path, command, self.guard, **known)
            with nullcontext() if self.refusal else entered:
                try:
                    yield spec
                finally:
                    lift_time_limit()  # What is done by now is also to be shown.

    @contextmanager
    def taken(self, force: bool = False, deep: bool = False) -> Iterator[list[str]]:
        """Holds the run for the time of a ``with`` block, with everything damaged set aside and mended.

        Args:
            force: as for ``driven``.
            deep: also read every checkpoint.

        Where a new run is refused before anything was trained, its folder goes again.

        Yields:
            What was damaged and what was done, one line each, which were also printed.

        Raises:
            UserError: foreign files, another driver, or it cannot be written.
        """
        entries = [entry.name for entry in self.path.iterdir()] if self.path.is_dir() else []
        marks = (SPEC, invocations.NAME)
        ours = any(name == mark or name.startswith(mark + ASIDE) for name in entries for mark in marks)
        foreign = not all(name.startswith(".") or name.split(ASIDE)[0] == LOCK_NAME for name in entries)
        if isinstance(self._lock, DriverLock) and foreign and not ours:  # Of a bucket, its own list is looked at.
            raise UserError(f"{self.path}: has files but no spec.json; give --out an empty or new folder")
        made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lines, self.source = self._lock.take(force), self.path
        except OSError as error:
            for folder in made:
                with suppress(OSError):  # It is not there, or not empty.
                    folder.rmdir()
            raise UserError(f"{self.path}: cannot be written ({error.strerror}); give another --out") from None
        try:
            for line in lines:
                print(line, file=sys.stderr)
            mended = []
            try:
                for finding in repair.inspect(self.path, deep):
                    self.guard.fetch_copy(finding.path)
                    mended.append(finding.mend())
                    print(mended[-1], file=sys.stderr)
                self.guard.upload()
            except OSError as error:
                raise UserError(f"{explain_error(error)}; fix that and try again") from None
            with last_words(self._lock.release):
                yield mended
        except UserError:
            if made and isinstance(self._lock, DriverLock) and not self._has_work():
                with suppress(OSError, Superseded):
                    self.guard.check()  # It may be another driver's by now.
                    shutil.rmtree(self.path, ignore_errors=True)
                    for folder in made[1:]:
                        folder.rmdir()
            raise
        finally:
            self._lock.release()

    def _has_work(self) -> bool:
        """Whether anything is there that was computed, or that somebody wrote."""
        kept = any(self.path.glob("trials/*/checkpoint-*")) or (self.path / NOTES).exists()
        return kept or any(repair.list_recorded(self.path))

    def mend(self, force: bool = False) -> None:
        """Sets aside what is damaged and restores what can be, as ``driven`` does.

        Raises:
            UserError: foreign files, another driver, or it cannot be written.
        """
        if (self.given / SPEC).exists() or (self.given / invocations.NAME).exists():
            with self.taken(force):
                pass

    def list_recorded(self, phase: str) -> list[TrialFolder]:
        """Every trial of a phase that has a record.

        Raises:
            UserError: a record is damaged.
        """
        self.guard.refresh()
        found = []
        for path in repair.list_recorded(self.path):
            try:
                record = read_record(path.parent)
            except Damaged as error:
                mending = format_command("invsearch", "check", self.path, "--repair")
                raise UserError(f"{path}: damaged ({error}); run {mending}") from None
            if record is not None and record.spec.phase == phase:
                found.append(TrialFolder(self.path, record.spec, self.guard))
                found[-1].adopt(record)
        return found

    def reopen(self, folders: Iterable[TrialFolder], epochs: int, retry_failed: bool) -> None:
        """Takes back the outcomes of trials completed when ``epochs`` were fewer, and of failures to be tried again.

        Raises:
            UserError: there are some, and this invocation may not train.
        """
        for folder in folders:
            outcome = folder.read_outcome()
            if outcome == "completed" and folder.epoch < epochs:
                self.check_changes()
                folder.reopen()
            elif retry_failed and (outcome == "failed" or folder.status == "failed"):
                self.check_changes()
                last = (folder.error or "").strip().splitlines()[-1:] or ["no reason is on record"]
                folder.reopen(f"tried again after epoch {folder.epoch}: {last[0]}")
