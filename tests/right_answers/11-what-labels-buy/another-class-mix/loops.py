def accuracy_at(matrix, shares):
    right = total = 0.0
    for c, share in enumerate(shares):
        right += share * matrix[c][c] / sum(matrix[c])
        total += share
    return right / total
