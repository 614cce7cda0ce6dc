"""Loads the network of this folder, classifies images of its data set and prints the accuracy.

Run it with an environment in which invsearch is installed:  python load.py
"""

import json
import sys
from pathlib import Path
from typing import Any

try:
    import invsearch_start
except ImportError:
    sys.exit(f"load.py: invsearch is not installed for {sys.executable}; run this file with a Python that has it")
invsearch_start.take_packages()  # Whatever folders of their names lie beside this file.

import torch  # noqa: E402
from safetensors import SafetensorError  # noqa: E402
from safetensors.torch import load as read  # noqa: E402

import models  # noqa: E402
from models.own import Reference, Sources, check_same, register  # noqa: E402
from search.datasets import find_dataset, load_split  # noqa: E402
from search.training.images import Images  # noqa: E402
from spaces import Hyperparameters, UserError  # noqa: E402
from spaces.common.errors import make_printable, shorten  # noqa: E402

HERE = Path(__file__).resolve().parent
SHOWN = 10
AT_ONCE = 1000  # Images.


def load(folder: Path = HERE) -> tuple[torch.nn.Sequential, dict[str, Any]]:
    """The trained network, ready to classify, and the content of config.json.

    The network maps normalised images, float32 (N, C, H, W), to scores (N, classes).
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    name, theta = config["architecture"], Hyperparameters.from_mapping(config["theta"])
    if own := config.get("own"):
        reference = Reference.parse(own["reference"])
        kept = Sources.read(folder / "sources", reference.main) if own["sources"] else None
        check_same(name, register(reference, kept).name)
    print(f"{models.find_architecture(name).title}: {config['trial_id']}")
    network = models.build(
        name,
        gain=theta.gain,  # Only initial weights depend on gain and seed; they are replaced at once.
        seed=config["seed"],
        input_shape=tuple(config["input_shape"]),
        classes=config["classes"],
        further=theta.constructor,
    )
    network.load_state_dict(read((folder / "weights.safetensors").read_bytes()))
    return network.eval(), config


def main() -> None:
    """Judges the network on the very images that its accuracy was measured on."""
    network, config = load()
    source = config.get("data_source")  # Of data of one's own.
    data = find_dataset(config["dataset"], source and config["data_hash"], source)
    if data.data_hash != config["data_hash"]:
        raise UserError(
            f"{data.name}: the data are {data.data_hash} here, and the network was judged on {config['data_hash']}; "
            "set INVSEARCH_DATA to a folder with the original data"
        )
    split = load_split(data, config["phase"], config["split_seed"])
    images, labels = Images(split.eval_x, split.scaling, torch.device("cpu")), torch.from_numpy(split.eval_y)
    parts = [slice(start, start + AT_ONCE) for start in range(0, len(labels), AT_ONCE)]
    with torch.inference_mode():
        guesses = torch.cat([network(images.take_batch(part)).argmax(1) for part in parts])
    print(f"the first {SHOWN} images: labels  {labels[:SHOWN].tolist()}")
    print(f"                     network {guesses[:SHOWN].tolist()}")
    accuracy = (guesses == labels).double().mean().item()
    print(f"accuracy on {len(labels)} {config['accuracy']['judged_on']} images: {100 * accuracy:.2f} %")
    print(f"on record: {100 * config['accuracy']['fraction']:.2f} %")


if __name__ == "__main__":
    try:
        main()
    except (UserError, OSError, KeyError, RuntimeError, SafetensorError, TypeError, ValueError) as error:
        reason = str(error)
        if not isinstance(error, UserError | OSError):
            reason = (
                "config.json and weights.safetensors are damaged or do not belong together "
                f"({shorten(' '.join(reason.split()), 200)}); export the network again"
            )
        print(f"load.py: {make_printable(reason)}", file=sys.stderr)
        sys.exit(2)
