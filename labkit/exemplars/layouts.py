"""Acomodar vectores en el plano, por nombre."""
import torch
from sklearn.manifold import TSNE
from torch import Tensor

from labkit.checks import as_perplexity
from labkit.exemplars.maps import pca
from labkit.exemplars.som import SOM
from labkit.shapes import full, one_of, whole
from labkit.vectors import check_vectors

METHODS = ("pca", "tsne", "som")
SOM_SIZE = (24, 32)                         # la rejilla del mapa autoorganizado, hexagonal


def layout(vectors: Tensor, method: str = "tsne", perplexity: float = 30.0, seed: int = 0) -> Tensor:
    """Los vectores (n, d) en el plano, (n, 2), con "pca", "tsne" o "som".

    La t-SNE es la de scikit-learn, que con miles de puntos aproxima; `tsne` es la exacta.  En el mapa autoorganizado
    cada punto cae en su nodo, corrido un poco al azar para que no se encimen.  perplexity: solo para la t-SNE, que
    parte de los componentes principales: la semilla casi no la cambia.
    """
    check_vectors(vectors, 4)
    vectors, seed = full(vectors.detach()), whole(seed, "seed", 0, 2 ** 32 - 1)
    if one_of(method, "method", METHODS) == "pca":
        return pca(vectors)
    if method == "tsne":
        perplexity = as_perplexity(perplexity, len(vectors))
        if vectors.std(0).max() < 1e-9:                                     # scikit-learn se cae con todos iguales
            return torch.zeros(len(vectors), 2)
        start = "pca" if vectors.shape[1] > 1 else "random"
        tool = TSNE(perplexity=perplexity, init=start, random_state=seed)
        return torch.from_numpy(tool.fit_transform(vectors.cpu().numpy())).float()
    som = SOM(*SOM_SIZE, hexagonal=True).fit(vectors, last=0.5)
    shift = torch.rand(len(vectors), 2, generator=torch.Generator().manual_seed(seed)) - 0.5
    return som.places[som.winners(vectors)].cpu() + 0.7 * shift
