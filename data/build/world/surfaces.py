"""De qué están hechos suelos, paredes y horizontes: varias pinturas por concepto, y cómo se escoge y se varía una."""
import numpy as np

from .materials import COLORS
from .shapes import Paint, Vector
from .stage import Ridge, Zone

# Nombre del suelo → sus variantes. Las repeticiones son por radio de la cosa principal.
GROUNDS = {
    "césped": (Paint("pasto", (0.10, 0.36, 0.05), "acanalado", (0.16, 0.46, 0.08), 0.7),
               Paint("pasto", (0.13, 0.40, 0.06), "liso"),
               Paint("pasto", (0.15, 0.42, 0.10), "cuadriculado", (0.10, 0.33, 0.06), 0.8)),
    "pasto": (Paint("pasto", (0.19, 0.36, 0.07), "granulado", (0.11, 0.24, 0.04), 5),
              Paint("pasto", (0.27, 0.37, 0.09), "manchado", (0.17, 0.29, 0.06), 2.5),
              Paint("pasto", (0.12, 0.28, 0.07), "liso")),
    "pastizal seco": (Paint("pasto", (0.55, 0.44, 0.17), "granulado", (0.40, 0.29, 0.10), 4),
                      Paint("paja", (0.62, 0.48, 0.20), "manchado", (0.46, 0.35, 0.13), 2),
                      Paint("pasto", (0.43, 0.38, 0.14), "liso")),
    "flores": (Paint("follaje", (0.16, 0.36, 0.08), "punteado", (0.85, 0.70, 0.10), 4),
               Paint("follaje", (0.14, 0.32, 0.08), "punteado", (0.75, 0.20, 0.42), 4),
               Paint("follaje", (0.15, 0.34, 0.10), "granulado", (0.48, 0.28, 0.70), 3)),
    "musgo": (Paint("follaje", (0.10, 0.26, 0.05), "liso"),
              Paint("follaje", (0.09, 0.24, 0.05), "granulado", (0.16, 0.34, 0.06), 4)),
    "hojarasca": (Paint("hojarasca", (0.34, 0.18, 0.07), "manchado", (0.52, 0.27, 0.06), 3.5),
                  Paint("hojarasca", (0.30, 0.19, 0.09), "liso"),
                  Paint("hojarasca", (0.60, 0.26, 0.05), "manchado", (0.40, 0.10, 0.04), 3)),
    "maleza": (Paint("follaje", (0.07, 0.23, 0.05), "manchado", (0.13, 0.34, 0.07), 2.5),
               Paint("follaje", (0.10, 0.27, 0.07), "granulado", (0.04, 0.13, 0.03), 4)),
    "tierra": (Paint("tierra", (0.33, 0.20, 0.11), "granulado", (0.22, 0.13, 0.07), 4),
               Paint("tierra", (0.40, 0.19, 0.10), "liso"),
               Paint("tierra", (0.45, 0.30, 0.18), "manchado", (0.33, 0.22, 0.13), 2)),
    "barro seco": (Paint("tierra", (0.56, 0.41, 0.27), "agrietado", (0.22, 0.15, 0.09), 2.6),
                   Paint("tierra", (0.48, 0.26, 0.14), "agrietado", (0.19, 0.09, 0.05), 3.0)),
    "surcos": (Paint("tierra", (0.27, 0.16, 0.09), "acanalado", (0.15, 0.34, 0.07), 1.6),
               Paint("tierra", (0.24, 0.14, 0.08), "acanalado", (0.45, 0.31, 0.19), 2.2)),
    "sendero": (Paint("tierra", (0.46, 0.34, 0.22), "granulado", (0.33, 0.24, 0.15), 4),
                Paint("tierra", (0.55, 0.44, 0.31), "liso"),
                Paint("piedra", (0.42, 0.39, 0.35), "empedrado", (0.20, 0.18, 0.15), 3)),
    "lodo": (Paint("tierra", (0.17, 0.11, 0.07), "liso"),
             Paint("tierra", (0.22, 0.15, 0.10), "ondulado", (0.12, 0.08, 0.05), 3)),
    "charco": (Paint("agua", (0.09, 0.10, 0.11), "liso"),),
    "pedregal": (Paint("piedra", (0.40, 0.38, 0.36), "empedrado", (0.17, 0.16, 0.15), 2.5),
                 Paint("piedra", (0.33, 0.34, 0.37), "agrietado", (0.15, 0.15, 0.16), 2.4),
                 Paint("piedra", (0.46, 0.40, 0.33), "granulado", (0.28, 0.24, 0.20), 3)),
    "nieve": (Paint("nieve", (0.86, 0.89, 0.94), "liso"),
              Paint("nieve", (0.88, 0.90, 0.93), "ondulado", (0.72, 0.79, 0.90), 1.0),
              Paint("nieve", (0.84, 0.88, 0.94), "manchado", (0.74, 0.80, 0.90), 1.6)),
    "hielo": (Paint("agua", (0.42, 0.58, 0.66), "agrietado", (0.75, 0.85, 0.90), 1.5),
              Paint("agua", (0.50, 0.64, 0.72), "liso")),
    "arena": (Paint("arena", (0.80, 0.67, 0.45), "granulado", (0.66, 0.53, 0.34), 5),
              Paint("arena", (0.84, 0.75, 0.56), "liso"),
              Paint("arena", (0.72, 0.58, 0.38), "manchado", (0.80, 0.68, 0.47), 2)),
    "arena mojada": (Paint("arena", (0.42, 0.33, 0.22), "liso"),),
    "duna": (Paint("arena", (0.78, 0.54, 0.27), "ondulado", (0.62, 0.39, 0.17), 2.0),
             Paint("arena", (0.72, 0.42, 0.20), "ondulado", (0.56, 0.30, 0.13), 1.4),
             Paint("arena", (0.82, 0.64, 0.38), "ondulado", (0.70, 0.51, 0.27), 2.6)),
    "agua de mar": (Paint("agua", (0.03, 0.13, 0.22), "ondulado", (0.05, 0.21, 0.30), 2),
                    Paint("agua", (0.04, 0.30, 0.34), "ondulado", (0.06, 0.40, 0.42), 2),
                    Paint("agua", (0.04, 0.09, 0.13), "ondulado", (0.07, 0.14, 0.18), 3)),
    "agua dulce": (Paint("agua", (0.07, 0.14, 0.12), "ondulado", (0.11, 0.20, 0.16), 2),
                   Paint("agua", (0.13, 0.13, 0.07), "liso"), Paint("agua", (0.05, 0.17, 0.24), "liso")),
    "espuma": (Paint("nieve", (0.80, 0.85, 0.87), "liso"),),
    "fondo arenoso": (Paint("arena", (0.62, 0.57, 0.42), "ondulado", (0.42, 0.40, 0.31), 2.2),
                      Paint("arena", (0.70, 0.66, 0.52), "liso"),
                      Paint("arena", (0.50, 0.44, 0.36), "granulado", (0.34, 0.30, 0.26), 4)),
    "arrecife": (Paint("piedra", (0.50, 0.22, 0.30), "rosetas", (0.85, 0.55, 0.25), 1.8),
                 Paint("piedra", (0.30, 0.26, 0.40), "punteado", (0.75, 0.40, 0.55), 3)),
    "calle": (Paint("asfalto", (0.17, 0.17, 0.18), "granulado", (0.27, 0.27, 0.28), 5),
              Paint("asfalto", (0.13, 0.13, 0.14), "liso"),
              Paint("asfalto", (0.22, 0.22, 0.23), "agrietado", (0.11, 0.11, 0.11), 1.6)),
    "carretera": (Paint("asfalto", (0.11, 0.11, 0.12), "liso"),
                  Paint("asfalto", (0.26, 0.25, 0.25), "granulado", (0.18, 0.18, 0.18), 4)),
    "pavimento": (Paint("asfalto", (0.20, 0.20, 0.21), "liso"),
                  Paint("asfalto", (0.15, 0.15, 0.16), "granulado", (0.24, 0.24, 0.25), 5),
                  Paint("asfalto", (0.26, 0.25, 0.25), "agrietado", (0.13, 0.13, 0.13), 1.5)),
    "acotamiento": (Paint("tierra", (0.46, 0.41, 0.34), "granulado", (0.33, 0.29, 0.24), 5),),
    "banqueta": (Paint("concreto", (0.52, 0.50, 0.46), "mosaico", (0.30, 0.29, 0.27), 1.2),
                 Paint("concreto", (0.55, 0.40, 0.32), "enladrillado", (0.38, 0.30, 0.25), 2.5),
                 Paint("concreto", (0.46, 0.45, 0.43), "liso")),
    "concreto": (Paint("concreto", (0.47, 0.46, 0.44), "mosaico", (0.27, 0.26, 0.25), 0.7),
                 Paint("concreto", (0.40, 0.40, 0.39), "agrietado", (0.24, 0.24, 0.23), 1.5),
                 Paint("concreto", (0.54, 0.52, 0.48), "manchado", (0.45, 0.43, 0.40), 1.5)),
    "adoquín": (Paint("piedra", (0.36, 0.35, 0.34), "empedrado", (0.13, 0.12, 0.12), 3),
                Paint("piedra", (0.50, 0.28, 0.20), "zigzag", (0.33, 0.18, 0.14), 2.5),
                Paint("piedra", (0.48, 0.44, 0.38), "enladrillado", (0.24, 0.21, 0.18), 2.8),
                Paint("piedra", (0.55, 0.50, 0.44), "trenzado", (0.30, 0.24, 0.20), 2.2)),
    "laja": (Paint("piedra", (0.42, 0.40, 0.36), "agrietado", (0.62, 0.60, 0.55), 2.0),
             Paint("piedra", (0.55, 0.47, 0.38), "mosaico", (0.25, 0.20, 0.16), 1.6)),
    "baldosa": (Paint("cerámica", (0.75, 0.70, 0.62), "cuadriculado", (0.42, 0.22, 0.17), 1.7),
                Paint("cerámica", (0.80, 0.80, 0.77), "mosaico", (0.30, 0.36, 0.44), 1.8),
                Paint("cerámica", (0.82, 0.80, 0.74), "cuadriculado", (0.06, 0.07, 0.08), 1.8),
                Paint("cerámica", (0.58, 0.28, 0.16), "mosaico", (0.78, 0.70, 0.58), 1.5),
                Paint("cerámica", (0.72, 0.76, 0.70), "rosetas", (0.10, 0.30, 0.50), 1.6),
                Paint("cerámica", (0.16, 0.42, 0.42), "escamoso", (0.70, 0.78, 0.74), 2.2)),
    "piso de ladrillo": (Paint("ladrillo", (0.50, 0.22, 0.14), "trenzado", (0.33, 0.14, 0.09), 2.4),
                         Paint("ladrillo", (0.55, 0.26, 0.16), "enladrillado", (0.62, 0.55, 0.48), 2.8)),
    "linóleo": (Paint("plástico", (0.60, 0.63, 0.56), "punteado", (0.36, 0.44, 0.40), 3),
                Paint("plástico", (0.74, 0.66, 0.46), "liso"),
                Paint("plástico", (0.34, 0.48, 0.56), "cuadriculado", (0.66, 0.74, 0.76), 1.6)),
    "duela": (Paint("madera", (0.47, 0.27, 0.12), "veteado", (0.31, 0.17, 0.07), 1.2),
              Paint("madera", (0.30, 0.15, 0.07), "acanalado", (0.17, 0.08, 0.04), 2.2),
              Paint("madera", (0.58, 0.38, 0.20), "zigzag", (0.45, 0.27, 0.13), 2.0),
              Paint("madera", (0.64, 0.47, 0.28), "enladrillado", (0.40, 0.27, 0.15), 1.8)),
    "paja": (Paint("paja", (0.70, 0.53, 0.20), "granulado", (0.48, 0.34, 0.11), 5),
             Paint("paja", (0.66, 0.52, 0.26), "manchado", (0.54, 0.40, 0.16), 3)),
    "línea": (Paint("asfalto", (0.78, 0.78, 0.75), "liso"),),
    "línea amarilla": (Paint("asfalto", (0.80, 0.58, 0.08), "liso"),),
}

