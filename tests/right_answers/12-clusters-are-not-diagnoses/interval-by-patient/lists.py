import random


def interval(right, patients, n_draws, seed):
    draw = random.Random(seed)
    of = {}
    for ok, patient in zip(right, patients):
        of.setdefault(str(patient), []).append(bool(ok))
    groups, shares = list(of.values()), []
    for _ in range(n_draws):
        scans = [ok for group in draw.choices(groups, k=len(groups)) for ok in group]
        shares.append(sum(scans) / len(scans))
    shares.sort()

    def percentile(q):
        place = q * (len(shares) - 1)
        i = int(place)
        j = min(i + 1, len(shares) - 1)
        return shares[i] + (place - i) * (shares[j] - shares[i])

    return [percentile(0.025), percentile(0.975)]
