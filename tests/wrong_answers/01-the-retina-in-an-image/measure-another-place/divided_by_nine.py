# says: near an edge there are fewer columns
def thickness_at(ilm, rpe, column, axial):
    total = 0.0
    for c in range(column - 4, column + 5):
        if 0 <= c < len(ilm):
            total += (rpe[c] - ilm[c]) * axial
    return total / 9
