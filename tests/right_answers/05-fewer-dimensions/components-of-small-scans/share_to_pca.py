from sklearn.decomposition import PCA


def components_for(rows, share):
    return PCA(n_components=share, svd_solver="full").fit(rows).n_components_
