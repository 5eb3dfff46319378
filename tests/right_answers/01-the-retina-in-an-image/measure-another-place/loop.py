def thickness_at(ilm, rpe, column, axial):
    values = []
    for c in range(column - 4, column + 5):
        if 0 <= c < len(ilm):
            values.append((rpe[c] - ilm[c]) * axial)
    return sum(values) / len(values)
