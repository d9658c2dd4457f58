"""Los ejemplares: vectores, unidades selectivas, t-SNE, mapas autoorganizados y lo que engañan; cada uno contra su oráculo."""
import math
import sys
from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import full_disk
from scipy import stats
from sklearn.manifold import TSNE
from sklearn.manifold._t_sne import _joint_probabilities
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from labkit import exemplars as ex
from labkit import vectors as vectors_room
from labkit.activations import run
from labkit.exemplars.tsne import gradient
from labkit.models import plain_network, random_twin
from labkit.progress import progress


@pytest.fixture(scope="module")
def model():
    return random_twin(plain_network(4, (6, 8, 8), dense=5)).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def images():
    return torch.rand(23, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def blobs(n: int = 60, d: int = 8, k: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """k grupos bien separados: vectores (n, d) y a qué grupo va cada uno."""
    generator = torch.Generator().manual_seed(seed)
    groups = torch.arange(n) % k
    return 12 * torch.eye(k, d)[groups] + torch.randn(n, d, generator=generator), groups


# ── vectores ────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_features_are_those_of_the_layer(model, images):
    acts = run(model, images, ["conv3", "dense"])
    assert torch.allclose(ex.features(model, images, "conv3", batch_size=7), acts["conv3"].mean((2, 3)), atol=1e-6)
    assert torch.allclose(ex.features(model, images, "conv3", "max"), acts["conv3"].amax((2, 3)), atol=1e-6)
    assert torch.allclose(ex.features(model, images, "conv3", "flat"), acts["conv3"].flatten(1), atol=1e-6)
    assert torch.allclose(ex.features(model, images, "dense"), acts["dense"], atol=1e-6)
    several = ex.features_by_layer(model, images, ["conv3", "dense"], "max", batch_size=9)
    assert torch.allclose(several["conv3"], acts["conv3"].amax((2, 3)), atol=1e-6)
    assert torch.allclose(several["dense"], acts["dense"], atol=1e-6)


def test_features_come_from_a_data_loader_too(model, images):
    loader = DataLoader(TensorDataset(images, torch.arange(23)), batch_size=5)
    assert torch.allclose(ex.features(model, loader, "dense"), ex.features(model, images, "dense"), atol=1e-6)
    with pytest.raises(ValueError, match="solo se puede guardar si images es un tensor"):
        ex.features(model, loader, "dense", cache="algo.safetensors")
    with pytest.raises(ValueError, match="no había ninguna imagen"):
        ex.features(model, [], "dense")


def test_the_cache_serves_only_the_same_question(model, images, tmp_path, monkeypatch):
    path, calls = tmp_path / "a" / "v.safetensors", []
    made = vectors_room.features_by_layer
    monkeypatch.setattr(vectors_room, "features_by_layer", lambda *args: calls.append(1) or made(*args))
    first = ex.features(model, images, "dense", cache=path)
    assert torch.equal(ex.features(model, images, "dense", cache=path), first) and len(calls) == 1
    changed = images.clone()
    changed[0, 0, 0, 0] += 0.01
    other = random_twin(model, seed=9).eval()
    for asked in ((other, images, "dense"), (model, changed, "dense"), (model, images, "relu4")):
        assert torch.allclose(ex.features(*asked, cache=path), ex.features(*asked))
    assert len(calls) == 7
    path.write_bytes(b"roto")
    assert torch.equal(ex.features(model, images, "dense", cache=path), first) and path.read_bytes() != b"roto"
    assert list(path.parent.iterdir()) == [path]                            # sin archivos a medias


@pytest.mark.skipif(sys.platform == "win32", reason="cuotas de Unix")
def test_vectors_that_cannot_be_kept_are_given_anyway(model, images, tmp_path, capsys):
    path = tmp_path / "v.safetensors"
    path.write_bytes(b"de antes")
    with full_disk(100):
        found = ex.features(model, images, "dense", cache=path)
    assert torch.equal(found, ex.features(model, images, "dense")) and path.read_bytes() == b"de antes"
    out, err = capsys.readouterr()
    assert "No pude guardar los vectores" in out and "La próxima vez se calculan de nuevo" in out and "Errno" not in out + err
    (tmp_path / "archivo").write_bytes(b"")
    assert torch.equal(ex.features(model, images, "dense", cache=tmp_path / "archivo" / "v"), found)
    assert "archivo" in capsys.readouterr().out


def test_a_long_look_shows_a_bar_in_spanish(model, images, capsys, monkeypatch):
    ex.features(model, images, "dense")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(vectors_room, "progress", lambda text, total: progress(text, total, delay=0))
    ex.features(model, images, "dense")
    out, err = capsys.readouterr()
    assert "Mirando" in out and "de 23 imágenes" in out and err == ""


def test_an_unknown_pool_is_told(model, images):
    with pytest.raises(ValueError, match="pool: esperaba mean, max, flat y recibí 'media'"):
        ex.features(model, images, "conv3", "media")


def test_neighbours_are_those_of_scikit_learn():
    vectors, _ = blobs(200)
    _, expected = NearestNeighbors(n_neighbors=6).fit(vectors.numpy()).kneighbors(vectors.numpy())
    assert torch.equal(ex.neighbours(vectors, 5), torch.from_numpy(expected[:, 1:]))
    assert torch.equal(ex.neighbours(vectors, 5, of=torch.tensor([7, 3])), torch.from_numpy(expected[[7, 3], 1:]))
    with pytest.raises(ValueError, match="k: esperaba un entero de 1 a 199, menos que los vectores, y recibí 200"):
        ex.neighbours(vectors, 200)


def test_a_repeated_vector_is_its_own_neighbour():
    assert ex.neighbours(torch.tensor([[0.0], [5.0], [0.0]]), 1)[[0, 2]].flatten().tolist() == [2, 0]


def test_a_linear_probe_separates_what_is_separable():
    vectors, groups = blobs(300)
    assert ex.linear_probe(vectors[:200], groups[:200], vectors[200:], groups[200:]) == 1.0
    shuffled = groups[torch.randperm(300, generator=torch.Generator().manual_seed(1))]
    assert ex.linear_probe(vectors[:200], shuffled[:200], vectors[200:], shuffled[200:]) < 0.55
    still = torch.cat([vectors, torch.ones(300, 1)], 1)                     # un número que no cambia
    assert ex.linear_probe(still[:200], groups[:200], still[200:], groups[200:]) == 1.0
    corners = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]).repeat(20, 1)
    assert ex.linear_probe(corners, corners.sum(1).long() % 2, corners, corners.sum(1).long() % 2) <= 0.75  # o exclusivo
    with pytest.raises(ValueError, match="hay una sola clase"):
        ex.linear_probe(vectors, torch.zeros(300).long(), vectors, groups)


