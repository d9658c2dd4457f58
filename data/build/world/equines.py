"""Caballo y cebra: el mismo cuerpo; a la cebra la distinguen las rayas y la crin parada."""
from typing import NamedTuple

import numpy as np

from .palette import BLACK_EYE, SIDES, chance, named, pick, shade, vary
from .quadruped import Joint, chain
from .shapes import Paint, Thing, rotation

BLACK = (0.03, 0.027, 0.025)
COATS = ((0.30, 0.13, 0.05), (0.38, 0.17, 0.06), (0.17, 0.08, 0.04), (0.035, 0.03, 0.03), (0.82, 0.80, 0.76),
         (0.40, 0.39, 0.38), (0.66, 0.42, 0.18), (0.56, 0.30, 0.11))
POSES = ("parado", "pastando", "galope")


class Hide(NamedTuple):
    """Pinturas de un équido: cuerpo, patas abajo, hocico, crin y cola."""
    body: Paint
    legs: Paint
    muzzle: Paint
    mane: Paint


def horse(rng: np.random.Generator) -> Thing:
    """Caballo café, negro, blanco, gris, palomino o pinto, nunca rayado; a veces ensillado."""
    color = vary(rng, pick(rng, COATS, (3, 3, 2, 2, 2, 2, 2, 2)), 0.1)
    fur = Paint("pelo", color)
    if chance(rng, 0.18):
        fur = Paint("pelo", (0.85, 0.83, 0.79), "manchado", color if np.mean(color) < 0.5 else COATS[0],
                    float(rng.uniform(1.6, 2.2)))
    mane = pick(rng, (BLACK, shade(color, 0.4), (0.80, 0.72, 0.58)), (3, 3, 1.5 if np.mean(color) > 0.15 else 0.3))
    legs = pick(rng, (fur, Paint("pelo", (0.85, 0.83, 0.79)), Paint("pelo", shade(color, 0.4))), (3, 1.5, 2))
    hide = Hide(fur, legs, Paint("pelo", shade(color, 0.55)), Paint("pelo", vary(rng, mane)))
    thing = Thing("caballo", blend=0.07)
    _equine(rng, thing, hide, striped=False)
    if chance(rng, 0.25):
        _saddle(rng, thing)
    return thing


def zebra(rng: np.random.Generator) -> Thing:
    """Cebra: cuerpo de caballo, blanco con rayas negras, crin parada y también rayada."""
    white = vary(rng, (0.86, 0.84, 0.79), 0.04)
    scale = float(rng.uniform(12, 15))
    fur = Paint("pelo", white, "rayado", BLACK, scale)
    hide = Hide(fur, fur, Paint("pelo", (0.06, 0.05, 0.045)), Paint("pelo", white, "rayado", BLACK, scale))
    thing = Thing("cebra", blend=0.07)
    _equine(rng, thing, hide, striped=True)
    return thing


def _equine(rng, thing, hide, striped):
    pose = pick(rng, POSES, (0.6, 0.22, 0.18))
    z, girth = 0.86 + rng.uniform(-0.05, 0.04), rng.uniform(0.2, 0.235)
    chain(thing, [(-0.42, 0, z + 0.03), (0, 0, z - 0.02), (0.38, 0, z)], [girth * 1.02, girth * 1.0, girth * 1.05],
          "torso", hide.body)
    thing.ellipsoid((-0.44, 0, z + 0.02), (0.23, girth * 1.05, 0.25), "torso", hide.body, soft=True)
    _legs(rng, thing, hide, z, pose)
    head = _neck(rng, thing, hide, np.array([0.42, 0, z + 0.08]), pose)
    _head(thing, head, hide)
    _mane(thing, head, np.array([0.36, 0, z + 0.24]), hide, upright=striped)
    _tail(rng, thing, np.array([-0.63, 0, z + 0.13]), hide, striped, pose)


def _legs(rng, thing, hide, z, pose):
    stride = rng.uniform(0.03, 0.14)
    for side in SIDES:
        for x, hind in ((0.38, False), (-0.46, True)):
            step = side * stride * (-1 if hind else 1)
            lift = 0.0
            if pose == "galope":
                step, lift = (-0.32 + 0.12 * side, 0.05) if hind else (0.34 + 0.12 * side, 0.12 + 0.08 * side)
            _leg(thing, (x, side * 0.11, z), step, lift, hind, hide)


def _leg(thing, top, step, lift, hind, hide):
    x, y, z = top
    knee = np.array([x + step * 0.5 + (-0.05 if hind else 0.02), y, 0.42 + lift * 0.8])
    fetlock = np.array([x + step * 0.95 + (-0.02 if hind else 0), y, 0.13 + lift])
    chain(thing, [(x + (0.02 if hind else 0), y * 0.9, z - 0.1), knee], [0.135 if hind else 0.11, 0.062], "pata",
          hide.body)
    chain(thing, [knee, fetlock], [0.06, 0.044], "pata", hide.legs)
    hoof = fetlock + (0.035, 0, -0.13)
    thing.limb(fetlock, fetlock + (0.02, 0, -0.06), 0.05, "pata", hide.legs)
    thing.cone(hoof, hoof + (-0.01, 0, 0.09), 0.068, "pezuña", Paint("hueso", (0.06, 0.045, 0.035)), 0.75)