WALLS = {
    "pared de ladrillo": (Paint("ladrillo", (0.50, 0.20, 0.13), "enladrillado", (0.66, 0.60, 0.53), 3.4),
                          Paint("ladrillo", (0.62, 0.36, 0.22), "enladrillado", (0.40, 0.34, 0.29), 2.8),
                          Paint("ladrillo", (0.76, 0.74, 0.70), "enladrillado", (0.56, 0.54, 0.50), 3.0)),
    "pared de yeso": tuple(Paint("yeso", color) for color in (
        (0.82, 0.78, 0.70), (0.78, 0.62, 0.28), (0.38, 0.55, 0.70), (0.75, 0.48, 0.46), (0.48, 0.62, 0.42),
        (0.58, 0.57, 0.56), (0.80, 0.42, 0.22), (0.46, 0.38, 0.58), (0.10, 0.25, 0.30))),
    "papel tapiz": (Paint("papel", (0.78, 0.72, 0.58), "rayado", (0.60, 0.32, 0.28), 1.6),
                    Paint("papel", (0.66, 0.74, 0.76), "punteado", (0.25, 0.38, 0.56), 2.4),
                    Paint("papel", (0.80, 0.70, 0.66), "rosetas", (0.55, 0.20, 0.30), 1.8),
                    Paint("papel", (0.72, 0.74, 0.58), "zigzag", (0.36, 0.48, 0.26), 2.0),
                    Paint("papel", (0.20, 0.28, 0.40), "escamoso", (0.66, 0.58, 0.36), 2.2),
                    Paint("papel", (0.74, 0.68, 0.78), "cuadriculado", (0.55, 0.46, 0.64), 1.8)),
    "pared de madera": (Paint("madera", (0.42, 0.24, 0.11), "acanalado", (0.26, 0.14, 0.06), 2.4),
                        Paint("madera", (0.55, 0.38, 0.22), "veteado", (0.40, 0.25, 0.13), 1.1),
                        Paint("madera", (0.48, 0.10, 0.07), "acanalado", (0.28, 0.05, 0.04), 2.2),
                        Paint("madera", (0.46, 0.44, 0.42), "acanalado", (0.26, 0.25, 0.24), 2.6)),
    "azulejo": (Paint("cerámica", (0.84, 0.84, 0.80), "mosaico", (0.40, 0.46, 0.50), 2.8),
                Paint("cerámica", (0.30, 0.56, 0.60), "mosaico", (0.85, 0.86, 0.82), 2.6),
                Paint("cerámica", (0.84, 0.80, 0.70), "cuadriculado", (0.12, 0.28, 0.55), 2.0),
                Paint("cerámica", (0.82, 0.80, 0.72), "rosetas", (0.70, 0.36, 0.12), 1.9),
                Paint("cerámica", (0.76, 0.80, 0.72), "zigzag", (0.18, 0.44, 0.34), 2.2)),
    "muro de piedra": (Paint("piedra", (0.40, 0.37, 0.33), "empedrado", (0.18, 0.16, 0.14), 2.2),
                       Paint("piedra", (0.56, 0.48, 0.38), "empedrado", (0.30, 0.25, 0.20), 2.6)),
    "seto": (Paint("follaje", (0.08, 0.26, 0.06), "manchado", (0.13, 0.36, 0.09), 3),
             Paint("follaje", (0.10, 0.28, 0.07), "punteado", (0.70, 0.18, 0.26), 3)),
    "cerca de tablas": (Paint("madera", (0.52, 0.36, 0.21), "rayado", (0.36, 0.23, 0.12), 3.0),
                        Paint("madera", (0.75, 0.74, 0.70), "rayado", (0.56, 0.55, 0.52), 3.0)),
}