@pytest.mark.parametrize("ask", [ex.neighbours, ex.affinities, ex.tsne, lambda v: ex.SOM(2, 2).fit(v), ex.pca,
                                 lambda v: ex.map_quality(torch.rand(40, 3), v[:, :2])])
def test_nan_is_told(ask):
    vectors = torch.rand(40, 4)
    vectors[3, 0] = torch.nan
    with pytest.raises(ValueError, match="1 de 40 tienen NaN o infinito"):
        ask(vectors)


# ── unidades ────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_choose_takes_the_best_the_worst_the_middle_and_chance():
    values = torch.tensor([5.0, 1, 9, 3, 7, 2, 8, 4, 6, 0])
    chosen = ex.choose(values, 2)
    assert {name: values[index].tolist() for name, index in chosen.items() if name != "random"} == {
        "best": [9, 8], "median": [5, 4], "worst": [0, 1]}
    assert chosen["random"].tolist() == ex.choose(values, 2)["random"].tolist() != ex.choose(values, 2, seed=1)["random"].tolist()
    with pytest.raises(ValueError, match="k: esperaba un entero de 1 a 10, las imágenes que hay, y recibí 11"):
        ex.choose(values, 11)


def test_peak_patches_cut_what_excites():
    red = nn.Sequential()
    red.add_module("look", nn.Conv2d(3, 1, 5, stride=2, padding=2, bias=False))
    red.look.weight.data = torch.tensor([1.0, -1, -1])[None, :, None, None].expand(1, 3, 5, 5).clone()
    image = torch.zeros(2, 3, 32, 32)
    image[0, 0, 12:17, 20:25] = 1.0                                         # un cuadro rojo de 5 × 5, en (14, 22)
    image[1, 0, 0:3, 0:3] = 1.0                                             # y otro en la esquina
    patches = ex.peak_patches(red, image, "look:0")
    assert patches.shape == (2, 3, 5, 5) and torch.equal(patches[0], image[0, :, 12:17, 20:25])
    assert (patches[1, :, :2] == 0.5).all() and (patches[1, 0, 2:, 2:] == 1).all()      # lo de afuera, gris


