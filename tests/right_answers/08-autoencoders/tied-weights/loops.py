def train_tied(images, start, rate, n_steps):
    w = [float(v) for v in start]
    d = range(len(w))
    for _ in range(n_steps):
        slope = [0.0] * len(w)
        for x in images.tolist():
            z = sum(w[i] * x[i] for i in d)
            e = [z * w[i] - x[i] for i in d]
            ew = sum(e[i] * w[i] for i in d)
            slope = [slope[i] + z * e[i] + ew * x[i] for i in d]
        w = [w[i] - rate * 2 * slope[i] / len(images) for i in d]
    return w