# clase de silueta → (nombre, material, colores, frecuencia, altura, textura)
RIDGES = {
    "hills": ("colina", "pasto", ((0.15, 0.27, 0.10), (0.20, 0.32, 0.10), (0.44, 0.36, 0.16), (0.30, 0.32, 0.14)),
              (2.5, 5.0), (0.08, 0.20), "liso"),
    "peaks": ("montaña", "piedra", ((0.22, 0.24, 0.30), (0.32, 0.28, 0.27), (0.26, 0.32, 0.36)), (2.5, 5.0),
              (0.30, 0.65), "liso"),
    "mesas": ("meseta", "piedra", ((0.50, 0.23, 0.12), (0.58, 0.34, 0.20), (0.42, 0.26, 0.22)), (3.0, 5.5),
              (0.12, 0.30), "acanalado"),
    "trees": ("arboleda", "follaje", ((0.05, 0.15, 0.04), (0.09, 0.22, 0.05), (0.12, 0.18, 0.06)), (12.0, 22.0),
              (0.16, 0.38), "liso"),
    "city": ("edificio", "concreto", ((0.55, 0.50, 0.46), (0.46, 0.30, 0.24), (0.40, 0.45, 0.52), (0.66, 0.56, 0.40)),
             (6.0, 11.0), (0.35, 0.75), "cuadriculado"),
}
RUG_TEXTURES = ("rayado", "cuadriculado", "zigzag", "trenzado", "punteado", "rosetas", "mosaico", "ondulado",
                "escamoso", "liso")


