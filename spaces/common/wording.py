"""How numbers and commands are said in messages."""

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path


def format_count(number: float, noun: str) -> str:
    """A number of things, as in ``1 epoch`` and ``20 epochs``; rounded to a whole one."""
    return f"{number:.0f} {noun}{'' if round(number) == 1 else 's'}"


def format_tally(done: int, total: int, ends: Mapping[str, int]) -> str:
    """How many of all have ended, and how, as in ``7/16 ended (4 stopped, 1 diverged)``; zeros are left out."""
    how = ", ".join(f"{count} {end}" for end, count in ends.items() if count)
    return f"{done}/{total} ended" + (f" ({how})" if how else "")


def join_words(words: Sequence[str], mark: str = ",") -> str:
    """Words as a sentence lists them, as in ``a, b and c``; ``mark`` stands between all but the last two."""
    start, end = words[:-1], words[-1]
    return f"{f'{mark} '.join(start)} and {end}" if start else end


def format_clock(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def format_length(seconds: float) -> str:
    """A length of time that is a guess, as ``40 s``, ``12 min`` or ``2.17 h``.

    >>> format_length(0.0123), format_length(40.4), format_length(720.0), format_length(7812.0)
    ('0.012 s', '40 s', '12 min', '2.17 h')
    """
    if seconds < 90.0:
        return f"{seconds:.2g} s" if seconds < 10.0 else f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 5400.0 else f"{seconds / 3600.0:.2f} h"


def format_percent(fraction: float) -> str:
    """An accuracy, a fraction, in percent, as ``95.06 %``; a dash where it is NaN."""
    return "-" if math.isnan(fraction) else f"{100.0 * fraction:.2f} %"


def format_command(*words: str | Path) -> str:
    """A command as a shell takes it, in one line that a terminal takes as text.

    Args:
        words: as the program is to get them; a path like an option or a home folder (-x, ~x) gets a ./ in front.
    """
    return " ".join(
        _quote_word(f"./{word}" if isinstance(word, Path) and str(word).startswith(("-", "~")) else str(word))
        for word in words
    )


def _quote_word(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(map(_escape_octal, word))}'"  # Which bash and zsh read as C does.


def _escape_octal(character: str) -> str:
    if character.isprintable() and character not in "\\'":
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode(errors="surrogateescape"))
