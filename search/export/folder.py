"""The exported folder: weights, config.json, load.py and README.md, there whole or not at all."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from safetensors.torch import save

import models
from analysis.best import Best
from search.export.place import write_folder
from search.export.readme import write_readme
from search.export.weights import Weights, find_data
from search.storage.json_files import replace_not_finite
from search.storage.provenance import compute_code_digest, list_versions
from spaces.common.errors import make_printable
from spaces.common.wording import format_count
from spaces.specs.protocol import JUDGED_ON

FORMAT = "invsearch export 1"
SOURCES = "sources"
JUDGED = {"val": "held-out training", "test": "test"}


def export(run: Path, best: Best, weights: Weights, out: Path) -> None:
    """Writes the folder ``out``, which must not exist or be empty, under a temporary name beside it; then renames it.

    Raises:
        OSError: it cannot be written, or somebody filled it meanwhile.
    """
    content = make_config(run, best, weights)
    own = models.REGISTERED.get(best.architecture)
    header = {"format": "pt", "trial_id": weights.record.spec.trial_id, "architecture": best.architecture}
    files = {
        "weights.safetensors": save(dict(weights.tensors), header),
        "config.json": (json.dumps(replace_not_finite(content), indent=2) + "\n").encode(),
        "load.py": resources.files("search.export").joinpath("load.py").read_bytes(),
        "README.md": write_readme(content).encode(),
        **(
            {}
            if own is None or own.is_plugin
            else {f"{SOURCES}/{name}": text for name, text in own.sources.files.items()}
        ),
    }
    write_folder(out, files)


def describe_choice(best: Best) -> str:
    """What the exported trial is among those of its architecture."""
    if best.rerun is None:
        return "the sweep's trial of the configuration that was chosen"
    count = format_count(best.finished, "rerun")
    if best.lost or best.reruns.n > best.finished:
        return f"the best by test accuracy of the {count} that neither diverged nor failed"
    return "the only rerun" if best.finished == 1 else f"the best of {count} by test accuracy"


def make_config(run: Path, best: Best, weights: Weights) -> dict[str, Any]:
    """What the weights are, as plain data; NaN where there is no mean or spread."""
    rows, spec = weights.record.rows, weights.record.spec
    data, judged = find_data(run, spec), JUDGED_ON[spec.phase]
    own = models.REGISTERED.get(spec.architecture)
    return {
        "format": FORMAT,
        "run": make_printable(run.resolve()),
        **{name: getattr(spec, name) for name in ("trial_id", "config_id", "architecture")},
        "title": models.find_architecture(spec.architecture).title,
        **({} if own is None else {"own": {"reference": str(own.reference), "sources": not own.is_plugin}}),
        "theta": spec.theta.as_dict(),
        **{name: getattr(spec, name) for name in ("seed", "phase", "split_seed", "batch_size")},
        "epochs": len(rows),
        **{name: getattr(spec, name) for name in ("dataset", "data_hash")},
        **({"data_source": data.source} if data.source else {}),
        "input_shape": list(data.input_shape),
        "classes": data.classes,
        "normalisation": {"mean": data.mean, "std": data.std, "formula": "(grey level / 255 - mean) / std"},
        "accuracy": {
            "judged_on": JUDGED[judged],
            "fraction": rows[-1][f"{judged}_accuracy"],
            "chosen_as": describe_choice(best),
            "reruns": {
                "n": best.reruns.n,
                "lost": best.lost,
                "mean_percent": best.reruns.mean,
                "std_percent": best.reruns.std,
            },
        },
        "weights": {"from": weights.source, "differs_from_record": weights.difference},
        "made_by": dict(weights.maker),
        "exported_by": {**list_versions(), "code": compute_code_digest()},
    }
