# says: changed the data that it was given
def train_tied(images, start, rate, n_steps):
    for _ in range(n_steps):
        codes = images @ start
        errors = codes[:, None] * start - images
        slope = codes @ errors + (errors @ start) @ images
        start[:] = start - rate * 2 * slope / len(images)
    return start