def pick(rng: np.random.Generator, options: tuple):
    """Una de las opciones, todas igual de probables."""
    return options[int(rng.integers(len(options)))]


def shade(rng: np.random.Generator, color: Vector, spread: float = 0.12) -> Vector:
    """El color un poco más claro u oscuro y con un tinte leve: RGB lineal en [0.01, 0.95]."""
    factor = np.exp(spread * rng.normal()) * (1 + 0.35 * spread * rng.normal(size=3))
    return tuple(np.clip(np.asarray(color) * factor, 0.01, 0.95).tolist())


def vary(rng: np.random.Generator, paint: Paint) -> Paint:
    """La misma pintura con otros tonos y otro tamaño de dibujo."""
    second = None if paint.color2 is None else shade(rng, paint.color2, 0.08)
    return Paint(paint.material, shade(rng, paint.color), paint.texture, second,
                 paint.scale * float(np.exp(0.2 * rng.normal())))


def ground(rng: np.random.Generator, name: str, rule: str = "all", *params: float, part: str = "") -> Zone:
    """Zona de suelo con una de las pinturas de `GROUNDS[name]`."""
    return Zone(rule, name, vary(rng, pick(rng, GROUNDS[name])), part, (*params, *[0.0] * (4 - len(params))),
                float(rng.uniform(0.15, 0.5)))


