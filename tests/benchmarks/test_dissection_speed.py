"""Qué tan rápida es la disección: contra lo menos que hay que hacer, y contra contar con un ciclo como NetDissect-Lite.

No corre con las demás pruebas. Desde la raíz del proyecto, con tests/requirements.txt instalado:

    pytest tests/benchmarks/test_dissection_speed.py --benchmark-disable

Se mide tiempo de procesador, con un hilo: así no importa qué más haga la computadora.
"""
from statistics import median
from time import process_time

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from labkit.activations import run
from labkit.datasets import load_concepts
from labkit.dissection import CONVENTIONS, dissect
from labkit.dissection.counting import count_batch
from labkit.models import load_model
from labkit.regions import masks_of, regions_of_masks
from labkit.worlds import category_numbers

pytest.importorskip("pytest_benchmark", reason="pytest-benchmark no está instalado")
LAYER, SIZE, BATCH = "conv5", (64, 64), 32


def timed(work):
    begin = process_time()
    return work(), process_time() - begin


def maps_by_batch(model, world):
    with torch.no_grad():
        return [run(model, part.contiguous(memory_format=torch.channels_last), [LAYER])[LAYER] for part in world.images.split(BATCH)]


def bare(model, world, cuts):
    """Dos pasadas hasta la capa, y una vez agrandar y comparar todos los mapas."""
    with torch.no_grad():
        for turn in range(2):
            for part in world.images.split(BATCH):
                maps = run(model, part.contiguous(memory_format=torch.channels_last), [LAYER])[LAYER]
                if turn:
                    F.interpolate(maps, SIZE, mode="bilinear") >= cuts[:, None, None]


def test_time_against_the_least(capsys):
    """Se pide a lo más 1.5 veces lo menos que hay que hacer: la mediana de tres vueltas intercaladas."""
    model, world = load_model("escenas", "cpu"), load_concepts("train", n=2000)
    cuts, turns = dissect(model, world, LAYER).cuts, []
    for _ in range(3):
        turns.append((timed(lambda: bare(model, world, cuts))[1], timed(lambda: dissect(model, world, LAYER))[1]))
    ratio = median(took / least for least, took in turns)
    with capsys.disabled():
        print(f"\n{torch.get_num_threads()} hilo, {len(world)} imágenes: disecar, {median(took for _, took in turns):.1f} s de procesador; "
              f"{ratio:.2f} veces lo menos que hay que hacer (se pide ≤ 1.5)")
    assert ratio <= 1.5


# ── contra NetDissect-Lite ──────────────────────────────────────────────────────────────────────────────────────────

def label_maps(world, count):
    """Por imagen, como guarda Broden los conceptos: los que la llenan, y planos (p, h, w) de números desde 1."""
    scenes, found = {k for k, name in enumerate(world.categories) if name == "scene"}, []
    for concepts, where in masks_of(world.regions(torch.arange(count))):
        scalars, planes = [], {}
        for concept, mask in zip(concepts.tolist(), where.numpy()):
            if concept in scenes:
                scalars.append(concept + 1)
                continue
            stack = planes.setdefault(world.categories[concept], [])
            plane = next((plane for plane in stack if not plane[mask].any()), None)
            if plane is None:
                stack.append(plane := np.zeros(SIZE, int))
            plane[mask] = concept + 1
        found.append((scalars, np.stack([plane for stack in planes.values() for plane in stack])))
    return found


def loop(features, labels, cuts, categories):
    """La cuenta de NetDissect-Lite, con sus trucos: imagen por imagen y unidad por unidad, saltándose las que no pasan.

    Agranda con Pillow, busca los píxeles encendidos y cuenta con bincount los números que hay en ellos. features: (n, c,
    h, w) float64;  labels: `label_maps`;  categories: (k,). Da el IoU, (c, k).
    """
    (_, c), k, groups = features.shape[:2], len(categories), max(categories) + 1
    of = np.zeros((k + 1, groups))
    of[np.arange(1, k + 1), categories] = 1
    both, by_category, truth = np.zeros((c, k + 1)), np.zeros((c, groups)), np.zeros(k + 1)
    for maps, (scalars, planes) in zip(features, labels):
        truth[scalars] += planes[0].size
        seen = np.bincount(planes.ravel(), minlength=1)
        truth[:len(seen)] += seen
        for unit in range(c):
            if maps[unit].max() > cuts[unit]:
                grown = np.asarray(Image.fromarray(maps[unit].astype(np.float32)).resize(SIZE, Image.Resampling.BILINEAR))
                y, x = np.nonzero(grown > cuts[unit])
                met = np.bincount(planes[:, y, x].ravel(), minlength=1)
                met[0] = 0
                both[unit, :len(met)] += met
                both[unit, scalars] += len(y)
                by_category[unit] += len(y) * (met @ of[:len(met)] + of[scalars].sum(0) > 0)
    return (both / (by_category @ of.T + truth - both + 1e-10))[:, 1:]


def test_time_against_the_loop(capsys):
    """La misma cuenta sobre los mismos mapas, sin leer nada ni correr la red: se piden 10 veces, y que dé lo mismo.

    Cada quien recibe las máscaras como las quiere: el ciclo, en planos de números; labkit, en regiones. También se dice
    cuánto es si las recibe como verdaderos y falsos (b, k, H, W): antes las vuelve regiones.
    """
    model, world, count = load_model("escenas", "cpu"), load_concepts("test", n=320), 320
    found, numbers = dissect(model, world, LAYER, "lite"), category_numbers(world.categories)
    maps, labels = maps_by_batch(model, world), label_maps(world, count)
    features, cuts = torch.cat(maps).double().numpy(), found.cuts.double().numpy()
    rows = torch.arange(count).split(BATCH)
    regions, masks = [world.regions(some) for some in rows], [world.masks(some) for some in rows]

    def ours(marks):
        parts = [count_batch(some, mark, found.cuts, numbers, CONVENTIONS["lite"], found.dead) for some, mark in zip(maps, marks)]
        return sum(parts[1:], parts[0]).iou()

    turns = [(timed(lambda: loop(features, labels, cuts, numbers.tolist())), timed(lambda: ours(regions)),
              timed(lambda: ours(map(regions_of_masks, masks)))) for _ in range(5)]
    (looped, _), (counted, _), (by_mask, _) = turns[0]
    ratio, plain = (median(turn[0][1] / turn[which][1] for turn in turns) for which in (1, 2))
    passing = (torch.cat(maps).amax((2, 3)) > found.cuts).float().mean()
    with capsys.disabled():
        print(f"\n{torch.get_num_threads()} hilo, {count} imágenes, {passing:.0%} de las parejas de imagen y unidad pasan: el ciclo de "
              f"NetDissect-Lite cuenta en {median(turn[0][1] for turn in turns):.2f} s de procesador y labkit en "
              f"{median(turn[1][1] for turn in turns):.3f} s: {ratio:.1f} veces (se piden 10); con las máscaras sueltas, {plain:.1f}")
    assert np.abs(looped - counted.numpy()).max() < 1e-9
    assert torch.equal(counted, by_mask)
    assert ratio >= 10
