# says: give its name, `names[...]`
import numpy as np


def grade(guesses, truth, names):
    missed = [np.mean(guesses[truth == c] != c) for c in range(len(names))]
    return np.mean(guesses == truth), int(np.argmax(missed))
