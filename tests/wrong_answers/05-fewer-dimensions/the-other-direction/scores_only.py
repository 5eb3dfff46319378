# says: turn them back into vectors
def rebuild(points, direction):
    return (points - points.mean(axis=0)) @ direction
