# says: This name is not in `names`
import numpy as np


def grade(guesses, truth, names):
    classes = {0: "CNV", 1: "DME", 2: "DRUSEN", 3: "NORMAL"}
    missed = {}
    for number, name in classes.items():
        own = guesses[truth == number]
        missed[name] = np.mean(own != number) if len(own) else 0
    return float((guesses == truth).mean()), max(missed, key=missed.get)