def test_a_dense_unit_sees_the_whole_image(model, images):
    assert torch.equal(ex.peak_patches(model, images[:3], "dense:1"), images[:3])


def test_roc_areas_are_those_of_scikit_learn():
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(0, 6, (80, 4), generator=generator).float()      # con muchos empates
    truth = torch.rand(80, 3, generator=generator) < 0.3
    expected = [[roc_auc_score(truth[:, k], values[:, c]) for k in range(3)] for c in range(4)]
    assert torch.allclose(ex.roc_areas(values, truth), torch.tensor(expected).float(), atol=1e-6)
    assert torch.allclose(ex.roc_areas(values, truth[:, 1]), torch.tensor(expected)[:, 1].float(), atol=1e-6)
    assert ex.roc_areas(values, torch.zeros(80, dtype=torch.bool)).isnan().all()
    assert (ex.roc_areas(torch.ones(80, 1), truth) == 0.5).all()            # una unidad que no cambia no distingue


def test_the_planted_unit_is_the_most_selective():
    labels = torch.arange(90) % 3
    values = torch.rand(90, 5, generator=torch.Generator().manual_seed(0))
    values[:, 3] = (labels == 2).float() * 2                                # solo para la clase 2
    values[:, 4] = (labels != 0).float()                                    # para dos clases
    found = ex.selectivity(values, labels, 3)
    assert (found.best[3], found.area[3], found.next_area[3]) == (2, 1.0, 0.25)
    assert found.area.argmax() == 3 and found.area[4] == found.next_area[4] == 0.75


def test_survives_looks_inside_each_group():
    truth = torch.tensor([True, False] * 30)
    groups = torch.arange(60) // 20                                         # tres grupos de veinte
    values = torch.where(groups == 1, -truth.float(), truth.float())        # en el segundo responde al revés
    assert ex.areas_by_group(values, truth, groups).tolist() == [1.0, 0.0, 1.0]
    alone = truth & (groups != 2)
    assert torch.isnan(ex.areas_by_group(values, alone, groups)[2])               # sin verdaderos no se sabe


def test_object_traits_say_where_and_how():
    masks = torch.zeros(3, 12, 12, dtype=torch.bool)
    masks[0, 5:7, 0:4] = True                                               # acostada, chica y a la izquierda
    masks[1, 3:8, 4:8] = True                                               # mediana, al centro
    masks[2, 0:12, 9:12] = True                                             # parada, grande y a la derecha
    images = torch.zeros(3, 3, 12, 12)
    images[1, 0] = 1.0
    images[2] = 1.0

    class World(SimpleNamespace):
        def object_masks(self, rows):
            return masks[rows]

        def __len__(self):
            return 3

    traits = ex.object_traits(World(images=images, scenes=torch.tensor([4, 5, 6])))
    assert {name: traits[name].tolist() for name in ("scene", "size", "side", "shape")} == {
        "scene": [4, 5, 6], "size": [0, 1, 2], "side": [0, 1, 2], "shape": [0, 1, 2]}
    assert len(set(traits["color"].tolist())) == 3


