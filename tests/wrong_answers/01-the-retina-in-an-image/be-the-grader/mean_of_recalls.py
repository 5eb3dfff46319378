# says: count every scan alike, whatever its class
from sklearn.metrics import balanced_accuracy_score, recall_score


def grade(guesses, truth, names):
    recalls = recall_score(truth, guesses, average=None, labels=range(len(names)), zero_division=0)
    return balanced_accuracy_score(truth, guesses), names[int(recalls.argmin())]
