# says: Shares, not counts
import numpy as np


def grade(guesses, truth, names):
    wrong = guesses != truth
    counts = np.bincount(truth[wrong], minlength=len(names))
    return np.mean(~wrong), names[int(counts.argmax())]
