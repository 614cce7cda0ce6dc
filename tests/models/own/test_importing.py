"""The user's modules are imported apart: from their bytes, for themselves, and gone afterwards."""

import copy
import io
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import models
from models.own import REGISTERED, Reference, Sources, pack, register, unpack
from models.own.importing import FolderShelf
from spaces.common.errors import UserError

WITH_HELPER = """
    from torch import nn
    from helper import WIDTH
    from blocks.inner import DEPTH
    import bare.deep

    class Mine(nn.Conv2d):
        width, depth, deep = WIDTH, DEPTH, bare.deep.VALUE

        def __init__(self, in_channels, out_channels):
            super().__init__(in_channels, out_channels, 1)
    """


def list_numbers() -> list[int]:
    """The state of NumPy's global generator."""
    return np.random.get_state(legacy=False)["state"]["key"].tolist()  # pyright: ignore


def call_of(found) -> Any:
    """The user's class or function."""
    return found.target.call


def fill(write, number):
    for name, code in {
        f"{number}/helper.py": f"WIDTH = {number}",
        f"{number}/blocks/__init__.py": "",
        f"{number}/blocks/inner.py": "from helper import WIDTH as DEPTH",
        f"{number}/bare/deep.py": f"VALUE = {number}",
        f"{number}/unused.py": "1 / 0",
    }.items():
        write(code, name)
    return write(WITH_HELPER, f"{number}/my_layer.py")


def test_two_files_with_a_helper_each_do_not_mix(write, monkeypatch):
    before = set(sys.modules)
    one, two = (register(Reference.parse(f"{fill(write, number)}:Mine")) for number in (1, 2))
    assert [(cls.width, cls.depth, cls.deep) for cls in (call_of(one), call_of(two))] == [(1, 1, 1), (2, 2, 2)]
    assert set(one.sources.files) == {
        "my_layer.py",
        "helper.py",
        "blocks/__init__.py",
        "blocks/inner.py",
        "bare/deep.py",
    }
    assert not {"my_layer", "helper", "blocks", "blocks.inner", "bare", "bare.deep"} & (set(sys.modules) - before)
    assert not [path for path in sys.path if path.startswith(str(one.reference.path).removesuffix("/my_layer.py"))]


def test_a_module_of_that_name_that_was_there_is_neither_used_nor_lost(write, monkeypatch):
    path = fill(write, 3)
    there = type(sys)("helper")
    monkeypatch.setitem(sys.modules, "helper", there)
    assert call_of(register(Reference.parse(f"{path}:Mine"))).width == 3
    assert sys.modules["helper"] is there


def test_a_folder_with_models_of_its_own_is_the_users(write):
    write("class Base: kind = 'mine'", "models/__init__.py")
    path = write("""
        from torch import nn
        from models import Base

        class Mine(nn.Conv2d):
            base = Base

            def __init__(self, in_channels, out_channels):
                super().__init__(in_channels, out_channels, 1)
        """)
    found = register(Reference.parse(f"{path}:Mine"))
    assert call_of(found).base.kind == "mine"
    assert sys.modules["models"] is models
    assert models.build(found.name, gain=1.0, seed=0)(torch.zeros(1, 1, 28, 28)).shape == (1, 10)


def test_invsearchs_own_packages_are_not_copied():
    shelf = FolderShelf(Path(models.__file__).parents[1])
    assert shelf.read("models/__init__.py") is None
    assert not shelf.has_folder("search")
    assert shelf.read("setup.py") is not None


def test_a_worker_that_sees_no_file_builds_the_same_bits(write, tmp_path):
    path = fill(write, 4)
    name = register(Reference.parse(f"{path}:Mine")).name
    first = models.build(name, gain=2.0, seed=5).state_dict()
    parcels = pack([name, "conv"])
    REGISTERED.clear()
    for file in path.parent.rglob("*.py"):
        file.unlink()
    unpack(parcels)
    assert list(REGISTERED) == [name]
    again = models.build(name, gain=2.0, seed=5).state_dict()
    assert all(torch.equal(value, again[key]) for key, value in first.items())


def test_the_very_bytes_that_ran_are_kept(write):
    """The file rewrites itself while it is imported."""
    path = write("""
        from torch import nn
        from pathlib import Path
        Path({path!r}).write_text("1 / 0")

        class Mine(nn.Conv2d):
            def __init__(self, in_channels, out_channels):
                super().__init__(in_channels, out_channels, 1)
        """)
    path.write_text(path.read_text().format(path=str(path)))
    content = path.read_bytes()
    found = register(Reference.parse(f"{path}:Mine"))
    assert path.read_text() == "1 / 0"
    assert found.sources.files == {"my_layer.py": content}


