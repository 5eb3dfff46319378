# says: look at those that are of the class
import numpy as np


def grade(guesses, truth, names):
    wrong = guesses != truth
    missed = [
        np.mean(wrong[guesses == c]) if (guesses == c).any() else 0 for c in range(len(names))
    ]
    return np.mean(~wrong), names[int(np.argmax(missed))]
