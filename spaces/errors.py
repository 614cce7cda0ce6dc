"""The one exception that stands for bad input."""


class UserError(Exception):
    """Bad input: its message is the one line a user reads.

    The message names what is wrong, what is allowed and what to do. The command line prints it
    without a traceback and exits with a non-zero code.
    """
