"""Con qué se entrena cada red del curso. Las semillas se fijaron antes; ninguna se eligió mirando la prueba."""
from dataclasses import dataclass

WIDE = (24, 48, 64, 96, 128)
NARROW = (16, 24, 32, 48, 64)


@dataclass(frozen=True)
class Recipe:
    """La receta de una red.

    source: conjunto de `load_images` con que se entrena. target: "labels" (qué objeto), "scenes" (en qué lugar), "both"
    (las dos cosas) o "turns" (cuántos cuartos de vuelta se giró la imagen: sin etiquetas de nadie).
    epochs, lr, batch: vueltas a los datos, paso de Muon e imágenes por lote. pools: tras qué convoluciones se reduce el
    mapa; None, tras todas menos dos. sharp: parte de las imágenes que se mueve sin interpolar. light: cuánto cambia la
    luz. smoothing: parte de la respuesta que se reparte entre todas las clases (Szegedy et al., 2016). grain: ruido.
    mixing: cuánto se mezclan las imágenes entre sí. covering: lado, en píxeles, del cuadro que se tapa al azar en cada
    imagen. attack: radio L2 de las imágenes adversarias con que se entrena, 0 sin ellas. start: red ya entrenada de la
    que se parte, "" para pesos al azar. teachers: redes de las que se aprende: en vez de la clase, la respuesta buena es la
    media de las suyas, en la imagen o en su espejo (Hinton et al., 2015). blend: parte de los pesos del comienzo que queda
    en el promedio con los del final (Wortsman et al., 2022). draft: una etapa, que no se publica. architecture, first: la de
    la red, "plain", "inception" o "residual", y el lado de los primeros filtros. new_head: si la red de la que se parte
    estrena su última capa, también cuando la pregunta es la misma. snapshots: en qué pasos se guarda una copia. trials:
    otras pruebas que se miden al final, cada una un conjunto con `test`.
    """
    name: str
    source: str = "escenas"
    target: str = "labels"
    seed: int = 0
    epochs: int = 30
    lr: float = 0.02
    weight_decay: float = 0.02
    batch: int = 64
    widths: tuple[int, ...] = WIDE
    dense: int = 64
    batch_norm: bool = False
    pools: tuple[int, ...] | None = None
    sharp: float = 0.0
    light: float = 1.0
    smoothing: float = 0.0
    grain: float = 0.0
    mixing: float = 0.0
    covering: int = 0
    attack: float = 0.0
    start: str = ""
    teachers: tuple[str, ...] = ()
    blend: float = 0.0
    draft: bool = False
    architecture: str = "plain"
    first: int = 5
    new_head: bool = False
    snapshots: tuple[int, ...] = ()
    trials: tuple[str, ...] = ()


CARS = ("autos_trampa", "autos_invertidos", "autos_libres")
WOLVES = ("lobos_trampa", "lobos_libres")
PHOTOS = dict(source="cifar10", epochs=30, batch=250, widths=(24, 64, 64, 192, 224, 224, 224), dense=128, pools=(2, 4, 6),
              sharp=0.7, light=0.3, smoothing=0.1, grain=0.05, covering=10)

# Los experimentos de la lección 5b: una red chica y lo que se le cambia. Con las semillas 0 a 4 se escogió qué comparar; la
# lista quedó fija en labkit/experiments antes de contar nada en las ocho de SEEDS, que son las que dan el veredicto.
SEEDS = range(10, 18)
SMALL = dict(epochs=10, widths=(16, 32, 48, 96, 128))
VARIANTS: dict[str, dict] = {
    "base": dict(snapshots=(1, 4, 20, 44, 99, 223, 492)),
    "bn": dict(batch_norm=True),
    "lugares": dict(target="scenes"),
    "mezcla": dict(target="both"),
    "giros": dict(target="turns"),
    "vgg": dict(widths=(16, 16, 32, 32, 64, 64, 128), pools=(2, 4, 6), first=3),
    "inception": dict(architecture="inception"),
    "residual": dict(architecture="residual"),
    "ancho32": dict(widths=(16, 32, 48, 96, 32)),
    "ancho64": dict(widths=(16, 32, 48, 96, 64)),
    "ancho256": dict(widths=(16, 32, 48, 96, 256)),
    "transferida": dict(target="scenes", epochs=5, lr=0.01),
    "continuada": dict(epochs=5, lr=0.01),
    "cabeza": dict(epochs=5, lr=0.01, new_head=True),
}
LATER = ("transferida", "continuada", "cabeza")


def experiment(variant: str, seed: int) -> Recipe:
    """La receta de una red; la transferida y sus dos controles parten de la base de su misma semilla."""
    start = f"base_{seed}" if variant in LATER else ""
    return Recipe(f"{variant}_{seed}", seed=seed, start=start, draft=True, **{**SMALL, **VARIANTS[variant]})


EXPERIMENTS = {recipe.name: recipe for recipe in (
    *(experiment(variant, seed) for seed in SEEDS for variant in VARIANTS),
)}

RECIPES = {recipe.name: recipe for recipe in (
    Recipe("escenas"),
    Recipe("escenas_semilla1", seed=1),
    Recipe("escenas_semilla2", seed=2),
    Recipe("escenas_bn", batch_norm=True),
    Recipe("escenas_lugares", target="scenes", epochs=20),
    Recipe("escenas_robusta", epochs=10, lr=0.01, attack=1.5, start="escenas"),
    Recipe("autos_trampa", source="autos_trampa", epochs=12, widths=NARROW, dense=32, trials=CARS),
    Recipe("autos_reparada", source="autos_libres", epochs=30, widths=NARROW, dense=32, trials=CARS),
    Recipe("lobos_trampa", source="lobos_trampa", epochs=12, widths=NARROW, dense=32, trials=WOLVES),
    Recipe("lobos_reparada", source="lobos_libres", epochs=30, widths=NARROW, dense=32, trials=WOLVES),
    Recipe("cifar10", **PHOTOS),
    Recipe("cifar10_bn_angosta", source="cifar10", epochs=20, batch=128, widths=(32, 64, 128, 128, 192, 256), dense=128,
           batch_norm=True, pools=(2, 4), sharp=0.8, light=0.3, smoothing=0.1, grain=0.05, draft=True),
    Recipe("cifar10_bn_etapa1", batch_norm=True, draft=True, **PHOTOS),
    Recipe("cifar10_bn", batch_norm=True, start="cifar10_bn_etapa1", teachers=("cifar10_bn_etapa1", "cifar10_bn_angosta"),
           lr=0.01, mixing=0.5, blend=0.5, **{**PHOTOS, "epochs": 8, "smoothing": 0.0}),
    Recipe("cifar10_robusta", lr=0.01, attack=1.0, start="cifar10", **{**PHOTOS, "epochs": 8, "covering": 0}),
)}
