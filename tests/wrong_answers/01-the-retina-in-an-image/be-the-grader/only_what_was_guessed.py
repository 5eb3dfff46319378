# says: one that nobody guesses is missed whole
import numpy as np


def grade(guesses, truth, names):
    missed = {}
    for number in sorted(set(guesses.tolist())):
        missed[names[number]] = np.mean(guesses[truth == number] != number)
    return np.mean(guesses == truth), max(missed, key=missed.get)
