"""How many small changes of the solutions the exercises' checks let through, and which."""

from tests.authoring import mutate


def main(argv: list[str] | None = None) -> None:
    """Print the mutants that pass, exercise by exercise, and their share of all."""
    mutate.main(argv or [])
