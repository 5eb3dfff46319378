"""How the encoders that ship with the package were trained: `python -m experiments.encoder`."""
