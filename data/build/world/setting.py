"""El lugar ya armado alrededor de la cosa principal, y el tiempo que hace en él: cielo, sol y bruma."""
from dataclasses import dataclass, field

import numpy as np

from .shapes import Thing
from .stage import Ridge, Sky, Wall, Zone

WEATHER = {"despejado": 0.36, "nubes": 0.34, "nublado": 0.12, "atardecer": 0.12, "niebla": 0.06}


@dataclass(frozen=True)
class Frame:
    """Desde dónde se ve la cosa principal, que está sobre el origen del suelo.

    radius: el suyo; azimuth: grados, del eje x hacia la cámara; distance: de la cámara a la cosa;
    wet: la cosa flota en agua (sólo lo miran los lugares con orilla).
    """
    radius: float
    azimuth: float
    distance: float
    wet: bool = False

    def away(self, turn: float = 0.0) -> float:
        """Dirección del fondo (hacia donde mira la cámara), en grados, girada `turn`."""
        return self.azimuth + 180.0 + turn


@dataclass
class Light:
    """La luz de una escena; los campos son los de `stage.Scene`."""
    sun: np.ndarray
    sun_color: np.ndarray
    ambient: np.ndarray
    sun_size: float
    fog: float
    exposure: float


@dataclass
class Setting:
    """Un lugar armado: suelo, paredes, cielo, luz y los nombres de los accesorios que le van (repetidos: pesan más).

    crowd: entre cuántos accesorios se escoge; things: bardas y cercas (cosas, no paredes: dejan ver el cielo);
    limits: parejas (punto, normal) que ningún accesorio cruza, además de las paredes.
    """
    ground: list[Zone]
    walls: list[Wall]
    sky: Sky
    light: Light
    props: list[str]
    crowd: tuple[int, int] = (2, 6)
    things: list[Thing] = field(default_factory=list)
    limits: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)


def direction(azimuth: float, elevation: float = 0.0) -> np.ndarray:
    """Vector unitario (3,) con ese azimut y esa elevación, en grados."""
    a, e = np.deg2rad([azimuth, elevation])
    return np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])


def choose(rng: np.random.Generator, weights: dict[str, float]) -> str:
    """Una clave del diccionario, con probabilidad proporcional a su peso."""
    odds = np.array(list(weights.values()), float)
    return str(rng.choice(list(weights), p=odds / odds.sum()))


def outdoors(rng: np.random.Generator, frame: Frame, ridges: list[Ridge],
             weather: dict[str, float] = WEATHER) -> tuple[Sky, Light]:
    """Cielo y luz de fuera, con el tiempo escogido según los pesos de `weather`."""
    kind = choose(rng, weather)
    if kind in ("despejado", "nubes"):
        return _blue(rng, frame, ridges, "clear" if kind == "despejado" else "clouds")
    return {"nublado": _overcast, "atardecer": _sunset, "niebla": _fog}[kind](rng, frame, ridges)


def _blue(rng: np.random.Generator, frame: Frame, ridges: list[Ridge], kind: str) -> tuple[Sky, Light]:
    low = rng.random() ** 2
    zenith = np.array([0.11, 0.28, 0.66]) * rng.uniform(0.7, 1.2) * (1 + 0.06 * rng.normal(size=3))
    horizon = np.array([0.55, 0.72, 0.88]) * (1 - 0.3 * low) + np.array([0.90, 0.70, 0.48]) * 0.3 * low
    color = np.array([1.0, 0.94 - 0.16 * low, 0.86 - 0.36 * low]) * rng.uniform(0.9, 1.3)
    ambient = (zenith + horizon) / 2 * rng.uniform(0.55, 0.8) + 0.07
    sky = Sky(kind, zenith, horizon, float(rng.uniform(0.3, 0.65)), "cielo azul", ridges)
    return sky, _light(rng, frame, 70 - 50 * low, color, ambient, (0.03, rng.uniform(0.002, 0.014)))


