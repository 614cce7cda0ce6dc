"""The one exception that stands for bad input."""


class UserError(Exception):
    """Bad input: its message is the one line a user reads.

    The message names what is wrong, what is allowed and what to do. The command line prints it
    without a traceback and exits with a non-zero code.
    """


def quote(value: object) -> str:
    """How a message shows a user's value: one line of at most 80 characters, whatever the value is."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # Integers of more than 4,300 digits; a thousand levels of lists.
        text = f"a {type(value).__name__} too long to print"
    return shorten(text)


def shorten(text: str, most: int = 80) -> str:
    """A text cut to ``most`` characters, so that a message stays one that people read."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def escape_text(text: object, kept: str = "\n\t") -> str:
    """Text that cannot control a terminal, whatever a user or a file put into it; ``kept`` stays as it is."""
    text = str(text)
    if text.isprintable():
        return text
    escape = {c: c.encode("unicode_escape").decode() for c in set(text).difference(kept) if not c.isprintable()}
    return text.translate(str.maketrans(escape))


def make_printable(text: object) -> str:
    """One line that cannot control a terminal."""
    return escape_text(text, kept="")
