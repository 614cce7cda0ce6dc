"""Extending a run: what may be added to it, what it keeps, and what would contradict it.

Everything may only grow. Whoever asks for less than the run already has, by repeating an older command, gets the
whole; ``explain_kept`` says so.

- Architectures, samples, finalists, their seeds, rerun seeds and rerun epochs are added to.
- A judge may be named until there is a race; what a race was decided by stays.
- A grid grows into one of the same hyperparameters that has all its values; the smaller one is kept as ``earlier``,
  because it decides in which order the points are tried: first what the smaller grids had the run try. TPE drew its
  proposals from one space and keeps it.
- A grid search may get more epochs, with ASHA and without. ASHA's rungs are grace period x eta^k, whatever the
  maximum is: those below the old maximum stay as they are, and the new ones come after them. TPE made its proposals
  from accuracies after the old number of epochs and keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path

from spaces.common.errors import UserError, shorten
from spaces.common.fields import format_setting, name_option
from spaces.files.sealed import Damaged, read_sealed
from spaces.hyperparameters import sort_names
from spaces.specs.protocol import JUDGES, PHASES
from spaces.specs.run import SPEC, RunSpec

# The larger one counts, whoever asked for it.
COUNTS = ("samples", "max_epochs", "rerun_seeds", "rerun_epochs", "finalists", "choice_seeds")
BY_HASH = ("classes", "own", "data_source")  # Where two differ, so do the data's hash or the architecture's name.
COMPARED_ELSEWHERE = ("architectures", "thetas", "space", "earlier", "judge", *BY_HASH, *COUNTS)


def extend(spec: RunSpec, asked: RunSpec) -> RunSpec:
    """``spec`` with what ``asked`` adds.

    Raises:
        UserError: ``asked`` contradicts it; the message shows each difference.
    """
    differences = [*_extend_settings(spec, asked), *_extend_spaces(spec, asked)]
    if differences:
        raise UserError(
            f"the run folder holds another run: {'; '.join(differences)}; give another --out, or the same settings"
        )
    space, earlier = spec.space, spec.earlier
    if spec.space is not None and _is_smaller(spec, asked):
        space, earlier = (
            asked.space,
            (*earlier, {"space": spec.space, "samples": int(min(spec.samples or 0, spec.searched.size))}),
        )
    return replace(
        spec,
        architectures=tuple(dict.fromkeys(spec.architectures + asked.architectures)),
        thetas=None if spec.thetas is None else {**spec.thetas, **(asked.thetas or {})},
        space=space,
        earlier=earlier,
        classes=spec.classes or asked.classes,
        own={**(spec.own or {}), **(asked.own or {})} or None,
        data_source=asked.data_source or spec.data_source,
        judge=asked.judge or spec.judge,
        **{
            name: max(filter(None, (getattr(spec, name), getattr(asked, name))), default=None)  # Either may be unset.
            for name in COUNTS
        },
    )


def explain_kept(whole: RunSpec, asked: RunSpec) -> list[str]:
    """Where an extended run is more than what was asked for: one line each, to follow its name."""
    lines = []
    for name in COUNTS:
        mine, part = getattr(whole, name), getattr(asked, name)
        if part is not None and mine > part:
            lines.append(f"already asks for {mine} {name_option(name)}, so not {part}")
    if whole.finalists and not asked.finalists and asked.rerun_seeds:
        lines.append(f"already has a race of {whole.finalists} finalists, so the choice is not that of a single seed")
    if whole.space is not None and _is_smaller(asked, whole):
        lines.append(f"already searches space {whole.searched.name}, so not only its part {asked.searched.name}")
    return lines


def list_lengthened(whole: RunSpec, old: RunSpec) -> tuple[str, ...]:
    """The phases whose trials are trained longer in ``whole`` than in ``old``, which it extends."""
    sweep = old.space is not None and whole.max_epochs > old.max_epochs
    rerun = old.rerun_epochs is not None and (whole.rerun_epochs or 0) > old.rerun_epochs
    longer = {"sweep": sweep, "choice": sweep and old.finalists is not None, "rerun": rerun}
    return tuple(phase for phase in PHASES if longer[phase])


def read_known(run: Path) -> RunSpec | None:
    """The request of a run folder, which keeps what is not given again; None where it has no records yet."""
    with suppress(UserError, Damaged, OSError):  # Opening the run says what is wrong with it.
        content = read_sealed(run / SPEC)
        if content is not None and any(run.glob("trials/*/record.json")):
            return RunSpec.from_dict(content)
    return None


def _extend_settings(spec: RunSpec, asked: RunSpec) -> Iterator[str]:
    for name in (field.name for field in fields(spec)):
        old, new = getattr(spec, name), getattr(asked, name)
        if name == "grace_period" and new == asked.max_epochs < old:
            continue  # Both let such short trials run to their end.
        if name == "batch_size" and _have_batch_sizes(spec) and _have_batch_sizes(asked):
            continue  # None of their trials has the batch size of the run.
        if name not in COMPARED_ELSEWHERE and old != new:
            yield f"{name_option(name)} is {format_setting(old)} there and {format_setting(new)} here"
    judge = spec.judge or (JUDGES[0] if spec.finalists else None)
    if judge and asked.judge and asked.judge != judge:
        yield f"judge is {judge} there and {asked.judge} here"
    if spec.has_schedules:
        for name in ("max_epochs", "rerun_epochs"):
            old, new = getattr(spec, name), getattr(asked, name)
            if old is not None and new is not None and old != new:
                yield f"{name_option(name)} is {old} there and {new} here, which would change the schedule of lr"
    if spec.search == asked.search == "tpe" and spec.max_epochs != asked.max_epochs:
        yield (
            f"epochs is {spec.max_epochs} there and {asked.max_epochs} here, and tpe made its proposals from "
            f"accuracies after {spec.max_epochs}"
        )
    if (spec.thetas is None) != (asked.thetas is None):
        yield "one is a search and the other trains fixed configurations"
    for name, theta in (asked.thetas or {}).items():
        known = (spec.thetas or {}).get(name, theta)
        if known != theta:
            yield f"theta of {name} is {format_setting(known)} there and {format_setting(theta)} here"


def _have_batch_sizes(spec: RunSpec) -> bool:
    """Whether the batch size is a hyperparameter of all trials of a run."""
    given = [spec.searched.domains] if spec.thetas is None else spec.thetas.values()
    return all("batch_size" in each for each in given)


def _extend_spaces(spec: RunSpec, asked: RunSpec) -> Iterator[str]:
    if spec.space is None or spec.search != asked.search:
        return  # Said already.
    there, here = spec.searched, asked.searched
    if repr(there.domains) == repr(here.domains):  # In which True is not 1.
        return
    names = sort_names((*there.domains, *here.domains))
    for name in names:
        if name not in there.domains or name not in here.domains:
            yield f"{name} is searched only {'there' if name in there.domains else 'here'}"
    shared = [name for name in names if name in there.domains and name in here.domains]
    if spec.search != "grid":
        changed = [name for name in shared if repr(there.domains[name]) != repr(here.domains[name])]
        for name in changed:
            old, new = there.domains[name].describe(), here.domains[name].describe()
            yield f"{name} is {shorten(format_setting(old))} there and {shorten(format_setting(new))} here"
        yield f"{spec.search} drew its configurations from the space there, so it cannot change"
    elif not there.fits_within(here) and not here.fits_within(there):
        left, right = there.list_choices(), here.list_choices()
        for name in shared:
            old, new = (dict.fromkeys(map(format_setting, values[name])) for values in (left, right))
            lacks = [([v for v in new if v not in old], "there"), ([v for v in old if v not in new], "here")]
            parts = [f"{shorten(', '.join(values))} {place}" for values, place in lacks if values]
            if parts:
                yield f"{name} lacks {' and '.join(parts)}"
        yield "a grid can only grow into one that has all its values"


def _is_smaller(spec: RunSpec, other: RunSpec) -> bool:
    """Whether a run's space is a part of another's, and not the whole."""
    return spec.searched.fits_within(other.searched) and not other.searched.fits_within(spec.searched)
