"""Leer con la red un texto de cualquier largo, y que ella escriba."""
from collections.abc import Iterable, Iterator, Sequence
from math import inf, log

import torch
import torch.nn.functional as F
from torch import Tensor

from labkit.activations import Acts, Unit, record
from labkit.device import device_of, draw_index
from labkit.progress import progress
from labkit.sequences.alphabet import encode
from labkit.sequences.network import TextNetwork, check_codes

CHUNK = 2000                                # signos que se leen juntos: acota la memoria, y no cambia lo que se lee
COLDEST = 1e-6                              # con menos, los logits divididos se salen de lo que cabe en un número


def read_parts(model: TextNetwork, codes: Tensor, layers: Iterable[str], chunk: int = CHUNK) -> Iterator[Acts]:
    """Las activaciones de unos códigos (b, T), trozo por trozo, (b, c, 1, t): cada uno sigue donde quedó el de antes.

    Todas juntas son las de una sola pasada, y solo están en la memoria las de un trozo.
    """
    if chunk < 1:
        raise ValueError(f"chunk: esperaba al menos 1 y recibí {chunk}.")
    state, layers = None, list(layers)
    with torch.no_grad(), record(model, layers) as acts, progress("Leyendo", codes.shape[1], "signos") as bar:
        for part in codes.split(chunk, 1):
            model(part, state)
            state = model.state
            yield dict(acts)
            bar.update(part.shape[1])


def read_units(model: TextNetwork, text: str, units: Iterable[Unit | str], unknown: str | None = None,
               chunk: int = CHUNK) -> Tensor:
    """Lo que vale cada unidad después de leer cada signo de un texto: (u, T).

    unknown: por cuál se cambian los signos que la red no conoce; si no lo dices, son un error.
    """
    units = [Unit.parse(unit) for unit in units]
    if not units:
        raise ValueError('units: hace falta al menos una unidad. Prueba [Unit("cells", 12)].')
    codes = encode(text, unknown)[None].to(device_of(model))
    parts = read_parts(model, codes, dict.fromkeys(unit.layer for unit in units), chunk)
    return torch.cat([torch.stack([unit.map(acts)[0, 0] for unit in units]) for acts in parts], 1)


def sign_bits(model: TextNetwork, codes: Tensor, chunk: int = CHUNK) -> Tensor:
    """Cuántos bits le cuesta a la red cada signo después del primero: códigos (b, T) → (b, T − 1).

    Es −log₂ de la probabilidad que le daba al signo que de verdad siguió: 0 si estaba segura, y 7 si escogió al azar.
    """
    check_codes(codes, len(model.classes))
    if codes.shape[1] < 2:
        raise ValueError("codes: hacen falta al menos dos signos: del primero no se dice nada.")
    costs, start = [], 0
    for acts in read_parts(model, codes, ["fc"], chunk):
        logits = acts["fc"][:, :, 0]                                                        # (b, v, t)
        wanted = codes[:, start + 1:start + 1 + logits.shape[2]]
        costs.append(F.cross_entropy(logits[:, :, :wanted.shape[1]], wanted, reduction="none") / log(2))
        start += logits.shape[2]
    return torch.cat(costs, 1)


def bits_per_sign(model: TextNetwork, codes: Tensor) -> float:
    """Los bits por signo de la red en unos códigos (b, T), en promedio."""
    return float(sign_bits(model, codes).mean())


def sample_text(model: TextNetwork, start: str = "\n", length: int = 300, temperature: float = 1.0,
                seed: int = 0) -> str:
    """Lo que escribe la red después de leer `start`: cada signo se sortea con las probabilidades que ella da.

    temperature: entre cuánto se dividen los logits; cerca de 0 gana siempre el más probable, y con 1 se sortea lo que
    la red cree. Con la misma semilla escribe siempre lo mismo. ValueError si la temperatura no es positiva.
    """
    check_temperature(temperature)
    dice, codes, state = torch.Generator().manual_seed(seed), encode(start)[None], None
    written: list[int] = []
    with torch.no_grad():
        for _ in range(length):
            logits = model(codes.to(device_of(model)), state)[0, :, 0, -1].cpu()
            state = model.state
            codes = draw_index((logits / temperature).softmax(0), dice)[None, None]
            written.append(int(codes))
    return "".join(model.classes[code] for code in written)


def check_temperature(temperature: float) -> None:
    """Nada, si la temperatura sirve para dividir los logits: al menos COLDEST; si no, ValueError."""
    if not COLDEST <= temperature < inf:
        raise ValueError(f"temperature: esperaba un número de {COLDEST} para arriba y recibí {temperature}. "
                         "Prueba 0.1.")


def top_passages(values: Tensor, texts: Sequence[str], k: int = 5, before: int = 60) -> list[tuple[float, int, int]]:
    """Los lugares en que más vale una unidad: (valor, cuál texto, en qué signo), a lo más uno por cada `before` signos.

    values: lo que vale en los textos, uno tras otro, (T,).  ValueError si no hay un valor por signo.
    """
    if values.shape != (sum(map(len, texts)),):
        raise ValueError(f"values: esperaba un valor por signo, ({sum(map(len, texts))},), y recibí "
                         f"{tuple(values.shape)}.")
    owners = torch.cat([torch.full((len(text),), i) for i, text in enumerate(texts)])
    places = torch.cat([torch.arange(len(text)) for text in texts])
    left, found = values.clone(), []
    while len(found) < k and bool(left.isfinite().any()):
        best = int(left.nan_to_num(-torch.inf, neginf=-torch.inf).argmax())
        owner, place = int(owners[best]), int(places[best])
        found.append((float(values[best]), owner, place))
        left[(owners == owner) & ((places - place).abs() < before)] = -torch.inf
    return found