def _neck(rng, thing, hide, base, pose):
    if pose == "pastando":
        poll, pitch = base + (0.5, 0, -0.42), 62
    else:
        reach = rng.uniform(0, 1) + (0.8 if pose == "galope" else 0)
        poll, pitch = base + (0.27 + 0.12 * reach, 0, 0.52 - 0.14 * reach), 38 - 8 * reach
    yaw = rng.uniform(-28, 28)
    middle = (base * 0.5 + poll * 0.5) + (0.0, 0, -0.03)
    chain(thing, [base - (0.06, 0, 0.04), middle, poll], [0.19, 0.145, 0.1], "cuello", hide.body)
    return Joint(poll, rotation("z", yaw) @ rotation("y", pitch))


def _head(thing, head, hide):
    thing.limb(head.at(-0.02, 0, 0), head.at(0.2, 0, -0.02), 0.108, "cabeza", hide.body, 0.85)
    thing.limb(head.at(0.2, 0, -0.02), head.at(0.34, 0, -0.02), 0.088, "hocico", hide.muzzle, 0.9)
    thing.ellipsoid(head.at(0.06, 0, -0.08), (0.12, 0.07, 0.09), "cabeza", hide.body, head.turn, soft=True)
    up = head.turn @ rotation("y", -35)
    for side in SIDES:
        thing.ellipsoid(head.at(0.09, side * 0.088, 0.035), (0.036, 0.026, 0.032), "ojo", BLACK_EYE, head.turn)
        thing.ellipsoid(head.at(0.4, side * 0.045, 0.02), (0.016, 0.016, 0.016), "hocico", BLACK_EYE, head.turn)
        ear = up @ rotation("x", -side * 12)
        thing.box(head.at(-0.09, side * 0.065, 0.13), (0.03, 0.045, 0.095), "oreja", hide.body, ear, taper=(0.25, 0.1))


def _mane(thing, head, withers, hide, upright):
    """Crin: crestas duras a lo largo de la nuca; parada en la cebra, caída hacia un lado en el caballo."""
    start = head.at(-0.04, 0, 0.1)
    for i in range(6):
        t = (i + 0.5) / 6
        spot = start * (1 - t) + withers * t
        back = np.array([-0.05, 0, 0.035]) * np.sin(np.pi * (0.25 + 0.7 * t))
        if upright:
            thing.ellipsoid(spot + back * 0.8, (0.1, 0.03, 0.12), "crin", hide.mane, rotation("y", 30))
        else:
            thing.ellipsoid(spot + back * 0.6 + (0, 0.045, -0.04), (0.105, 0.055, 0.14), "crin", hide.mane,
                            rotation("x", -22))
    thing.ellipsoid(head.at(0.03, 0, 0.1), (0.07, 0.035, 0.03), "crin", hide.mane, head.turn)


def _tail(rng, thing, base, hide, striped, pose):
    lean, back = rng.uniform(-0.1, 0.1), 0.3 if pose == "galope" else rng.uniform(0.02, 0.12)
    middle, end = base + (-0.1 - back * 0.6, lean * 0.4, -0.16), base + (-0.12 - back * 1.4, lean, -0.58 + back * 0.9)
    if striped:
        chain(thing, [base, middle], [0.05, 0.035], "cola", hide.body)
        thing.limb(middle, end, 0.05, "cola", Paint("pelo", BLACK), 1.1)
        return
    chain(thing, [base, middle, end], [0.06, 0.1, 0.045], "cola", hide.mane)


def _saddle(rng, thing):
    leather = Paint("cuero", vary(rng, (0.26, 0.11, 0.04)))
    cloth = Paint("tela", named(rng, ("rojo", "azul", "verde", "blanco")), "cuadriculado",
                  named(rng, ("blanco", "amarillo")), 9.0)
    z = thing.pieces[1].center[2] + 0.02
    thing.ellipsoid((0, 0, z), (0.2, 0.245, 0.235), "manta", cloth)
    thing.ellipsoid((0, 0, z + 0.2), (0.17, 0.14, 0.07), "silla", leather)
    for x in (-0.16, 0.15):
        thing.ellipsoid((x, 0, z + 0.25), (0.04, 0.09, 0.07), "silla", leather)
    for side in SIDES:
        thing.box((0.02, side * 0.24, z - 0.08), (0.02, 0.012, 0.15), "estribo", leather)
        thing.box((0.02, side * 0.25, z - 0.25), (0.05, 0.03, 0.03), "estribo", Paint("metal", (0.5, 0.5, 0.52)))


CLASSES = {"caballo": horse, "cebra": zebra}
