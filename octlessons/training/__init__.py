"""The one training loop of every network here: `train`, which gives a `History`.

Its randomness comes from the seed and the number of the epoch alone. So the same seed gives the
same result on one machine, a training that was interrupted goes on exactly where it was, and the
generators of the rest of the program are left as they were. Torch is imported only when something
is trained.
"""

from octlessons.training.checkpoints import read_tensors, write_atomically
from octlessons.training.history import History
from octlessons.training.loop import OPTIMISERS, train
from octlessons.training.running import batch_indices, choose_device, need_torch, seeded

__all__ = [
    "OPTIMISERS",
    "History",
    "batch_indices",
    "choose_device",
    "need_torch",
    "read_tensors",
    "seeded",
    "train",
    "write_atomically",
]
