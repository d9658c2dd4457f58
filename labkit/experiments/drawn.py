"""Disecar a una red que dibuja: qué unidades dibujan qué, y qué se borra o aparece al apagarlas y encenderlas.

Fuente: Bau et al. (2019), «GAN Dissection: Visualizing and Understanding Generative Adversarial Networks»,
arXiv:1811.10597. Las máscaras no las pone nadie a mano: un segmentador mira lo que la red acaba de dibujar.
"""
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from labkit.activations import Unit, edit, record, silence
from labkit.regions import Regions, stack_regions


class Redraw(nn.Module):
    """Un generador que recibe imágenes: saca el código de cada una y la vuelve a dibujar, (b, 3, h, w) → (b, 3, h, w).

    generator: una red que dibuja códigos y que sabe codificar (`encode`). Sus capas son las mismas y con el mismo
    nombre: lo que se anule aquí queda anulado en ella.  encode: quién saca los códigos, si no es ella: así una con
    pesos al azar dibuja los códigos de la entrenada.
    """

    def __init__(self, generator: nn.Module, encode: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        for name, module in generator.named_children():
            self.add_module(name, module)
        self.steps = encode or generator.encode, generator      # en una tupla: sus pesos ya están registrados arriba

    def forward(self, images: Tensor) -> Tensor:
        encode, draw = self.steps
        return draw(encode(images))


@dataclass(frozen=True, eq=False)
class Drawn:
    """Lo que una red dibuja, con las máscaras que le pone un segmentador: se diseca como cualquier conjunto.

    images: lo que entra a la red, (n, …): imágenes o códigos;  draw: la red, de un lote a sus dibujos (b, 3, h, w);
    segment: de unos dibujos a la clase de cada píxel, (b, h, w): 0 es ninguna e i es `names[i - 1]`. Se dibuja cada vez
    que se pregunta, con la red como esté: dentro de `silence`, sin esas unidades.
    """
    images: Tensor
    draw: Callable[[Tensor], Tensor]
    segment: Callable[[Tensor], Tensor]
    names: Sequence[str]

    @property
    def categories(self) -> list[str]:
        """La categoría de cada concepto: todos son objetos."""
        return ["object"] * len(self.names)

    def __len__(self) -> int:
        return len(self.images)

    def labels(self, rows: Tensor) -> Tensor:
        """La clase de cada píxel de los dibujos pedidos, (b, h, w)."""
        with torch.no_grad():
            return self.segment(self.draw(self.images[rows]))

    def pictures(self, rows: Tensor) -> Tensor:
        """Lo que entra a la red para esos dibujos, (b, …)."""
        return self.images[rows]

    def regions(self, rows: Tensor) -> Regions:
        """Las regiones de los dibujos pedidos: cada clase es una."""
        labels = self.labels(rows)
        concepts = torch.arange(-1, len(self.names), device=labels.device)[:, None]
        return stack_regions([(concepts, numbers) for numbers in labels])


def concept_area(world: Drawn, box: tuple[int, int, int, int] | None = None, batch_size: int = 50) -> Tensor:
    """La parte de cada dibujo que cubre cada concepto, (n, k) de 0 a 1, con la red como esté en este momento.

    box: solo los píxeles (y0, x0, y1, x1), sin y1 ni x1. Medir otra vez tras anular unidades da su efecto causal
    (Bau et al., 2019, §3.2): `with silence(generator, units): concept_area(world)`.
    """
    areas = []
    for rows in torch.arange(len(world)).split(batch_size):
        labels = world.labels(rows)
        y0, x0, y1, x1 = box or (0, 0, *labels.shape[1:])
        inside = labels[:, y0:y1, x0:x1].flatten(1)
        if not inside.numel():
            raise ValueError(f"box: esperaba píxeles de un dibujo de {tuple(labels.shape[1:])} y recibí {box}.")
        counts = inside.new_zeros(len(inside), len(world.names) + 1)
        counts.scatter_add_(1, inside, torch.ones_like(inside))
        areas.append(counts[:, 1:].float().cpu() / inside.shape[1])
    return torch.cat(areas)


def random_areas(model: nn.Module, world: Drawn, layer: str, count: int, draws: int = 5, seed: int = 0) -> Tensor:
    """El control: el área media de cada concepto al anular `count` unidades de la capa al azar, (draws, k).

    ValueError si la capa no tiene tantas.
    """
    with torch.no_grad(), record(model, [layer], stop=True) as acts:
        world.draw(world.images[:1])
    total = acts[layer].shape[1]
    if not 0 < count <= total:
        raise ValueError(f"count: «{layer}» tiene {total} unidades; esperaba de 1 a {total} y recibí {count}.")
    generator, areas = torch.Generator().manual_seed(seed), []
    for _ in range(draws):
        picked = torch.randperm(total, generator=generator)[:count].tolist()
        with silence(model, [Unit(layer, channel) for channel in picked]):
            areas.append(concept_area(world).mean(0))
    return torch.stack(areas)


@contextmanager
def switch_on(model: nn.Module, units: Iterable[Unit | str], values: Tensor,
              box: tuple[int, int, int, int]) -> Iterator[None]:
    """Dentro del `with`, cada unidad vale su número de `values`, (u,), en las casillas (y0, x0, y1, x1) de su mapa.

    units: de una misma capa;  y1 y x1 no se incluyen. Un valor que la unidad alcanza a veces (de `thresholds`) es lo
    prudente. ValueError si la caja no cabe en el mapa: al dibujar.
    """
    units, (y0, x0, y1, x1) = [Unit.parse(unit) for unit in units], box
    layer, channels = _one_layer(units), [unit.channel for unit in units]
    if len(values) != len(units):
        raise ValueError(f"values: esperaba {len(units)}, uno por unidad, y recibí {len(values)}.")

    def lit(maps: Tensor) -> Tensor:
        if not (maps.ndim == 4 and 0 <= y0 < y1 <= maps.shape[2] and 0 <= x0 < x1 <= maps.shape[3]):
            raise ValueError(f"box: los mapas de «{layer}» son {tuple(maps.shape[2:])} y recibí {tuple(box)}.")
        maps = maps.clone()
        maps[:, channels, y0:y1, x0:x1] = values.to(maps)[:, None, None]
        return maps

    with edit(model, layer, lit):
        yield


def _one_layer(units: list[Unit]) -> str:
    """La capa de todas; ValueError si no hay unidades o son de varias."""
    layers = sorted({unit.layer for unit in units})
    if len(layers) != 1:
        raise ValueError(f"units: esperaba unidades de una sola capa y recibí {', '.join(layers) or 'ninguna'}.")
    return layers[0]
