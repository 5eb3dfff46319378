"""The one exception that is written for a person to read, and what others say in short."""


class OctlessonsError(Exception):
    """Something the reader can mend.

    The message says what happened, to which file or argument, and what to do next. The command
    line prints it as it is, without a traceback; in a notebook it reads as the last line.
    """


def first_line(error: BaseException) -> str:
    """The first line of an error of a library, or its kind, short enough for a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")[:160]
