"""The one exception that is written for a person to read."""


class OctlessonsError(Exception):
    """Something the reader can mend.

    The message says what happened, to which file or argument, and what to do next. The command
    line prints it as it is, without a traceback; in a notebook it reads as the last line.
    """
