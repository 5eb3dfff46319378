"""``python -m experiments.encoder``: train an encoder from scratch, on phantoms alone."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from experiments.encoder.recipes import RECIPES, changed
from octlessons.errors import OctlessonsError


def main(argv: list[str] | None = None) -> int:
    """Train an encoder as the command line says."""
    options = _options().parse_args(argv)
    try:
        from experiments.encoder.training import train_encoder

        recipe = changed(
            options.variant,
            seed=options.seed,
            epochs=options.epochs,
            n_per_class=options.n_per_class,
        )
        card = train_encoder(
            options.variant,
            options.out,
            recipe=recipe,
            device=options.device,
            n_jobs=options.jobs,
            resume=not options.fresh,
            report=partial(print, flush=True),
        )
    except OctlessonsError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{options.out / card['file']}: {card['bytes']:,} bytes, and its card in cards.json")
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m experiments.encoder", description=__doc__)
    add = parser.add_argument
    add("--variant", choices=tuple(RECIPES), default="labels", help="which network")
    add("--out", type=Path, default=Path("encoders"), help="folder for network and card")
    add("--seed", type=int, help="another one than the recipe's")
    add("--epochs", type=int, help="more or fewer than the recipe's")
    add("--n-per-class", type=int, help="phantoms per class in each set, not the recipe's")
    add("--device", default="auto", help="auto, cpu, cuda or mps")
    add("--jobs", type=int, default=1, help="processes that draw phantoms")
    add("--fresh", action="store_true", help="do not go on from a checkpoint")
    return parser


if __name__ == "__main__":
    sys.exit(main())
