import numpy as np
from sklearn.metrics import accuracy_score, recall_score


def grade(guesses, truth, names):
    recall = recall_score(truth, guesses, labels=np.arange(len(names)), average=None, zero_division=0)
    return np.float32(accuracy_score(truth, guesses)), np.asarray(names)[recall.argmin()]
