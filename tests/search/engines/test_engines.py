import pytest

from search import engines
from spaces import UserError


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "instruction_set", lambda: None)


def test_auto_is_torch_on_a_gpu() -> None:
    assert engines.resolve("auto", "cuda", "conv") == "torch"


@pytest.mark.usefixtures("no_compiler")
def test_auto_is_torch_where_the_native_engine_was_not_built() -> None:
    assert engines.resolve("auto", "cpu", "conv") == "torch"
    assert "no C++ compiler" in engines.announce("auto", "cpu")
    assert "install g++" in engines.announce("auto", "cpu")


@pytest.mark.usefixtures("no_compiler")
def test_native_where_it_was_not_built_is_refused() -> None:
    for refuse in (lambda: engines.resolve("native", "cpu", "conv"), lambda: engines.announce("native", "cpu")):
        with pytest.raises(UserError, match=r"not built.*--engine torch"):
            refuse()


def test_native_on_a_gpu_is_refused() -> None:
    with pytest.raises(UserError, match="CPUs only"):
        engines.resolve("native", "cuda", "conv")


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(UserError, match="engine"):
        engines.resolve("nativ", "cpu", "conv")
