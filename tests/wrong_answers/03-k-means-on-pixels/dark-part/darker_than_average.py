# says: darker than a threshold are no clusters
def dark_share(image, k, seed):
    threshold = image.mean()
    return float((image < threshold).mean())
