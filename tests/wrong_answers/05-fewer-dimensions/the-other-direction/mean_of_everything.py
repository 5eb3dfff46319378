# says: Subtract the mean before you project
def rebuild(points, direction):
    mean = points.mean()
    return mean + ((points - mean) @ direction)[:, None] * direction