# ── t-SNE ───────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_affinities_are_those_of_scikit_learn():
    vectors, _ = blobs(80)
    made = ex.affinities(vectors, 12.0)
    assert torch.allclose(made, made.T) and made.sum() == pytest.approx(1, abs=1e-5) and (made.diagonal() == 0).all()
    squared = torch.cdist(vectors.double(), vectors.double()).pow(2).float().numpy()
    condensed = _joint_probabilities(squared, 12.0, 0)
    rows, cols = np.triu_indices(80, 1)
    assert np.allclose(made.numpy()[rows, cols], condensed, atol=1e-6)


def test_affinities_have_the_perplexity_asked_and_no_scale():
    vectors, _ = blobs(50)
    assert torch.allclose(ex.affinities(vectors, 5), ex.affinities(1000 * vectors, 5), atol=1e-6)
    even = ex.affinities(torch.ones(10, 4), 4)                              # todos iguales: todos vecinos por igual
    assert torch.allclose(even, (1 - torch.eye(10)) / 90, atol=1e-6)


@pytest.mark.parametrize("n, perplexity", [(20, 19), (20, 0.5), (20, -3), (3, 30)])
def test_too_few_points_for_the_perplexity_are_told(n, perplexity):
    with pytest.raises(ValueError, match=f"con {n} puntos esperaba de 1 a menos de {n - 1} y recibí {perplexity}"):
        ex.tsne(torch.rand(n, 4), perplexity)


def test_the_gradient_is_that_of_the_divergence():
    wanted = ex.affinities(blobs(15)[0], 4).double()
    points = torch.randn(15, 2, dtype=torch.double, generator=torch.Generator().manual_seed(0)).requires_grad_()
    near = (1 / (1 + torch.cdist(points, points).pow(2))) * (1 - torch.eye(15))
    seen = near / near.sum()
    apart = ~torch.eye(15, dtype=torch.bool)
    (wanted[apart] * (wanted[apart] / seen[apart]).log()).sum().backward()
    assert torch.allclose(gradient(wanted, points.detach()), points.grad, atol=1e-9)


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_separate_groups_stay_separate(seed):
    vectors, groups = blobs(90)
    points = ex.tsne(vectors, 10, seed=seed)
    assert points.shape == (90, 2) and torch.allclose(points.mean(0), torch.zeros(2), atol=1e-3)
    assert (groups[ex.neighbours(points, 5)] == groups[:, None]).all()


def test_tsne_is_as_faithful_as_that_of_scikit_learn():
    vectors, _ = blobs(300, 20, 6)
    ours, theirs = ex.tsne(vectors, 20), torch.from_numpy(TSNE(perplexity=20, random_state=0).fit_transform(vectors.numpy()))
    assert ex.map_quality(vectors, ours).trustworthiness > ex.map_quality(vectors, theirs).trustworthiness - 0.01


@pytest.mark.parametrize("vectors", [torch.ones(40, 5), torch.rand(20, 5).repeat(2, 1), torch.rand(40, 1)],
                         ids=["constantes", "repetidos", "de una dimensión"])
def test_odd_vectors_give_finite_maps(vectors):
    assert torch.isfinite(ex.tsne(vectors, 5)).all()
    som = ex.SOM(3, 4).fit(vectors)
    assert torch.isfinite(som.prototypes).all() and som.quantization_error(vectors) < 0.5
    assert torch.isfinite(som.u_matrix()).all()


# ── mapas autoorganizados ───────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("hexagonal", [False, True])
def test_a_som_step_is_that_of_a_plain_loop(hexagonal):
    vectors, _ = blobs(40)
    som = ex.SOM(3, 4, hexagonal).fit(vectors, epochs=1)
    before, width = som.prototypes.clone(), 1.3
    som.step(vectors, width)
    winners = [min(range(12), key=lambda m: float((v - before[m]).norm())) for v in vectors]
    for m in range(12):
        pull = [float(torch.exp(-(som.places[m] - som.places[w]).pow(2).sum() / (2 * width ** 2))) for w in winners]
        assert torch.allclose(som.prototypes[m], sum(p * v for p, v in zip(pull, vectors)) / sum(pull), atol=1e-4)


