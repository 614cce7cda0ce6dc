"""How a run lies in a bucket, beside how it lies in a folder.

    bucket                                      folder
    lease.json                                  driver.lock
    decisions/00000001.json, ..                 a line of decisions.jsonl each
    trials/ID/checkpoint-N.DIGEST.safetensors   trials/ID/checkpoint-N.safetensors
    all others                                  the same name

A name in which the content's digest stands never changes its content, and a number is given away once.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

from spaces.files.sealed import ASIDE

LEASE = "lease.json"
DECISIONS, DECISIONS_FILE = "decisions", "decisions.jsonl"
DIGITS = 16
PART = r"[A-Za-z0-9_=+@-][A-Za-z0-9_.=+@-]*"
SOURCE = r"(?!\.{1,2}(/|$))[^/\x00-\x1f\x7f]+"  # Named by the user; control characters are allowed in no bucket.
CHECKPOINT = re.compile(rf"(trials/{PART}/checkpoint-(\d{{1,9}}))\.([0-9a-f]{{{DIGITS}}})\.safetensors")
DECISION = re.compile(rf"{DECISIONS}/(\d{{8}})\.json")
PLAIN = re.compile(
    rf"((spec|environment|costs)\.json|(history|notes)\.jsonl|sources(/{SOURCE})+"
    rf"|trials/{PART}/(record|verdict)\.json)"
)
PASSING = re.compile(r"\.probe-[0-9a-f]{16}")
SET_ASIDE = re.compile(rf"({PART}/)*{PART}{re.escape(ASIDE)}[0-9T-]+")


def is_mirrored(name: str) -> bool:
    """Whether a name is the same in a bucket and a folder.

    >>> is_mirrored("spec.json"), is_mirrored("driver.lock"), is_mirrored("sources/../x.py")
    (True, False, False)
    >>> is_mirrored("sources/Mine-0/my layer, schön.py"), is_mirrored("sources/a/./x.py"), is_mirrored("sources/..")
    (True, False, False)
    """
    return bool(PLAIN.fullmatch(name) or SET_ASIDE.fullmatch(name))


def name_checkpoint(name: str, content: bytes) -> str:
    """The name in a bucket of a checkpoint of a folder.

    >>> name_checkpoint("trials/a/checkpoint-3.safetensors", b"x")
    'trials/a/checkpoint-3.2d711642b726b044.safetensors'
    """
    return str(PurePosixPath(name).with_suffix(f".{compute_digest(content)}.safetensors"))


def name_copy(name: str) -> str:
    """The name in a folder of a checkpoint of a bucket.

    >>> name_copy("trials/a/checkpoint-3.2d711642b726b044.safetensors")
    'trials/a/checkpoint-3.safetensors'
    """
    found = CHECKPOINT.fullmatch(name)
    assert found is not None, name
    return f"{found[1]}.safetensors"


def is_intact(name: str, content: bytes) -> bool:
    """Whether a checkpoint of a bucket holds what its name says.

    >>> is_intact("trials/a/checkpoint-3.2d711642b726b044.safetensors", b"x")
    True
    """
    return name_checkpoint(name_copy(name), content) == name


def compute_digest(content: bytes) -> str:
    """What stands in a checkpoint's name."""
    return hashlib.sha256(content).hexdigest()[:DIGITS]


def name_decision(number: int) -> str:
    """The name in a bucket of a decision, from 1 up.

    >>> name_decision(12)
    'decisions/00000012.json'
    """
    return f"{DECISIONS}/{number:08d}.json"


def read_number(name: str) -> int:
    """The number in the name of a decision.

    >>> read_number("decisions/00000012.json")
    12
    """
    found = DECISION.fullmatch(name)
    assert found is not None, name
    return int(found[1])


def is_passing(name: str) -> bool:
    """Whether a name is one that a probe leaves where it is killed."""
    return PASSING.fullmatch(name) is not None
