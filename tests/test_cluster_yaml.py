from pathlib import Path

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

CLUSTER = Path(__file__).resolve().parent.parent / "cluster.yaml"


@pytest.fixture
def config() -> dict:
    return yaml.safe_load(CLUSTER.read_text(encoding="utf-8"))


def test_passes_rays_own_schema(config: dict) -> None:
    validate_config(prepare_config(config))


def test_rays_schema_would_notice(config: dict) -> None:
    config["max_wokers"] = 3
    with pytest.raises(Exception, match="max_wokers"):
        validate_config(prepare_config(config))


def test_grows_with_gpu_workers_and_shrinks_again(config: dict) -> None:
    assert config["cluster_name"]  # Ray's schema lets a missing one pass.
    worker = config["available_node_types"]["gpu_worker"]
    assert worker["node_config"]["InstanceType"].startswith(("g4", "g5", "g6", "p3", "p4", "p5"))
    assert worker["min_workers"] == 0
    assert 0 < worker["max_workers"] <= config["max_workers"]
    assert config["idle_timeout_minutes"] > 0


def test_installs_this_project(config: dict) -> None:
    mounted = next(iter(config["file_mounts"]))
    assert any(f"pip install --constraint {mounted}/constraints.txt {mounted}" in c for c in config["setup_commands"])
