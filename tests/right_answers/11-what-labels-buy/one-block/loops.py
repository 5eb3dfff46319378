def one_block(image, kernel):
    (h, w), (a, b) = image.shape, kernel.shape
    answer = [
        [
            max(0.0, sum(float(image[y + i, x + j] * kernel[i, j]) for i in range(a) for j in range(b)))
            for x in range(w - b + 1)
        ]
        for y in range(h - a + 1)
    ]
    return [
        [
            max(answer[y][x], answer[y][x + 1], answer[y + 1][x], answer[y + 1][x + 1])
            for x in range(0, len(answer[0]) - 1, 2)
        ]
        for y in range(0, len(answer) - 1, 2)
    ]
