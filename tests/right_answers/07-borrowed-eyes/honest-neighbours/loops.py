import math


def share_right(features, labels, patients):
    right = []
    for i in range(len(labels)):
        best, label = math.inf, None
        for j in range(len(labels)):
            if patients[j] != patients[i]:
                distance = math.dist(features[i], features[j])
                if distance < best:
                    best, label = distance, labels[j]
        right.append(label == labels[i])
    return sum(right) / len(right)
