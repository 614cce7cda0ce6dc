"""Writes docs/api.md from the docstrings of ``invsearch.__all__``.

python -m tests.api
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import invsearch

PATH = Path(__file__).resolve().parent.parent / "docs" / "api.md"
WIDTH = 140
SECTION = re.compile(r"(Args|Attributes|Returns|Raises):")
ITEM = re.compile(r"    ([\w*, ]+): (.*)")


def render() -> str:
    """The page."""
    parts: dict[str, list[str]] = {"Functions": [], "Classes": [], "Errors": []}
    for name in invsearch.__all__:
        thing = getattr(invsearch, name)
        if isinstance(thing, FunctionType):
            parts["Functions"].append(name)
        elif isinstance(thing, type):
            parts["Errors" if issubclass(thing, BaseException) else "Classes"].append(name)
    parts["Functions"].sort(key=lambda name: getattr(invsearch, name).__code__.co_firstlineno)  # As people meet them.
    lines = ["# import invsearch", "", "Written by `python -m tests.api` from the docstrings.", ""]
    lines += render_docstring(invsearch.__doc__)
    for title, names in parts.items():
        lines += [f"## {title}", ""]
        for name in names:
            lines += render_thing(f"invsearch.{name}", getattr(invsearch, name))
    return "\n".join(lines).replace("```\n\n```python\n", "\n").rstrip() + "\n"


def render_thing(name: str, thing: Any, level: int = 3) -> Iterator[str]:
    """A heading, how it is called, and what its docstring says; of a class its public methods, too."""
    yield from (f"{'#' * level} {name}", "")
    if isinstance(thing, FunctionType):
        yield from ("```python", *render_signature(name.rpartition(".")[2], thing), "```", "")
    yield from render_docstring(thing.__doc__)
    if isinstance(thing, type) and not issubclass(thing, BaseException | dict):
        members = {key: value for key, value in vars(thing).items() if not key.startswith("_")}
        for key, value in members.items():
            value = getattr(value, "__func__", value)
            if isinstance(value, FunctionType | property) and value.__doc__:
                yield from render_thing(f"{name.rpartition('.')[2]}.{key}", value, level + 1)


def render_signature(name: str, function: FunctionType) -> list[str]:
    """The call in one line, or a parameter a line."""
    signature = inspect.signature(function)
    parameters = [one for one in signature.parameters.values() if one.name not in ("self", "cls")]
    texts = [render_parameter(one) for one in parameters]
    keywords = [place for place, one in enumerate(parameters) if one.kind is one.KEYWORD_ONLY]
    if keywords and not any(one.kind is one.VAR_POSITIONAL for one in parameters):
        texts.insert(keywords[0], "*")
    returned = "" if signature.return_annotation is signature.empty else f" -> {signature.return_annotation}"
    line = f"{name}({', '.join(texts)}){returned}"
    return [line] if len(line) <= 100 else [f"{name}(", *(f"    {text}," for text in texts), f"){returned}"]


def render_parameter(parameter: inspect.Parameter) -> str:
    """As Python has it; an annotation is a text already."""
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    return f"{stars}{parameter.name}: {parameter.annotation}{default}"


def render_docstring(text: str | None) -> Iterator[str]:
    """A Google docstring as Markdown: its sections become lists, its examples blocks of code."""
    for block in inspect.cleandoc(text or "").replace("``", "`").split("\n\n"):
        head, _, body = block.partition("\n")
        if found := SECTION.fullmatch(head):
            yield from (f"{found[1]}:", "")
            yield from render_items(body.splitlines())
        elif block.startswith((">>>", "    ")):
            yield from ("```python", *textwrap.dedent(block).splitlines(), "```")
        else:
            yield fill(block)
        yield ""


def render_items(lines: Iterable[str]) -> Iterator[str]:
    """``name: text`` with what follows it on deeper lines, or plain text, as items of a list."""
    items: list[str] = []
    for line in lines:
        if found := ITEM.fullmatch(line):
            items.append(f"- `{found[1]}`: {found[2]}")
        elif items:
            items[-1] += f" {line.strip()}"
        else:
            items.append(f"- {line.strip()}")
    yield from (fill(item, "  ") for item in items)


def fill(text: str, indent: str = "") -> str:
    """Text in lines of the documents' width."""
    joined = " ".join(text.split())
    return textwrap.fill(joined, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
    print(f"written: {PATH}")
