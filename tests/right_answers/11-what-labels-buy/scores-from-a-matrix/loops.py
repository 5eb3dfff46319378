def scores_from_matrix(matrix):
    rows = matrix.tolist()
    k = len(rows)
    total = sum(map(sum, rows))
    recalls, f1 = [], []
    for c in range(k):
        right = rows[c][c]
        called = sum(row[c] for row in rows)
        recall = right / sum(rows[c])
        precision = right / called if called else 0
        recalls.append(recall)
        f1.append(2 * precision * recall / (precision + recall) if right else 0)
    return [sum(rows[c][c] for c in range(k)) / total, sum(recalls) / k, sum(f1) / k]
