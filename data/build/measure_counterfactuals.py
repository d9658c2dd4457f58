"""Mide lo que la lección 1b cuenta de sus parejas, con las funciones que la lección enseña, y lo deja en tablas.

    python data/build/measure_counterfactuals.py            todas (una media hora con un núcleo)
    python data/build/measure_counterfactuals.py caidas     una

Escribe data/contrafactuales/<tabla>.csv:

    caidas    por variante: margen y probabilidad antes, sin la parte de verdad y con cada relleno sobre su máscara
    mapas     por parte: lo que le da cada mapa (la suma sobre la máscara) y cuánto cae de verdad el margen
    cascada   por imagen, semilla y capa: cuánto se parece el mapa al de la red entera, al objeto y a los bordes
    borrado   por escena, mapa y relleno: el área bajo la curva de la probabilidad al borrar y al descubrir
    redes     por red y relleno: qué tan lejos queda de la caída verdadera, y si más que decir que no cae nada
"""
import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

import torch  # noqa: E402
from packing import _write, write_sums  # noqa: E402
from scipy import stats  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from labkit import counterfactuals as lesson  # noqa: E402
from labkit.counterfactuals.scenes import Counterfactuals, load_counterfactuals  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.models import load_model  # noqa: E402
from labkit.objectives import margin, probability  # noqa: E402
from labkit.occlusion import cover_mask, occlusion_map  # noqa: E402
from labkit.priors import load_denoiser  # noqa: E402

SIZE, STRIDE = 12, 4                        # el parche de los mapas
NETWORKS = ("escenas", "escenas_semilla1", "escenas_semilla2", "escenas_bn", "escenas_robusta")
SEEDS, CASCADED, DELETED = range(6), 2, 5   # semillas de la cascada (la 0 es la de partida de la red); escenas por clase
FILLS = {**lesson.FILLS, "limpiador": None, "detrás": None}     # los dos últimos dependen de la escena


def fills_of(data: Counterfactuals, v: int, denoiser: nn.Module) -> dict[str, Tensor]:
    """La imagen de una variante con cada relleno, exactamente sobre lo que falta; «detrás» es lo que había de verdad."""
    image, mask = data.images[data.scene[v]], data.masks[v]
    found = {name: cover_mask(image, mask, fill) for name, fill in lesson.FILLS.items()}
    found["limpiador"] = lesson.inpaint(image[None], mask[None], denoiser)[0]
    found["detrás"] = cover_mask(image, mask, data.variants[v])
    return found


def drop_row(network: nn.Module, data: Counterfactuals, v: int, denoiser: nn.Module) -> dict[str, object]:
    """El renglón de una variante en «caidas»."""
    k, pictures = data.scene[v], fills_of(data, v, denoiser)
    images = torch.stack([data.images[k], data.variants[v], *pictures.values()])
    found = lesson.answers(network, images, data.labels[k].expand(len(images)))
    row = {"scene": int(k), "class": data.classes[data.labels[k]], "removed": data.removed[v],
           "pixels": int(data.masks[v].sum())}
    for name, values, digits in (("m", found.margin, 2), ("p", found.chance, 3)):
        row |= {f"{name} {what}": f"{value:.{digits}f}" for what, value in zip(("antes", "verdad", *pictures), values.tolist())}
    return row


def caidas(data: Counterfactuals) -> Iterator[dict[str, object]]:
    network, denoiser = load_model("escenas", device="cpu"), load_denoiser(device="cpu")
    return (drop_row(network, data, v, denoiser) for v in range(len(data.scene)))


def maps_of(network: nn.Module, data: Counterfactuals, k: int) -> dict[str, Tensor]:
    """Los mapas de una escena: oclusión con cada relleno, gradiente × entrada y los pisos."""
    image, label = data.images[k], int(data.labels[k])
    found = {name: occlusion_map(network, image, margin(label), SIZE, STRIDE, fill)
             for name, fill in lesson.FILLS.items()}
    return found | {"gradiente × entrada": lesson.gradient_times_input(network, image, margin(label)),
                    "bordes": lesson.edge_map(image), "centro": lesson.center_map(64, 64),
                    "azar": lesson.random_map(64, 64, k), "parejo": torch.ones(64, 64)}


def single(data: Counterfactuals, k: int) -> list[int]:
    """Las variantes de una escena a las que les falta una sola parte."""
    kinds = lesson.kinds(data.removed)
    return [v for v in (data.scene == k).nonzero().flatten().tolist() if kinds[v] == "parte"]


def map_rows(network: nn.Module, data: Counterfactuals, k: int) -> list[dict[str, object]]:
    rows, maps = single(data, k), maps_of(network, data, k)
    images = torch.cat([data.images[k:k + 1], data.variants[rows]])
    before, *after = lesson.answers(network, images, data.labels[k].expand(len(images))).margin.tolist()
    scores = {name: lesson.part_scores(heat, data.masks[rows]).tolist() for name, heat in maps.items()}
    return [{"scene": k, "class": data.classes[data.labels[k]], "removed": data.removed[v],
             "pixels": int(data.masks[v].sum()), "verdad": f"{before - after[i]:.2f}",
             **{name: f"{values[i]:.4g}" for name, values in scores.items()}} for i, v in enumerate(rows)]


