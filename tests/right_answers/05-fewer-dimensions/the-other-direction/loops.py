def rebuild(points, direction):
    n, d = len(points), len(direction)
    mean = [sum(p[j] for p in points) / n for j in range(d)]
    out = []
    for p in points:
        score = sum((p[j] - mean[j]) * direction[j] for j in range(d))
        out.append([mean[j] + score * direction[j] for j in range(d)])
    return out
