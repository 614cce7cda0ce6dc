from benchmarks.common.interleave import interleave


def test_contenders_take_turns():
    calls = []
    found = interleave({name: lambda name=name: calls.append(name) for name in "abc"}, repeats=2, least_seconds=0)
    assert "".join(calls) == "abc" * 3  # The first round warms up.
    assert list(found) == ["a", "b", "c"]


def test_short_calls_are_repeated_within_a_measurement():
    calls = []
    interleave({"a": lambda: calls.append(None)}, repeats=1, least_seconds=1e-3)
    assert len(calls) > 2