def mapas(data: Counterfactuals) -> Iterator[dict[str, object]]:
    network = load_model("escenas", device="cpu")
    return (row for k in range(len(data.images)) for row in map_rows(network, data, k))


def alike(a: Tensor, b: Tensor) -> float:
    """La correlación de Spearman entre dos mapas, píxel por píxel; NaN si uno es parejo."""
    return float(stats.spearmanr(a.flatten().float().numpy(), b.flatten().float().numpy()).statistic)


def some(data: Counterfactuals, each: int) -> list[int]:
    """Las primeras escenas de cada clase."""
    return [k for label in range(len(data.classes)) for k in (data.labels == label).nonzero().flatten()[:each].tolist()]


def cascada(data: Counterfactuals) -> Iterator[dict[str, object]]:
    network = load_model("escenas", device="cpu")
    whole = {int(data.scene[v]): data.masks[v] for v, name in enumerate(data.removed) if name == "objeto"}
    for k in some(data, CASCADED):
        for seed in SEEDS:
            yield from cascade_rows(network, data, k, seed, whole[k])


def cascade_rows(network: nn.Module, data: Counterfactuals, k: int, seed: int, mask: Tensor) -> list[dict[str, object]]:
    image, goal, rows = data.images[k], margin(int(data.labels[k])), []
    ask = {"oclusión": lambda model: occlusion_map(model, image, goal, 16, 8, "mean"),
           "gradiente × entrada": lambda model: lesson.gradient_times_input(model, image, goal)}
    first = {name: question(network) for name, question in ask.items()}
    for layer, model in ((("ninguna", network),) if seed == 0 else ()) + tuple(lesson.cascade(network, seed)):
        for name, question in ask.items():
            heat = question(model)
            rows.append({"scene": k, "seed": seed, "layer": layer, "map": name,
                         "original": f"{alike(heat, first[name]):.3f}", "objeto": f"{alike(heat, mask):.3f}",
                         "bordes": f"{alike(heat.abs(), lesson.edge_map(image)):.3f}",
                         "tamaño": f"{alike(heat.abs(), first[name].abs()):.3f}"})
    return rows


def deletion_rows(network: nn.Module, data: Counterfactuals, k: int) -> list[dict[str, object]]:
    image, goal, rows = data.images[k], probability(int(data.labels[k])), []
    for name, heat in maps_of(network, data, k).items():
        for fill_name, fill in lesson.FILLS.items() if name != "parejo" else ():
            curves = [lesson.deletion(network, image, heat, goal, fill, insert=insert) for insert in (False, True)]
            rows.append({"scene": k, "map": name, "fill": fill_name, "borrar": f"{curves[0].mean():.3f}",
                         "descubrir": f"{curves[1].mean():.3f}"})
    return rows


def borrado(data: Counterfactuals) -> Iterator[dict[str, object]]:
    network = load_model("escenas", device="cpu")
    return (row for k in some(data, DELETED) for row in deletion_rows(network, data, k))


def redes(data: Counterfactuals) -> Iterator[dict[str, object]]:
    """Solo las partes; «nothing» es la distancia de quien dice que no cae nada, y «worse», la del relleno menos esa."""
    denoiser = load_denoiser(device="cpu")
    parts = [v for v, kind in enumerate(lesson.kinds(data.removed)) if kind == "parte"]
    pictures = [fills_of(data, v, denoiser) for v in parts]
    scene = data.scene[parts]
    for name in NETWORKS:
        network = load_model(name, device="cpu")
        before = lesson.answers(network, data.images, data.labels).margin[scene]
        true, right = before - lesson.answers(network, data.variants[parts], data.labels[scene]).margin, before > 0
        for fill in FILLS:
            filled = torch.stack([found[fill] for found in pictures])
            error = before - lesson.answers(network, filled, data.labels[scene]).margin - true
            found = {"distance": error.abs(), "bias": error, "worse": error.abs() - true.abs()}
            yield {"network": name, "fill": fill, "scenes": len(scene[right].unique()), "parts": int(right.sum()),
                   "true": f"{true[right].mean():.3f}", "nothing": f"{true[right].abs().mean():.3f}",
                   **{f"{what} {k}": f"{v:.3f}" for what, values in found.items()
                      for k, v in lesson.clustered(values[right], scene[right])._asdict().items()}}


TABLES: dict[str, Callable[[Counterfactuals], Iterator[dict[str, object]]]] = {
    "caidas": caidas, "mapas": mapas, "cascada": cascada, "borrado": borrado, "redes": redes}


def main() -> None:
    parser = argparse.ArgumentParser(description="Mide las parejas de la lección 1b y escribe sus tablas.")
    parser.add_argument("tables", nargs="*", metavar="tabla", help=f"las que quieras de {', '.join(TABLES)}")
    args = parser.parse_args()
    torch.set_num_threads(1)
    data = load_counterfactuals()
    for name in args.tables or TABLES:
        rows, text = list(TABLES[name](data)), StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        _write(data_path("contrafactuales", f"{name}.csv"), text.getvalue().encode())
        print(f"{name}: {len(rows)} renglones", flush=True)
    write_sums(data_path())


if __name__ == "__main__":
    main()
