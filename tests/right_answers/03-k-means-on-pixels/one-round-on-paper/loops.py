def one_round(points, centroids):
    points = [[float(v) for v in p] for p in points]
    centroids = [[float(v) for v in c] for c in centroids]

    def squared(p, c):
        return sum((a - b) ** 2 for a, b in zip(p, c))

    labels = []
    for p in points:
        distances = [squared(p, c) for c in centroids]
        labels.append(distances.index(min(distances)))
    moved = []
    for j, old in enumerate(centroids):
        mine = [p for p, label in zip(points, labels) if label == j]
        moved.append([sum(v) / len(mine) for v in zip(*mine)] if mine else old)
    return labels, moved, sum(squared(p, moved[label]) for p, label in zip(points, labels))
