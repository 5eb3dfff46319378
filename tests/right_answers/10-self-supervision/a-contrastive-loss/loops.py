import math


def contrastive_loss(first, second, temperature):
    rows = []
    for row in [*first.tolist(), *second.tolist()]:
        length = math.sqrt(sum(v * v for v in row))
        rows.append([v / length for v in row])
    n, total = len(first), 0.0
    for i, a in enumerate(rows):
        scores = {j: sum(x * y for x, y in zip(a, b)) / temperature for j, b in enumerate(rows) if j != i}
        top = max(scores.values())
        total += top + math.log(sum(math.exp(s - top) for s in scores.values()))
        total -= scores[(i + n) % (2 * n)]
    return total / (2 * n)
