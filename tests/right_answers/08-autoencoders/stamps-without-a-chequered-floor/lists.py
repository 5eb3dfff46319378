def unevenness(kernel, stride, n):
    result = {}
    for i in range(n):
        for j, weight in enumerate(kernel):
            result[i * stride + j] = result.get(i * stride + j, 0.0) + float(weight)
    length = (n - 1) * stride + len(kernel)
    middle = [result.get(place, 0.0) for place in range(len(kernel), length - len(kernel))]
    return max(middle) - min(middle)
