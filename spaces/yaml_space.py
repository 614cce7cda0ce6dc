"""A user's own search space from a small YAML file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from spaces.common.errors import UserError, quote
from spaces.files.regular import open_regular
from spaces.space import Space, make_space

MAX_BYTES = 64 * 1024  # A space is a dozen lines; anything larger is another file.


class PlainLoader(yaml.BaseLoader):
    """YAML of mappings, lists and text, nothing else.

    Scalars stay text, because PyYAML's own readers of numbers, dates and booleans raise half of
    Python's exceptions on odd input and read ``1:30`` as 90; ``check_value`` reads numbers and booleans.
    Tags could name Python objects, aliases can make a small file huge, and of a field given
    twice PyYAML keeps the last in silence: all three are errors.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuses aliases and tags, on every node."""
        event: Any = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise yaml.MarkedYAMLError(problem="anchors and aliases are not allowed", problem_mark=event.start_mark)
        if event.tag is not None:
            raise yaml.MarkedYAMLError(problem=f"the tag {event.tag} is not allowed", problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuses a key that is given twice."""
        mapping = super().construct_mapping(node, deep)
        if len(mapping) != len(node.value):
            ((twice, _),) = Counter(key.value for key, _ in node.value).most_common(1)
            raise yaml.MarkedYAMLError(problem=f"{quote(twice)} is given twice", problem_mark=node.start_mark)
        return mapping


def read_space(path: Path) -> Space:
    """Reads a search space from a YAML file.

    Example file::

        name: narrow
        lr: {loguniform: [0.01, 1.0]}
        momentum: {choice: [0, 0.5, 0.9]}
        weight_decay: 1e-5
        gain: {uniform: [0.5, 2.0]}
        activation: {choice: [relu, gelu]}

    Raises:
        UserError: no such file, no regular one, not plain YAML, or a field that is not allowed.
    """
    try:
        with open_regular(path) as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UserError(f"space file {path}: larger than {MAX_BYTES} bytes; give a small YAML file")
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(f"space file {path}: {reason}; give a readable YAML file") from None
    try:
        description = yaml.load(text, PlainLoader)
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"space file {path}: not plain YAML: {reason}") from None
    if isinstance(description, dict):
        description = {"name": path.stem, **description}  # The file names a space that has no name of its own.
    return make_space(description, str(path))
