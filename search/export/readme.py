"""The README.md of an exported folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spaces.common.fields import format_setting
from spaces.common.wording import format_count


def write_readme(config: Mapping[str, Any]) -> str:
    """A page for people who find the folder, from the content of its config.json."""
    theta = ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {format_setting(value)}"
        for name, value in config["theta"].items()
    )
    shape = ", ".join(map(str, config["input_shape"]))
    norm = config["normalisation"]
    return f"""# {config["title"]} ({config["architecture"]}) on {config["dataset"]}

Trial `{config["trial_id"]}`: {theta}, seed {config["seed"]}, {format_count(config["epochs"], "epoch")}.
Exported by invsearch from `{config["run"]}`.

| file | holds |
|---|---|
| weights.safetensors | weights and fixed kernels, by the names of the network's `state_dict` |
| config.json | what they are: architecture, theta, seed, data, normalisation, accuracy, versions |
| load.py | loads them and judges them: `python load.py`, with invsearch installed |{_name_own(config.get("own"))}

Images are float32 (N, {shape}), normalised as {norm["formula"]} with mean {norm["mean"]} and std {norm["std"]}; the
network returns {config["classes"]} scores for each. For other programs it can be exported by `torch.export.export`, by
`torch.jit.trace` and, with the package onnx, by `torch.onnx.export(.., dynamo=False)`; not by `torch.jit.script`.

## How good it is

{_format_accuracy(config["accuracy"])}

## Where the weights come from

{_name_source(config["weights"])}
"""


def _format_accuracy(accuracy: Mapping[str, Any]) -> str:
    reruns, is_rerun = accuracy["reruns"], accuracy["judged_on"] == "test"
    alone = is_rerun and reruns["n"] == 1 and not reruns["lost"]
    caution = ", so **that number is optimistic**: the trial was chosen by it."
    if alone:
        caution = ": nothing was chosen by its number, but **one seed says nothing of the spread between seeds**."
        advice = "To quote a number, add reruns (`invsearch rerun RUN --seeds 10`) and take their mean."
    elif not is_rerun:
        advice = "No rerun has finished; `invsearch rerun` measures the mean over seeds, the number to quote."
    elif reruns["lost"]:
        advice = (
            f"**No number to quote**: {format_count(reruns['lost'], 'other rerun')} failed, so the mean of "
            f"what is left, {reruns['mean_percent']:.2f} % (n = {reruns['n']}), is of a selection."
        )
    else:
        advice = (
            f"The number to quote is the mean over seeds: **{reruns['mean_percent']:.2f} %** (n = {reruns['n']}, "
            f"standard deviation {reruns['std_percent']:.2f})."
        )
    judged = f"{100.0 * accuracy['fraction']:.2f} % of the {accuracy['judged_on']} images are classified correctly."
    return f"{judged}\nThis trial is {accuracy['chosen_as']}{caution}\n{advice}"


def _name_source(weights: Mapping[str, Any]) -> str:
    if weights["from"] == "checkpoint":
        return "They are the trial's last checkpoint, which the run kept."
    text = "The run kept no checkpoint of this trial, so it was trained again, with the same seed, data and batch order"
    if (difference := weights["differs_from_record"]) is None:
        return f"{text};\nevery epoch came out exactly as recorded."
    return f"{text}.\n**It came out differently from the record** (another machine or other versions): {difference}."


def _name_own(own: Mapping[str, Any] | None) -> str:
    if own is None:
        return ""
    if own["sources"]:
        return f"\n| sources | the code of `{own['reference']}`, which load.py imports |"
    return (
        f"\n| | load.py also needs the plugin `{own['reference']}`, in the version that the network was trained with |"
    )
