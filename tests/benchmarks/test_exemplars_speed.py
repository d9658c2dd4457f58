"""El mapa autoorganizado contra MiniSom y nuestra t-SNE contra la de scikit-learn, en la misma corrida.

No corre con las demás pruebas. Desde la raíz del proyecto, con tests/requirements.txt instalado:

    pytest tests/benchmarks/test_exemplars_speed.py --benchmark-disable
"""
from time import perf_counter

import pytest
import torch
from sklearn.manifold import TSNE

from labkit.datasets import load_images
from labkit.exemplars import SOM, features, map_quality, tsne
from labkit.models import load_model

pytest.importorskip("pytest_benchmark", reason="pytest-benchmark no está instalado")
ROWS, COLS, EPOCHS = 16, 20, 10


@pytest.fixture(scope="module")
def vectors():
    """Cinco mil vectores de 128: la última convolución en imágenes de entrenamiento."""
    return features(load_model("escenas", "cpu"), load_images("train", n=5000).images, "relu5")


def test_som(vectors, capsys):
    """Mismas épocas y misma rejilla, cada quien como viene: más rápido que MiniSom y con un error que no es mayor."""
    minisom = pytest.importorskip("minisom", reason="minisom no está instalado: pip install minisom")
    data = vectors.numpy().astype("float64")
    begin = perf_counter()
    ours = SOM(ROWS, COLS).fit(vectors, EPOCHS)
    took, error = perf_counter() - begin, ours.quantization_error(vectors)
    rivals = {}
    for name, options in {"como viene": {}, "con otra vecindad": {"sigma": 4.0}}.items():
        peer = minisom.MiniSom(ROWS, COLS, vectors.shape[1], random_seed=0, **options)
        begin = perf_counter()
        peer.pca_weights_init(data)
        peer.train(data, EPOCHS, use_epochs=True)
        rivals[name] = (perf_counter() - begin, peer.quantization_error(data), peer.topographic_error(data))
    with capsys.disabled():
        print(f"\n{ROWS} × {COLS}, {EPOCHS} épocas, {torch.get_num_threads()} hilos: labkit {took:.2f} s, error {error:.4f}, "
              f"topográfico {ours.topographic_error(vectors):.3f}")
        for name, (seconds, other, topographic) in rivals.items():
            print(f"  MiniSom {name}: {seconds:.1f} s ({seconds / took:.0f} veces), error {other:.4f} ({error / other:.3f} el "
                  f"nuestro entre el suyo), topográfico {topographic:.3f}")
    assert all(took < seconds and error <= other for seconds, other, _ in rivals.values())


def test_tsne(vectors, capsys):
    """Con mil vectores, la confianza de nuestra t-SNE queda a menos de 0.01 de la de scikit-learn (media de tres semillas)."""
    some, made = vectors[:1000], {"labkit": [], "scikit-learn": []}
    for seed in range(3):
        for name in made:
            begin = perf_counter()
            points = tsne(some, seed=seed) if name == "labkit" else torch.from_numpy(
                TSNE(init="random", random_state=seed).fit_transform(some.numpy()))
            made[name].append((map_quality(some, points).trustworthiness, perf_counter() - begin))
    trust = {name: sum(value for value, _ in rows) / 3 for name, rows in made.items()}
    with capsys.disabled():
        for name, rows in made.items():
            print(f"\n{name}: confianza {trust[name]:.4f} ({', '.join(f'{value:.4f}' for value, _ in rows)}), "
                  f"{sum(seconds for _, seconds in rows) / 3:.1f} s", end="")
    assert trust["labkit"] > trust["scikit-learn"] - 0.01