def test_two_groups_share_no_winner_and_a_wall_stands_between_them():
    vectors, groups = blobs(100, k=2)
    som = ex.SOM(4, 8).fit(vectors)
    winners = som.winners(vectors)
    assert not set(winners[groups == 0].tolist()) & set(winners[groups == 1].tolist())
    assert som.hits(vectors).shape == (4, 8) and som.hits(vectors).sum() == 100
    assert som.hits(vectors)[:, :4].sum() == som.hits(vectors)[:, 4:].sum() == 50
    wall = som.u_matrix().mean(0)
    assert wall[3:5].max() > 1.4 * max(wall[0], wall[-1])
    assert torch.equal(som.nearest(vectors).flatten(), torch.cdist(som.prototypes.double(), vectors.double()).argmin(1))


def test_a_som_of_a_plane_keeps_its_order():
    plane = torch.cartesian_prod(torch.linspace(0, 1, 20), torch.linspace(0, 1.5, 30))
    som = ex.SOM(6, 9).fit(plane, epochs=30)
    assert som.topographic_error(plane) < 0.02 and som.quantization_error(plane) < 0.1
    assert som.quantization_error(plane) < ex.SOM(6, 9).fit(plane, epochs=1).quantization_error(plane)
    assert ex.SOM(6, 9).fit(plane[torch.randperm(600)], epochs=30).quantization_error(plane) == pytest.approx(
        som.quantization_error(plane), abs=1e-4)                            # por lotes, el orden no importa


def test_hexagons_have_six_neighbours_and_squares_eight():
    inner = 2 * 6 + 2
    assert ex.SOM(5, 6, hexagonal=True).adjacent[inner].sum() == 6 and ex.SOM(5, 6).adjacent[inner].sum() == 8


def test_a_shuffled_map_has_a_larger_topographic_error():
    vectors, _ = blobs(200, k=4)
    som = ex.SOM(5, 5).fit(vectors)
    good = som.topographic_error(vectors)
    som.prototypes = som.prototypes[torch.randperm(25, generator=torch.Generator().manual_seed(0))]
    assert som.topographic_error(vectors) > good + 0.3


def test_a_som_out_of_order_is_told():
    with pytest.raises(ValueError, match="primero llama a fit"):
        ex.SOM(2, 2).winners(torch.rand(4, 3))
    with pytest.raises(ValueError, match="al menos dos nodos y recibí 1 × 1"):
        ex.SOM(1, 1)
    with pytest.raises(ValueError, match="epochs: esperaba un entero desde 1 y recibí 0"):
        ex.SOM(2, 2).fit(torch.rand(9, 3), epochs=0)


# ── mapas y su calidad ──────────────────────────────────────────────────────────────────────────────────────────────

def test_a_faithful_map_is_told_from_a_false_one():
    flat = torch.rand(200, 2, generator=torch.Generator().manual_seed(0))
    assert ex.map_quality(flat, 3 * flat) == ex.Quality(1.0, 1.0, 1.0)
    false = ex.map_quality(flat, flat[torch.randperm(200, generator=torch.Generator().manual_seed(1))])
    assert false.trustworthiness < 0.65 and false.continuity < 0.65 and false.preserved < 0.15
    line = torch.linspace(0, 1, 200)[:, None]
    folded = ex.map_quality(line, torch.cat([(line - 0.5).abs(), torch.zeros(200, 1)], 1))      # doblado por la mitad
    assert folded.continuity > 0.95 > folded.trustworthiness                # junta lo que estaba lejos


def test_preservation_is_that_of_a_plain_count():
    vectors, points = torch.rand(30, 5), torch.rand(30, 2)
    near = [[sorted(range(30), key=lambda j: float((x[i] - x[j]).norm()))[1:6] for i in range(30)] for x in (vectors, points)]
    expected = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(*near)])
    assert ex.neighbour_preservation(vectors, points, 5) == pytest.approx(expected)


