"""The side that runs submissions. It holds no checks, no solutions, no marks.

``python -m octlessons.grading.worker`` is started inside a sandbox. It imports the libraries that
the exercises need once, then forks for every exercise: a *supervisor* (`supervisor`), which waits
and kills, and under it the *child* (`child`), which shuts itself in (`confinement`) before it runs
the first line of a submission.
"""
