# says: shape (12, 4)
def rebuild(points, direction):
    return (points - points.mean(axis=0)) @ direction