def test_maps_of_another_size_are_told():
    with pytest.raises(ValueError, match="esperaba 30 puntos, uno por vector, y recibí 20"):
        ex.map_quality(torch.rand(30, 4), torch.rand(20, 2))
    with pytest.raises(ValueError, match="k: esperaba un entero de 1 a 14, menos de la mitad de 30 puntos, y recibí 20"):
        ex.map_quality(torch.rand(30, 4), torch.rand(30, 2), k=20)


def test_the_assignment_moves_as_little_as_possible():
    points = torch.rand(6, 2, generator=torch.Generator().manual_seed(3))
    grid = ex.assign_to_grid(points, 2, 3)
    assert sorted(grid.flatten().tolist()) == list(range(6))
    square = (points - points.amin(0)) / (points.amax(0) - points.amin(0))
    cells = [(y, x) for y in (0.0, 1.0) for x in (0.0, 0.5, 1.0)]

    def cost(order):
        return sum(float((square[who] - torch.tensor(cell)).pow(2).sum()) for who, cell in zip(order, cells))

    assert cost(grid.flatten().tolist()) == pytest.approx(min(map(cost, permutations(range(6)))))
    assert (ex.assign_to_grid(points, 3, 3) == -1).sum() == 3
    with pytest.raises(ValueError, match="2 × 2 casillas no alcanzan para 6 puntos"):
        ex.assign_to_grid(points, 2, 2)


def test_seams_are_the_true_distances():
    vectors = torch.tensor([[0.0], [1.0], [5.0]])
    grid = torch.tensor([[0, 1, 2], [-1, -1, -1]])
    marks = ex.seams(vectors, grid)
    usual = (1 + 5 + 4) / 3                                                 # la media de las tres parejas
    assert torch.allclose(marks[0] * usual, torch.tensor([1.0, 2.5, 4.0])) and marks[1].isnan().all()


def planted_classes() -> tuple[torch.Tensor, torch.Tensor]:
    """Treinta puntos de cuatro clases que no se llaman 0, 1, 2 y 3."""
    dice = torch.Generator().manual_seed(0)
    return torch.randn(30, 3, generator=dice), torch.tensor([2, 5, 6, 9])[torch.arange(30) % 4]


def test_center_distances_are_those_of_a_plain_loop():
    points, labels = planted_classes()
    centers = [[sum(float(points[i, d]) for i in range(30) if labels[i] == k) / int((labels == k).sum()) for d in range(3)]
               for k in (2, 5, 6, 9)]
    wanted = [math.dist(centers[i], centers[j]) for i in range(4) for j in range(i + 1, 4)]
    assert torch.allclose(ex.center_distances(points, labels), torch.tensor(wanted), atol=1e-5)


def test_same_group_is_that_of_a_plain_count():
    points, groups = blobs()
    far = torch.cdist(points, points) + 1e9 * torch.eye(len(points))
    shares = [sum(int(groups[j] == groups[i]) for j in far[i].argsort()[:12].tolist()) / 12 for i in range(len(points))]
    assert ex.same_group(points, groups) == pytest.approx(sum(shares) / len(points))
    assert ex.same_group(points, torch.zeros(len(points))) == 1
    lone = ex.same_group(points, groups, k=50)                              # cada grupo tiene veinte: 19 de 50
    assert lone == pytest.approx(19 / 50)


def test_the_order_kept_counts_ranks_only():
    labels = torch.arange(4)
    line = torch.tensor([[0.0], [1.0], [3.0], [7.0]])                       # distancias 1, 3, 7, 2, 6, 4
    flat = torch.cat([line ** 2, torch.zeros(4, 1)], 1)                     # 1, 9, 49, 8, 48, 40: otro tamaño y el mismo orden
    assert ex.order_kept(line, flat, labels) == pytest.approx(1 - 6 * 0 / 210)
    other = torch.tensor([[0.0], [7.0], [1.0], [3.0]])                      # 7, 1, 3, 6, 4, 2
    far = (sorted([1, 3, 7, 2, 6, 4]).index, sorted([7, 1, 3, 6, 4, 2]).index)
    gaps = sum((far[0](a) - far[1](b)) ** 2 for a, b in zip([1, 3, 7, 2, 6, 4], [7, 1, 3, 6, 4, 2]))
    assert ex.order_kept(line, other, labels) == pytest.approx(1 - 6 * gaps / 210)


