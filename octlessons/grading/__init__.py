"""Grading: marks for untrusted work, given by checks that the work can neither see nor reach."""
