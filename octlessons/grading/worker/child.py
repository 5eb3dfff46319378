"""Run one submission and answer the judge's calls.

Everything here is in the hands of the submission once its first line runs: it can send whatever it
likes. So an answer is only ever a value, which the judge holds against its own.
"""

from __future__ import annotations

import io
import os
import random
import socket
import sys
import tempfile

import numpy as np
import numpy.fft
import numpy.linalg
import numpy.ma
import numpy.random

from octlessons.exercises.outcomes import NotAttempted, StudentError
from octlessons.exercises.student import Student, load_student
from octlessons.grading import wire
from octlessons.grading.worker import confinement

#: Number of the only open file besides the three standard ones.
CHANNEL = 3


def run(channel: int, folder: str | None, setup: dict) -> None:
    """Shut this process in, then load a submission and call its functions until the judge stops.

    `channel` is the socket to the judge, `folder` the place for temporary files where ``/tmp`` is
    not this process's own, `setup` as for `supervisor.Supervisor`.
    """
    confinement.die_with_parent()
    _keep_only(channel)
    if setup["mode"] == "namespaces":
        confinement.keep_user(*setup["user"])
    confinement.first_to_go()
    confinement.limits(setup)
    if folder is not None:
        _confine_without_namespaces(folder, setup)
    else:
        confinement.private_folders(setup["disk_bytes"], setup["proc"], setup["kept"])
        os.chdir("/tmp")
    confinement.drop_capabilities()
    socket_to_judge = socket.socket(fileno=CHANNEL)
    os.dup2(0, 2)  # up to here, what fails is the grader's to say
    confinement.filter_calls(setup["filter"])
    wire.send(socket_to_judge, wire.encode(wire.READY))
    _answer(socket_to_judge)


def _keep_only(channel: int) -> None:
    """Close every file but the standard ones, which lead nowhere, and the channel."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    if channel != CHANNEL:
        os.dup2(channel, CHANNEL)
    os.closerange(CHANNEL + 1, 65536)
    sys.stdin = io.StringIO()
    sys.argv = ["submission"]


def _confine_without_namespaces(folder: str, setup: dict) -> None:
    os.environ["TMPDIR"] = os.environ["HOME"] = os.environ["MPLCONFIGDIR"] = folder
    tempfile.tempdir = folder  # the supervisor has looked for one already
    os.chdir(folder)
    version = confinement.landlock(setup["readable"], [folder, os.devnull])
    if os.geteuid() == 0:
        # One user for each child: numbers of processes are not used twice at the same time.
        uid = setup["first_uid"] + os.getpid() % setup["uids"]
        os.chown(folder, uid, uid)
        confinement.become(uid, uid)
        confinement.die_with_parent()  # forgotten with the change of user
    elif version < confinement.TRUNCATION:
        raise OSError(
            "neither another user nor Landlock as of Linux 6.2 keeps submissions from other files"
        )


def _answer(channel: socket.socket) -> None:
    student: Student | None = None
    while True:
        try:
            number, what, *rest = wire.receive(channel)
        except wire.Closed:
            return
        try:
            if what == "load":
                student, answer = _load(*rest)
            elif student is None:
                answer = ("error", "nothing was loaded", "")
            elif what == "call":
                answer = _call(student, *rest)
            else:
                answer = ("done", student.arguments_after(), "")
        except BaseException as error:  # a KeyboardInterrupt, say, that the work raised itself
            answer = ("error", f"{type(error).__name__} came out of the work", "")
        try:
            message = wire.encode((number, *answer))
        except (wire.TooLarge, MemoryError) as problem:
            text = "What came back " + (str(problem) or "leaves no memory to send it") + "."
            message = wire.encode((number, "error", text, answer[2]))
        wire.send(channel, message)


def _load(source: bytes, file: str, seed: int) -> tuple[Student | None, tuple]:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        student = load_student(source.decode("utf-8", "surrogatepass"), file, None)
    except StudentError as error:
        return None, ("error", str(error), "")
    return student, ("done", None, student.take_printed())


def _call(student: Student, name: str, args: tuple, kwargs: dict) -> tuple:
    try:
        result = getattr(student, name)(*args, **kwargs)
    except NotAttempted as error:
        return "not attempted", str(error), student.take_printed()
    except StudentError as error:
        return "error", str(error), student.take_printed()
    return "done", result, student.take_printed()