def test_the_shuffled_order_renames_whole_classes():
    points, labels = planted_classes()
    found = ex.shuffled_order(points, points[:, :2], labels, times=300)
    place = torch.searchsorted(torch.tensor([2, 5, 6, 9]), labels)
    centers = torch.stack([points[place == k, :2].mean(0) for k in range(4)])
    high = stats.rankdata(ex.center_distances(points, labels))
    every = {round(float(np.corrcoef(high, stats.rankdata(torch.pdist(centers[list(turn)])))[0, 1]), 4)
             for turn in permutations(range(4))}
    assert {round(float(value), 4) for value in found} == every             # las 24 maneras de barajar cuatro nombres


def test_crowding_is_one_by_chance_and_less_in_heaps():
    dice = torch.Generator().manual_seed(0)
    grid = torch.cartesian_prod(torch.arange(9.0), torch.arange(9.0))
    assert ex.crowding(grid) == pytest.approx(1 / (0.5 * (64 / 81) ** 0.5), abs=1e-4)
    assert ex.crowding(5 * grid) == pytest.approx(ex.crowding(grid), abs=1e-4)
    assert ex.crowding(torch.rand(2000, 2, generator=dice)) == pytest.approx(1, abs=0.05)
    assert ex.crowding(grid.repeat(6, 1) * 10 + torch.rand(486, 2, generator=dice)) < 0.3


def test_the_interval_of_an_area_covers_it():
    """Con dos campanas, el área verdadera es conocida: la trae al menos 93 de cada 100 veces."""
    dice = np.random.default_rng(0)
    for positives, negatives, gap in ((8, 90, 1.0), (20, 40, 2.2), (60, 15, 0.0)):
        area, inside = stats.norm.cdf(gap / 2 ** 0.5), 0
        for _ in range(400):
            yes, no = dice.normal(gap, 1, positives), dice.normal(0, 1, negatives)
            low, high = ex.area_interval(float((yes[:, None] > no).mean()), positives, negatives)
            inside += low <= area <= high
        assert 0.93 <= inside / 400 <= 0.995, (positives, negatives)
    for positives, negatives in ((5, 60), (60, 5)):                         # por bisección, con el área medida en 1
        low, high = 0.0, 1.0
        for _ in range(60):
            a = (low + high) / 2
            spread = a * (1 - a) + (positives - 1) * (a / (2 - a) - a * a) + (negatives - 1) * (2 * a * a / (1 + a) - a * a)
            low, high = (low, a) if 1 - a <= 1.959964 * (spread / positives / negatives) ** 0.5 else (a, high)
        assert ex.area_interval(1.0, positives, negatives) == pytest.approx((low, 1.0), abs=3e-4)
    wide, narrow = (ex.area_interval(0.8, 30, 30, share) for share in (0.99, 0.5))
    assert wide[0] < narrow[0] < 0.8 < narrow[1] < wide[1]


def test_each_picture_is_in_its_cell():
    images = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 3, 8, 8) / 4
    sheet = ex.spread_sheet(images, torch.tensor([[2, -1], [0, 1]]), thumb=6, marks=torch.tensor([[0.5, 9], [0, 1.0]]))
    centers = sheet[0].unflatten(0, (2, 6)).unflatten(2, (2, 6))[:, 3, :, 3]
    assert torch.allclose(centers, torch.tensor([[0.5, 1.0], [0.0, 0.25]]))
    assert sheet[0, 6, 6] > 0.8 and sheet[1, 6, 6] < 0.2 and sheet[1, 0, 0] == 0.5   # solo la casilla 1 lleva marco
    assert (sheet[:, :6, 6:] == 1).all()                                    # una vacía, ni marco


