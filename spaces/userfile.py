"""A user's own search space from a small YAML file."""

from __future__ import annotations

from pathlib import Path

import yaml

from spaces.errors import UserError
from spaces.space import Space, space_from

MAX_BYTES = 64 * 1024  # A space is a dozen lines; anything larger is another file.


def read_space(path: Path) -> Space:
    """Reads a search space from a YAML file.

    Example file::

        name: narrow
        lr: {loguniform: [0.01, 1.0]}
        momentum: {choice: [0, 0.5, 0.9]}
        weight_decay: 1e-5
        gain: {uniform: [0.5, 2.0]}

    Raises:
        UserError: no such file, not YAML, or a field that is not allowed.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"space file {path}: larger than {MAX_BYTES} bytes; give a small YAML file")
        description = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(f"space file {path}: {reason}; give a readable YAML file") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"space file {path}: not plain YAML: {reason}") from None
    space = space_from(description, str(path))
    return space if space.name != str(path) else Space(path.stem, space.domains)
