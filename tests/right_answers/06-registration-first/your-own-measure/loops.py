def brightness_below(image, rpe, first, last):
    total = n = 0
    for column, row in enumerate(rpe):
        for r in range(int(row) + first, min(int(row) + last + 1, len(image))):
            total += int(image[r, column])
            n += 1
    return total / n
