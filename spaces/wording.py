"""How numbers are said in messages."""

from collections.abc import Mapping


def counted(number: float, noun: str) -> str:
    """A number of things, as in ``1 epoch`` and ``20 epochs``; rounded to a whole one."""
    return f"{number:.0f} {noun}{'' if round(number) == 1 else 's'}"


def tallied(done: int, total: int, ends: Mapping[str, int]) -> str:
    """How many of all have ended, and how, as in ``7/16 ended (4 stopped, 1 diverged)``; zeros are left out."""
    how = ", ".join(f"{count} {end}" for end, count in ends.items() if count)
    return f"{done}/{total} ended" + (f" ({how})" if how else "")


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
