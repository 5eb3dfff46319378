# says: each has its own mean
def rebuild(points, direction):
    mean = points.mean()
    return mean + ((points - mean) @ direction)[:, None] * direction
