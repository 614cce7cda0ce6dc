"""docs/api.md is what the docstrings say."""

from __future__ import annotations

import inspect

import invsearch
from tests import api


def test_the_page_is_what_the_docstrings_say() -> None:
    assert api.PATH.read_text(encoding="utf-8") == api.render(), "python -m tests.api writes it anew"


def test_the_page_has_every_name_and_every_keyword() -> None:
    page = api.PATH.read_text(encoding="utf-8")
    for name in set(invsearch.__all__) - {"__version__"}:
        assert f"### invsearch.{name}\n" in page
    for function in (invsearch.sweep, invsearch.train, invsearch.reproduce, invsearch.Run.choose, invsearch.Run.rerun):
        for name in inspect.signature(function).parameters.keys() - {"self"}:
            stars = "**" if name == "invocation" else ""
            assert f"- `{stars}{name}`: " in page, name
    for name in invsearch.Invocation.__annotations__:
        assert f"- `{name}`: " in page, name


def test_docstrings_become_markdown() -> None:
    text = """Does it.

    More of ``it``.

    Args:
        one: the first,
            on two lines.
        **more: the rest.

    Returns:
        What it
        did.

    Raises:
        UserError, Halted: no.

    >>> 1 + 1
    2
    """
    assert "\n".join(api.render_docstring(text)) == (
        "Does it.\n\nMore of `it`.\n\nArgs:\n\n- `one`: the first, on two lines.\n- `**more`: the rest.\n\n"
        "Returns:\n\n- What it did.\n\nRaises:\n\n- `UserError, Halted`: no.\n\n```python\n>>> 1 + 1\n2\n```\n"
    )
