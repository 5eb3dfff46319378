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
from octlessons.exercises.plain import same
from octlessons.exercises.student import Student, load_student
from octlessons.grading import wire
from octlessons.grading.worker import confinement
from octlessons.grading.worker.protocol import READY

#: Number of the only open file besides the three standard ones.
CHANNEL = 3


def run(channel: int, folder: str | None, setup: dict) -> None:
    """Shut this process in, then load a submission and call its functions until the judge stops.

    Parameters
    ----------
    channel : int
        Socket to the judge.
    folder : str or None
        Folder for temporary files where ``/tmp`` is not this process's own.
    setup : dict
        As for `supervisor.supervise`.
    """
    confinement.die_with_parent()
    _keep_only(channel)
    if setup["mode"] == "namespaces":
        confinement.keep_user(*setup["user"])
    confinement.first_to_go()
    confinement.limits(setup)
    if setup["mode"] == "confined":
        _confine_without_namespaces(folder, setup)
    else:
        confinement.private_folders(setup["disk_bytes"], setup["proc"], setup["kept"])
        os.chdir("/tmp")
    confinement.drop_capabilities()
    socket_to_judge = socket.socket(fileno=CHANNEL)
    os.dup2(0, 2)  # up to here, what fails is the grader's to say
    confinement.filter_calls(setup["filter"])
    wire.send(socket_to_judge, wire.encode(READY))
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
            request = wire.receive(channel)
        except wire.Closed:
            return
        number, what, *rest = request
        try:
            if what == "load":
                student, answer = _load(*rest)
            else:
                answer = _call(student, *rest)
        except BaseException as error:  # a KeyboardInterrupt, say, that the work raised itself
            answer = ("error", f"{type(error).__name__} came out of the work", None, "")
        try:
            message = wire.encode((number, *answer))
        except wire.TooLarge as problem:
            text = f"What came back {problem}."
            message = wire.encode((number, "error", text, None, answer[3]))
        wire.send(channel, message)


def _load(source: str, file: str, seed: int) -> tuple[Student | None, tuple]:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        student = load_student(source, file, None)
    except StudentError as error:
        return None, ("error", str(error), None, "")
    return student, ("done", None, None, student.take_printed())


def _call(student: Student, name: str, args: tuple, kwargs: dict) -> tuple:
    try:
        result = getattr(student, name)(*args, **kwargs)
    except NotAttempted as error:
        return "not attempted", str(error), None, student.take_printed()
    except StudentError as error:
        return "error", str(error), None, student.take_printed()
    after = student.last_call.after
    changed = None if same((args, kwargs), after) else after
    return "done", result, changed, student.take_printed()