def wall_zone(rng: np.random.Generator, name: str, rule: str = "all", *params: float) -> Zone:
    """Zona de pared con una de las pinturas de `WALLS[name]`."""
    return Zone(rule, name, vary(rng, pick(rng, WALLS[name])), "", (*params, *[0.0] * (4 - len(params))), 0.15)


def fabric(rng: np.random.Generator, material: str = "tela") -> Paint:
    """Pintura de tela: dos colores básicos distintos y cualquiera de los dibujos de tapete."""
    first, second = rng.choice(list(COLORS), 2, replace=False)
    return Paint(material, shade(rng, COLORS[first], 0.2), pick(rng, RUG_TEXTURES), shade(rng, COLORS[second], 0.2),
                 float(rng.uniform(1.8, 4.0)))


def ridge(rng: np.random.Generator, kind: str, haze: float = 0.25, height: float = 1.0) -> Ridge:
    """Silueta del horizonte de la clase pedida; `height` multiplica su altura. En otoño, las copas cambian de color."""
    name, material, colors, frequency, heights, texture = RIDGES[kind]
    color = shade(rng, pick(rng, colors), 0.15)
    if kind == "trees" and rng.random() < 0.2:
        color = shade(rng, (0.42, 0.20, 0.05), 0.2)
    snow = float(rng.uniform(0.08, 0.3)) if kind == "peaks" and rng.random() < 0.6 else 9.0
    return Ridge(kind, name, material, color, float(rng.uniform(*frequency)), height * float(rng.uniform(*heights)),
                 float(np.clip(haze + rng.uniform(-0.1, 0.1), 0.0, 0.9)), texture, snow)
