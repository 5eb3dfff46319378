import math


def lost(height, width, angle):
    a, n, out = math.radians(angle), 150, 0
    for i in range(n):
        for j in range(n):
            y, x = ((i + 0.5) / n - 0.5) * height, ((j + 0.5) / n - 0.5) * width
            u, v = x * math.cos(a) - y * math.sin(a), x * math.sin(a) + y * math.cos(a)
            out += abs(u) > width / 2 or abs(v) > height / 2
    return out / n**2
