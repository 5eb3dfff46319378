import statistics


def shift_distances(images, shifts):
    result = []
    for shift in shifts:
        distances = []
        for image in images.tolist():
            total = 0
            for r, row in enumerate(image):
                above = image[r - shift] if r >= shift else image[0]
                total += sum((a - b) ** 2 for a, b in zip(above, row))
            distances.append(total**0.5)
        result.append(statistics.median(distances))
    return tuple(result)
