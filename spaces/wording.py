"""How numbers are said in messages."""


def counted(number: float, noun: str) -> str:
    """A number of things, as in ``1 epoch`` and ``20 epochs``; rounded to a whole one."""
    return f"{number:.0f} {noun}{'' if round(number) == 1 else 's'}"


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