def _overcast(rng: np.random.Generator, frame: Frame, ridges: list[Ridge]) -> tuple[Sky, Light]:
    grey = np.array([0.58, 0.61, 0.66]) * rng.uniform(0.65, 1.05)
    sky = Sky("overcast", grey * 0.8, grey * 1.12, float(rng.uniform(0.5, 0.9)), "cielo nublado", ridges)
    return sky, _light(rng, frame, rng.uniform(35, 70), np.array([0.36, 0.35, 0.33]), grey * 0.9,
                       (0.3, rng.uniform(0.006, 0.02)))


def _sunset(rng: np.random.Generator, frame: Frame, ridges: list[Ridge]) -> tuple[Sky, Light]:
    zenith = np.array([0.20, 0.22, 0.46]) * rng.uniform(0.7, 1.2)
    horizon = np.array([1.0, rng.uniform(0.36, 0.58), rng.uniform(0.16, 0.40)]) * rng.uniform(0.8, 1.0)
    ambient = (zenith * 0.55 + horizon * 0.25) * rng.uniform(0.6, 0.8) + 0.14
    sky = Sky("sunset", zenith, horizon, float(rng.uniform(0.3, 0.7)), "cielo de atardecer", ridges)
    return sky, _light(rng, frame, rng.uniform(8, 20), np.array([1.20, 0.86, 0.60]), ambient,
                       (0.05, rng.uniform(0.004, 0.02)))


def _fog(rng: np.random.Generator, frame: Frame, ridges: list[Ridge]) -> tuple[Sky, Light]:
    grey = np.array([0.70, 0.73, 0.76]) * rng.uniform(0.75, 1.05)
    sky = Sky("overcast", grey * 0.92, grey, 0.2, "niebla", ridges)
    return sky, _light(rng, frame, rng.uniform(35, 65), np.array([0.34, 0.33, 0.32]), grey * 0.85,
                       (0.3, rng.uniform(0.02, 0.05)))


def _light(rng: np.random.Generator, frame: Frame, height: float, color: np.ndarray, ambient: np.ndarray,
           size_and_fog: tuple[float, float]) -> Light:
    """Luz con el sol a `height` grados, casi siempre del lado de la cámara para que lo visto no quede a contraluz."""
    turn = rng.uniform(-80, 80) if rng.random() < 0.86 else rng.uniform(80, 280)
    return Light(direction(frame.azimuth + turn, height + rng.uniform(-4, 4)), color, np.asarray(ambient),
                 size_and_fog[0],
                 float(size_and_fog[1]), float(np.exp(0.12 * rng.normal())))


def underwater(rng: np.random.Generator, frame: Frame) -> tuple[Sky, Light]:
    """Agua por todos lados, más oscura con la distancia: de turquesa a azul profundo."""
    horizon = rng.uniform((0.01, 0.10, 0.28), (0.06, 0.36, 0.52)) * rng.uniform(0.7, 1.2)
    sky = Sky("water", horizon * 1.6 + 0.05, horizon, 0.5, "agua profunda")
    light = _light(rng, frame, rng.uniform(50, 80), np.array([0.85, 0.95, 0.92]), np.array([0.26, 0.42, 0.48]),
                   (0.1, rng.uniform(0.10, 0.28) / frame.distance))
    return sky, light


def indoors(rng: np.random.Generator, frame: Frame, dim: float = 1.0) -> tuple[Sky, Light]:
    """Sin cielo; luz suave de lámpara o de ventana, cálida o fría. `dim` < 1 la baja."""
    tint = np.array([1.0, 0.9, 0.76]) if rng.random() < 0.6 else np.array([0.88, 0.95, 1.0])
    ambient = np.array([0.50, 0.48, 0.45]) * rng.uniform(0.75, 1.1) * dim
    light = _light(rng, frame, rng.uniform(30, 65), tint * rng.uniform(0.6, 0.95) * dim, ambient,
                   (rng.uniform(0.05, 0.2), 0.0))
    return Sky("none", ambient, ambient, 0.0, ""), light