ODD = {
    "una unidad sola": (lambda: ex.roc_areas(torch.rand(9), torch.rand(9) < 0.5), r"prueba values\[:, None\]"),
    "clases por verdaderos": (lambda: ex.roc_areas(torch.rand(9, 2), torch.arange(9) % 3), "¿Te faltó «== clase»\\?"),
    "NaN en una unidad": (lambda: ex.roc_areas(torch.full((9, 2), torch.nan), torch.rand(9) < 0.5), "NaN en 2 unidades"),
    "una clase": (lambda: ex.selectivity(torch.rand(9, 2), torch.zeros(9, dtype=torch.long), 3), "hay una sola clase"),
    "muchas unidades": (lambda: ex.choose(torch.rand(9, 2)), r"Prueba values\[:, k\]"),
    "NaN sin orden": (lambda: ex.choose(torch.tensor([1.0, torch.nan])), "values: hay NaN"),
    "grupos negativos": (lambda: ex.areas_by_group(torch.rand(9), torch.rand(9) < 0.5, torch.full((9,), -1)), "groups: esperaba enteros de 0"),
    "puntos con NaN": (lambda: ex.assign_to_grid(torch.full((4, 2), torch.nan), 2, 2), "points: 4 de 4 tienen NaN"),
    "casillas negativas": (lambda: ex.assign_to_grid(torch.rand(4, 2), -2, -2), "rows: esperaba un entero desde 0 y recibí -2"),
    "rejilla ajena": (lambda: ex.spread_sheet(torch.rand(3, 3, 8, 8), torch.tensor([[3]])), "enteros de −1 a 2"),
    "marcas de otra forma": (lambda: ex.spread_sheet(torch.rand(3, 3, 8, 8), torch.tensor([[0]]), marks=torch.rand(2, 2)), "marks: esperaba"),
    "enteros": (lambda: ex.affinities(torch.randint(0, 5, (9, 3))), "Prueba vectors.float()"),
    "vecinos fuera": (lambda: ex.neighbours(torch.rand(9, 3), 2, of=torch.tensor([-1])), "of: esperaba enteros de 0 a 8"),
    "componentes": (lambda: ex.pca(torch.rand(9, 3), 0), "k: esperaba un entero de 1 a 3"),
    "pasos": (lambda: ex.tsne(torch.rand(9, 3), 2, steps=0), "steps: esperaba un entero desde 1"),
    "ancho": (lambda: ex.SOM(2, 2).fit(torch.rand(9, 3), width=0), "width: esperaba un número mayor que 0"),
    "otro largo": (lambda: ex.SOM(2, 2).fit(torch.rand(9, 3)).winners(torch.rand(4, 2)), "vectores de 3 números"),
    "sonda": (lambda: ex.linear_probe(torch.rand(9, 3), torch.arange(9) % 2, torch.rand(4, 2), torch.arange(4)), "test: esperaba"),
    "decaimiento": (lambda: ex.linear_probe(*(torch.rand(9, 3), torch.arange(9) % 2) * 2, decay=0), "decay: esperaba"),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_input_is_told(case):
    ask, says = ODD[case]
    with pytest.raises(ValueError, match=says):
        ask()


def test_equal_vectors_have_a_layout_and_no_image_no_features(model, images):
    assert torch.equal(ex.layout(torch.ones(60, 8), "tsne", 5), torch.zeros(60, 2))
    assert torch.isfinite(ex.layout(torch.rand(60, 1), "tsne", 5)).all()
    with pytest.raises(ValueError, match="no había ninguna imagen"):
        ex.features(model, images[:0], "dense")
    with pytest.raises(ValueError, match="Prueba images"):
        ex.features(model, images[0], "dense")
    assert torch.equal(ex.features_by_layer(model, images, "dense")["dense"], ex.features(model, images, "dense"))
