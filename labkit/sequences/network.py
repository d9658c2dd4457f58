"""La red que lee un texto, signo por signo, y dice cuál sigue: una LSTM de una capa (Hochreiter y Schmidhuber, 1997).

Sus capas tienen nombre, como las de las redes de imágenes: un texto de T signos es una imagen de un renglón de alto.

    embed    (b, d, 1, T)  un vector por signo
    cells    (b, c, 1, T)  lo que guarda cada celda después de leer el signo t: su estado c, antes de la tangente
    hidden   (b, c, 1, T)  lo que la celda deja ver, o · tanh(c)
    fc       (b, v, 1, T)  un logit por signo del alfabeto: cuál sigue

Fuente: doi:10.1162/neco.1997.9.8.1735; con código, Karpathy, Johnson y Fei-Fei (2015), arXiv:1506.02078.
"""
import json
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from labkit.device import pick_device
from labkit.files import write_aside
from labkit.models import ready
from labkit.models.plain import read_weights
from labkit.sequences.alphabet import ALPHABET

State = tuple[Tensor, Tensor]               # lo que recuerda entre un signo y el siguiente: hidden y cells, (b, c)
FOLDER = ("networks", "textos")


class Recurrent(nn.Module):
    """Una capa que va paso a paso: `run` ve lo que dio en todos; `silence` y `edit` la cambian en cada `step`."""

    def __init__(self) -> None:
        super().__init__()
        self.step = nn.Identity()

    @property
    def changed(self) -> bool:
        """Si alguien cambia lo que da en cada paso."""
        return bool(self.step._forward_hooks)

    def forward(self, values: Tensor) -> Tensor:
        return values


class Embed(nn.Embedding):
    """Un vector por signo: códigos (b, T) → (b, d, 1, T)."""

    def forward(self, codes: Tensor) -> Tensor:
        return super().forward(codes).movedim(2, 1)[:, :, None]


class TextNetwork(nn.Module):
    """La LSTM de caracteres: códigos (b, T) → logits (b, v, 1, T); el del lugar t dice qué signo va en t + 1.

    La corre `nn.LSTM`. Si hay algo anulado en `cells` o en `hidden` va paso a paso (`steps`), para que quede anulado
    antes de leer el signo siguiente, y no solo en lo que se mira al final.
    """

    def __init__(self, cells: int = 320, width: int = 48, alphabet: str = ALPHABET) -> None:
        super().__init__()
        self.embed = Embed(len(alphabet), width)
        self.lstm = nn.LSTM(width, cells, batch_first=True)
        self.cells, self.hidden = Recurrent(), Recurrent()
        self.fc = nn.Conv2d(cells, len(alphabet), 1)                        # la misma capa densa en cada lugar
        self.layers, self.classes = ["embed", "cells", "hidden", "fc"], list(alphabet)
        self.state: State | None = None                                     # cómo quedó después de la última pasada

    def forward(self, codes: Tensor, state: State | None = None) -> Tensor:
        check_codes(codes, len(self.classes))
        vectors = self.embed(codes)
        state = self.start(len(codes)) if state is None else state
        read = self.steps if self.cells.changed or self.hidden.changed else self.whole
        hidden, cells = read(vectors[:, :, 0].mT, state)
        self.state = hidden[:, -1].detach(), cells[:, -1].detach()
        self.cells(cells.mT[:, :, None])
        return self.fc(self.hidden(hidden.mT[:, :, None]))

    def start(self, b: int) -> State:
        """El estado antes de leer nada: ceros, (b, c)."""
        return tuple(self.fc.weight.new_zeros(2, b, self.lstm.hidden_size))

    def steps(self, vectors: Tensor, state: State) -> State:
        """La recurrencia, un signo tras otro: vectores (b, T, d) → hidden y cells, (b, T, c)."""
        lstm, (h, c) = self.lstm, state
        come = vectors @ lstm.weight_ih_l0.T + lstm.bias_ih_l0 + lstm.bias_hh_l0            # (b, T, 4c)
        seen = []
        for gates in come.unbind(1):
            into, forget, new, out = (gates + h @ lstm.weight_hh_l0.T).chunk(4, 1)
            c = forget.sigmoid() * c + into.sigmoid() * new.tanh()
            c = self.cells.step(c[:, :, None, None])[:, :, 0, 0]
            h = self.hidden.step((out.sigmoid() * c.tanh())[:, :, None, None])[:, :, 0, 0]
            seen.append((h, c))
        return tuple(torch.stack(values, 1) for values in zip(*seen))

    def whole(self, vectors: Tensor, state: State) -> State:
        """Lo mismo con `nn.LSTM`, que va más rápido; como no da las celdas de cada paso, se rehacen con hidden."""
        lstm, (h, c) = self.lstm, state
        hidden, (_, last) = lstm(vectors, (h[None], c[None]))
        if self.training:                                                   # entrenando basta con la última
            return hidden, last.movedim(0, 1)
        before = torch.cat([h[:, None], hidden[:, :-1]], 1)
        gates = vectors @ lstm.weight_ih_l0.T + lstm.bias_ih_l0 + before @ lstm.weight_hh_l0.T + lstm.bias_hh_l0
        into, forget, new, _ = gates.chunk(4, 2)
        cells = []
        for kept, added in zip(forget.sigmoid().unbind(1), (into.sigmoid() * new.tanh()).unbind(1)):
            c = kept * c + added
            cells.append(c)
        return hidden, torch.stack(cells, 1)


