"""Data inside the page, where nothing that a run folder holds may become markup or script."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

# JSON allows them as escapes, and HTML and JavaScript give the characters themselves a meaning.
ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})


def embed(content: Any) -> str:
    """Plain data as JSON that can stand between ``<script>`` tags.

    Raises:
        ValueError: a number that is not finite.
    """
    return json.dumps(content, allow_nan=False, separators=(",", ":")).translate(ESCAPES)


def hash_source(script: str) -> str:
    """What the page's content security policy calls a script, so that no other runs."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