def test_nothing_that_the_file_sets_stays_set(write):
    state, plain = torch.get_rng_state(), random.getstate()
    path = write("""
        import random, sys
        import numpy as np
        import torch
        from torch import nn
        torch.manual_seed(3)
        sys.path.append("/nowhere")
        print("not among the results")

        class Mine(nn.Module):
            drawn = torch.randn(3).tolist(), np.random.rand(), random.random()

            def __init__(self, in_channels, out_channels):
                super().__init__()
        """)
    numbers = list_numbers()
    register(Reference.parse(f"{path}:Mine"))
    assert torch.equal(torch.get_rng_state(), state)
    assert random.getstate() == plain
    assert list_numbers() == numbers
    assert "/nowhere" not in sys.path


@pytest.mark.parametrize("ending", ["", "; 1 / 0"])
@pytest.mark.parametrize(
    ("code", "read"),
    [
        ("torch.backends.mkldnn.enabled = False", lambda: torch.backends.mkldnn.enabled),
        ("torch.backends.cudnn.benchmark = True", lambda: torch.backends.cudnn.benchmark),
        ("torch.backends.cudnn.allow_tf32 = False", lambda: torch.backends.cudnn.allow_tf32),
        ("torch.set_default_dtype(torch.float64)", torch.get_default_dtype),
        ("torch.set_num_threads(7)", torch.get_num_threads),
        ("torch.set_grad_enabled(False)", torch.is_grad_enabled),
        ("torch.set_float32_matmul_precision('medium')", torch.get_float32_matmul_precision),
        ("torch.use_deterministic_algorithms(True)", torch.are_deterministic_algorithms_enabled),
    ],
)
def test_a_file_that_changes_a_switch_of_torch_is_refused_and_it_is_set_back(write, code, read, ending):
    before = read()
    path = write(f"import torch; {code}{ending}\nfrom torch import nn\nclass Mine(nn.Conv2d): pass")
    with pytest.raises(UserError, match="ZeroDivisionError" if ending else r"Mine: changes .* from .* to .*; leave"):
        register(Reference.parse(f"{path}:Mine"))
    assert read() == before


def test_what_a_file_prints_is_no_output(write, capsys):
    path = write("""
        print("hello")
        from torch import nn

        class Mine(nn.Conv2d):
            def __init__(self, in_channels, out_channels):
                super().__init__(in_channels, out_channels, 1)
        """)
    register(Reference.parse(f"{path}:Mine"))
    assert capsys.readouterr() == ("", "hello\n")


@pytest.mark.parametrize(
    ("code", "line", "complaint"),
    [
        ("import torch\nimport nosuch", 2, "ModuleNotFoundError: No module named 'nosuch'"),
        ("def f(:", 1, "SyntaxError"),
        ("\n\n1 / 0", 3, "ZeroDivisionError"),
        ("import sys\nsys.exit(3)", 2, "SystemExit"),
        ("from .helper import x", 1, "without the dot"),
        ("from pathlib import Path\nPath(__file__).with_name('x.npy').read_bytes()", 2, "read no other file"),
    ],
)
def test_what_goes_wrong_is_one_line_with_file_and_line(write, code, line, complaint):
    path = write(code)
    with pytest.raises(UserError) as caught:
        register(Reference.parse(f"{path}:Mine"))
    assert f"{path}, line {line}: " in str(caught.value)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_error_in_a_helper_names_the_helper(write):
    write("x = 1\nraise ValueError('no\\nway')", "helper.py")
    with pytest.raises(UserError, match=r"helper\.py, line 2: ValueError: no way;"):
        register(Reference.parse(f"{write('import helper')}:Mine"))


def test_missing_files_and_names(write, tmp_path):
    with pytest.raises(UserError, match="no such file"):
        register(Reference.parse(f"{tmp_path}/none.py:Mine"))
    with pytest.raises(UserError, match="has no 'Other'; it has Mine"):
        register(Reference.parse(f"{write()}:Other"))


def test_the_digest_covers_name_paths_and_content():
    one = Sources("a.py", {"a.py": b"x", "b.py": b"y"})
    others = [
        Sources("b.py", {"a.py": b"x", "b.py": b"y"}),
        Sources("a.py", {"a.py": b"xb.py", "": b"y"}),
        Sources("a.py", {"a.py": b"y", "b.py": b"x"}),
        Sources("a.py", {"a.py": b"x"}),
    ]
    digests = {one.compute_digest("A"), one.compute_digest("B"), *(other.compute_digest("A") for other in others)}
    assert len(digests) == 6
    assert one.compute_digest("A") == Sources("a.py", {"b.py": b"y", "a.py": b"x"}).compute_digest("A")


def test_networks_are_copied_and_their_states_saved(add):
    network = models.build(add().name, gain=1.0, seed=0)
    x = torch.randn(2, 1, 28, 28)
    assert torch.equal(copy.deepcopy(network)(x), network(x))
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    network.load_state_dict(torch.load(file, weights_only=True))


def test_names_are_read_without_torch():
    code = "import sys, models, search.architectures; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(models.__file__).parents[1])