def check_codes(codes: Tensor, size: int) -> None:
    """Nada, si son códigos (b, T) de un alfabeto de `size` signos; si no, TypeError o ValueError, con qué probar."""
    if not isinstance(codes, Tensor):
        raise TypeError(f"codes: esperaba los códigos de un texto y recibí {type(codes).__name__}. "
                        "Prueba encode(texto)[None].")
    if codes.dtype != torch.int64 or codes.ndim != 2:
        raise ValueError(f"codes: esperaba enteros (b, T) y recibí {codes.dtype} {tuple(codes.shape)}. "
                         "Prueba encode(texto)[None].")
    if not codes.numel():
        raise ValueError(f"codes: el texto está vacío, {tuple(codes.shape)}, y hace falta al menos un signo.")
    if int(codes.min()) < 0 or int(codes.max()) >= size:
        raise ValueError(f"codes: esperaba códigos de 0 a {size - 1} y hay de {int(codes.min())} a "
                         f"{int(codes.max())}. ¿Es otro alfabeto?")


def load_text_network(name: str = "celdas", device: str | None = None) -> TextNetwork:
    """La LSTM que viene con el curso, en eval() y congelada. ValueError si no hay una con ese nombre."""
    weights, card = read_weights(*FOLDER, f"{name}.safetensors")
    model = TextNetwork(int(card["cells"]), int(card["width"]), json.loads(card["alphabet"]))
    model.load_state_dict(weights)
    return ready(model).to(pick_device(device))


def save_text_network(model: TextNetwork, path: Path, notes: dict[str, str]) -> None:
    """Guarda la red en media precisión, con su ficha: celdas, alfabeto y `notes`, que son textos."""
    card = {"architecture": "text", "cells": str(model.lstm.hidden_size), "width": str(model.embed.embedding_dim),
            "alphabet": json.dumps("".join(model.classes), ensure_ascii=False)}
    weights = {key: value.detach().half().contiguous() for key, value in model.state_dict().items()}
    with write_aside(path) as file:
        file.write(safetensors.torch.save(weights, metadata={**notes, **card}))


def random_text_twin(model: TextNetwork, seed: int = 0) -> TextNetwork:
    """La misma red con pesos al azar: el control. Con la misma semilla da siempre los mismos."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        twin = TextNetwork(model.lstm.hidden_size, model.embed.embedding_dim, "".join(model.classes))
    return ready(twin)
