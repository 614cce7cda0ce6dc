import subprocess
from pathlib import Path

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).resolve().parent.parent
AWS, ON_PREMISE = ROOT / "cluster.yaml", ROOT / "docs" / "cluster-on-premise.yaml"


@pytest.fixture(params=[AWS, ON_PREMISE], ids=lambda path: path.stem)
def config(request: pytest.FixtureRequest) -> dict:
    return yaml.safe_load(request.param.read_text(encoding="utf-8"))


def test_passes_rays_own_schema(config: dict) -> None:
    validate_config(prepare_config(config))
    assert config["cluster_name"]  # Ray's schema lets a missing one pass.


def test_rays_schema_would_notice(config: dict) -> None:
    config["max_wokers"] = 3
    with pytest.raises(Exception, match="max_wokers"):
        validate_config(prepare_config(config))


def test_installs_this_project(config: dict) -> None:
    mounted = next(iter(config["file_mounts"]))
    install = f"pip install --constraint {mounted}/constraints.txt '{mounted}[cluster]'"
    assert any(command.endswith(install) for command in config["setup_commands"])


def test_every_command_is_whole(config: dict) -> None:
    """YAML takes what follows a space and # for a comment, unless it is quoted."""
    for kind in ("setup_commands", "head_start_ray_commands", "worker_start_ray_commands"):
        for command in config[kind]:
            subprocess.run(["bash", "-n", "-c", command], check=True)
    assert config["setup_commands"][-1].endswith("# invsearch-venv' >> ~/.bashrc")


def test_every_node_has_the_token_and_asks_for_it(config: dict) -> None:
    assert "~/.ray/auth_token" in config["file_mounts"].values()
    starts = [config["head_start_ray_commands"][-1], config["worker_start_ray_commands"][-1]]
    assert all("RAY_AUTH_MODE=token" in command for command in [*starts, config["setup_commands"][-1]])


def test_grows_with_gpu_workers_and_shrinks_again() -> None:
    config = yaml.safe_load(AWS.read_text(encoding="utf-8"))
    worker = config["available_node_types"]["gpu_worker"]
    assert worker["node_config"]["InstanceType"].startswith(("g4", "g5", "g6", "p3", "p4", "p5"))
    assert worker["min_workers"] == 0
    assert 0 < worker["max_workers"] <= config["max_workers"]
    assert config["idle_timeout_minutes"] > 0


def test_every_node_reaches_the_bucket_by_its_own_profile_and_mounts_nothing() -> None:
    config = prepare_config(yaml.safe_load(AWS.read_text(encoding="utf-8")))
    profiles = [each["node_config"]["IamInstanceProfile"] for each in config["available_node_types"].values()]
    assert profiles == [{"Name": "invsearch"}] * 2
    assert "--out s3://BUCKET/" in AWS.read_text(encoding="utf-8")
    assert not any("mount" in command for command in config["setup_commands"])


def test_uses_all_machines_there_are() -> None:
    config = yaml.safe_load(ON_PREMISE.read_text(encoding="utf-8"))
    (node_type,) = prepare_config(config)["available_node_types"].values()
    assert node_type["min_workers"] == node_type["max_workers"] == len(config["provider"]["worker_ips"])
