"""docs/kubernetes: the job against KubeRay's schema, its pods against that of Kubernetes, the image against this."""

from __future__ import annotations

import copy
import os
import re
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from search.cli import make_parser

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "kubernetes"
DATA = Path(os.environ.get("INVSEARCH_DATA", ROOT.parent / "shared" / "data"))
SCHEMA = DATA / "kuberay" / "ray.io_rayjobs.yaml"


@pytest.fixture
def job() -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "rayjob.yaml").read_text(encoding="utf-8"))


def pods(job: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = job["spec"]["rayClusterSpec"]
    return [group["template"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def close(schema: Any) -> Any:
    """Refuses fields that the schema does not name; Kubernetes would drop them in silence."""
    if isinstance(schema, dict):
        if "properties" in schema and "x-kubernetes-preserve-unknown-fields" not in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            close(part)
    return schema


@pytest.fixture(scope="module")
def kuberay() -> jsonschema.Draft202012Validator:
    if not SCHEMA.is_file():
        pytest.skip(f"no {SCHEMA}")
    versions = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))["spec"]["versions"]
    (found,) = (each["schema"]["openAPIV3Schema"]["properties"]["spec"] for each in versions if each["name"] == "v1")
    return jsonschema.Draft202012Validator(close(found))


def test_is_a_rayjob_as_kuberay_defines_it(job: dict[str, Any], kuberay: jsonschema.Draft202012Validator) -> None:
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    kuberay.validate(job["spec"])


def test_kuberays_schema_would_notice(job: dict[str, Any], kuberay: jsonschema.Draft202012Validator) -> None:
    for place, name in (
        (job["spec"], "backofLimit"),
        (job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0], "replica"),
    ):
        place[name] = 3
        with pytest.raises(jsonschema.ValidationError, match=name):
            kuberay.validate(job["spec"])
        del place[name]
    job["spec"]["rayClusterSpec"]["authOptions"]["mode"] = "password"
    with pytest.raises(jsonschema.ValidationError, match="password"):
        kuberay.validate(job["spec"])


def validate_pod(template: dict[str, Any]) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, **template}
    kubernetes_validate.validate(pod, "1.33", strict=True)


def test_its_pods_are_pods(job: dict[str, Any]) -> None:
    for template in pods(job):
        validate_pod(template)
        broken = copy.deepcopy(template)
        broken["spec"]["containers"][0]["imagee"] = "x"
        with pytest.raises(kubernetes_validate.ValidationError, match="imagee"):
            validate_pod(broken)


def test_grows_from_no_workers_asks_for_a_token_and_goes_away(job: dict[str, Any]) -> None:
    spec, cluster = job["spec"], job["spec"]["rayClusterSpec"]
    (workers,) = cluster["workerGroupSpecs"]
    assert cluster["enableInTreeAutoscaling"]
    assert workers["minReplicas"] == workers["replicas"] == 0 < workers["maxReplicas"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert spec["shutdownAfterJobFinishes"]
    assert spec["backoffLimit"] > 0
    assert cluster["rayVersion"] == version("ray")
    assert len({pod["spec"]["containers"][0]["image"] for pod in pods(job)}) == 1


def test_its_command_is_one(job: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    program, command, *options = shlex.split(job["spec"]["entrypoint"])
    assert (program, command) == ("invsearch", "sweep")
    assert options[options.index("--address") + 1] == "auto"
    assert options[options.index("--out") + 1].startswith("s3://BUCKET/")
    monkeypatch.setattr("search.storage.places.urls.open_mirror", Path)  # The bucket is a placeholder.
    make_parser().parse_args([command, *options])  # Or it exits.


def test_the_image_holds_what_an_install_needs() -> None:
    text = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
    build = text[: text.rindex("\nFROM ")]
    copied = {name for line in re.findall(r"^COPY (.*)", build, re.MULTILINE) for name in line.split()[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    read = set(re.findall(r'ROOT / "([a-zA-Z.]+)"', (ROOT / "setup.py").read_text(encoding="utf-8"))) | {
        "constraints.txt"
    }
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} & {"spaces", "models", "search", "analysis"}
    assert read | packages | {"setup.py", "pyproject.toml", "invsearch.py", "invsearch_start.py"} <= copied
    assert len(packages) == 4
    assert text.count("FROM python:3.11-slim") == 2
