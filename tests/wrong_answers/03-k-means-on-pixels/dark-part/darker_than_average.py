# says: no clusters. Let K-means group
def dark_share(image, k, seed):
    threshold = image.mean()
    return float((image < threshold).mean())
