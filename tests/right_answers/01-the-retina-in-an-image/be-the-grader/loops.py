def grade(guesses, truth, names):
    n_right = 0
    missed = {name: [] for name in names}
    for guess, true in zip(guesses, truth):
        n_right += guess == true
        missed[names[true]].append(guess != true)
    worst = max(names, key=lambda name: sum(missed[name]) / len(missed[name]))
    return [n_right / len(truth), worst]
