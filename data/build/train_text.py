"""Entrena las redes de texto de la lección 6: la LSTM de caracteres y la red de solo atención.

    python data/build/train_text.py celdas
    python data/build/train_text.py atencion

Lee data/textos/ (make_texts.py) y deja en data/networks/textos/ los pesos, en media precisión, y el diario. Si se
interrumpe, el mismo mandato sigue donde iba. La de atención ve, en la mitad de cada lote, signos al azar que se
repiten: así aprende a copiar con poco cómputo.
"""
import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from fitting import keep_memory, restore, step_size, store  # noqa: E402
from packing import write_sums  # noqa: E402

from labkit.files import data_path  # noqa: E402
from labkit.sequences.alphabet import encode  # noqa: E402
from labkit.sequences.attention import AttentionNetwork, repeated_codes, save_attention_network  # noqa: E402
from labkit.sequences.network import FOLDER, TextNetwork, save_text_network  # noqa: E402
from labkit.sequences.texts import SOURCES, load_texts  # noqa: E402

RUNS = Path(__file__).resolve().parent / "runs"
BIT = math.log(2)
FORGET = 0.1        # con qué probabilidad un renglón del lote empieza de cero: así aprende también a empezar


class Recipe(NamedTuple):
    """Cómo se entrena: `rows` trozos de `length` signos por paso, que siguen el texto; `parts` de `steps` pasos."""
    name: str
    seed: int
    cells: int
    rows: int
    length: int
    parts: int
    steps: int
    lr: float


LSTM = Recipe("celdas", 0, 320, 32, 128, 20, 200, 4e-3)
ATTENTION = Recipe("atencion", 0, 0, 32, 128, 15, 150, 3e-3)
PERIODS = (16, 65)                          # de cuántos signos son los trozos que se repiten


def stream(recipe: Recipe, epoch: int) -> Tensor:
    """Los textos de entrenamiento, en un orden que depende de la vuelta, y en los renglones del lote: (rows, n)."""
    texts = [encode(text) for source in SOURCES for text in load_texts(source, "train").texts]
    order = torch.randperm(len(texts), generator=Generator().manual_seed(1000 * recipe.seed + epoch))
    whole = torch.cat([texts[i] for i in order])
    return whole[:len(whole) // recipe.rows * recipe.rows].view(recipe.rows, -1)


def batches(recipe: Recipe, done: int) -> Iterator[Tensor]:
    """Los trozos, (rows, length + 1), uno tras otro y sin acabarse, desde el paso `done`."""
    n = stream(recipe, 0).shape[1]
    per_epoch, epoch = (n - 1) // recipe.length, None
    while True:
        if done // per_epoch != epoch:
            epoch = done // per_epoch
            whole = stream(recipe, epoch)
        start = done % per_epoch * recipe.length
        yield whole[:, start:start + recipe.length + 1]
        done += 1


@torch.no_grad()
def bits(model: nn.Module, source: str, split: str, row: int = 1000, most: int = 10**9) -> float:
    """Bits por signo en una parte, en renglones de `row` signos que empiezan de cero."""
    codes = torch.cat([encode(text) for text in load_texts(source, split).texts])[:most]
    rows = codes[:len(codes) // row * row].view(-1, row)
    losses = [F.cross_entropy(model(part[:, :-1])[:, :, 0], part[:, 1:], reduction="sum") for part in rows.split(32)]
    return float(sum(losses)) / rows[:, 1:].numel() / BIT


def lstm_course() -> tuple[TextNetwork, Callable[[Tensor, int], Tensor]]:
    """La LSTM por aprender, y lo que cuesta un lote: sigue el texto con lo que recuerda del lote anterior."""
    model = TextNetwork(LSTM.cells)
    with torch.no_grad():                                                   # al principio, que no olvide
        model.lstm.bias_ih_l0[LSTM.cells:2 * LSTM.cells] = 1.0
    memory = [model.start(LSTM.rows)]                                       # lo que recuerda del lote anterior

    def loss_of(codes: Tensor, step: int) -> Tensor:
        dice = Generator().manual_seed(10**6 * (LSTM.seed + 1) + step)
        keep = (torch.rand(LSTM.rows, 1, generator=dice) >= FORGET).float()
        logits = model(codes[:, :-1], tuple(values * keep for values in memory[0]))
        memory[0] = model.state
        return F.cross_entropy(logits[:, :, 0], codes[:, 1:])

    return model, loss_of


def attention_course() -> tuple[AttentionNetwork, Callable[[Tensor, int], Tensor]]:
    """La red de atención por aprender, y lo que cuesta un lote: la mitad, texto; la mitad, signos que se repiten."""
    model, half = AttentionNetwork(), ATTENTION.rows // 2

    def loss_of(codes: Tensor, step: int) -> Tensor:
        dice = Generator().manual_seed(10**6 * (ATTENTION.seed + 1) + step)
        period = int(torch.randint(*PERIODS, (1,), generator=dice))
        again = repeated_codes(half, period, 10**6 + step).repeat(1, 8)[:, :codes.shape[1]]
        both = torch.cat([codes[:half], again])
        logits = model(both[:, :-1])[:, :, 0]
        text = F.cross_entropy(logits[:half], codes[:half, 1:])
        return text + F.cross_entropy(logits[half:, :, period:], again[:, period + 1:])

    return model, loss_of


COURSES = {"celdas": (LSTM, lstm_course), "atencion": (ATTENTION, attention_course)}


def train(recipe: Recipe, model: nn.Module, loss_of: Callable[[Tensor, int], Tensor]) -> list[dict]:
    """Entrena la red, o sigue donde iba; da su diario."""
    path, total = RUNS / f"texto_{recipe.name}.pt", recipe.parts * recipe.steps
    adam = torch.optim.Adam(model.parameters(), recipe.lr, betas=(0.9, 0.99))
    diary = restore(path, str(recipe), model, [adam])
    source = batches(recipe, len(diary) * recipe.steps)
    for part in range(len(diary), recipe.parts):
        start, losses = time.perf_counter(), []
        model.train()
        for step in range(part * recipe.steps, (part + 1) * recipe.steps):
            adam.param_groups[0]["lr"] = recipe.lr * step_size(step / total)
            loss = loss_of(next(source), step)
            adam.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            adam.step()
            losses.append(loss.item() / BIT)
        diary.append({"part": part + 1, "bits": round(sum(losses) / len(losses), 3),
                      "validation_bits": round(bits(model, "python", "validation", recipe.length, 60_000), 3),
                      "seconds": round(time.perf_counter() - start, 1)})
        store(path, str(recipe), model, [adam], diary)
        print("  " + "   ".join(f"{key} {value}" for key, value in diary[-1].items()), flush=True)
    return diary


def publish(recipe: Recipe, model: nn.Module, diary: list[dict]) -> None:
    """Guarda los pesos, con su ficha, y el diario, y pone al día las sumas."""
    row = recipe.length if isinstance(model, AttentionNetwork) else 1000
    measured = {f"{source}_bits": f"{bits(model.eval(), source, 'test', row):.3f}" for source in SOURCES}
    path = data_path(*FOLDER, f"{recipe.name}.safetensors")
    save = save_attention_network if isinstance(model, AttentionNetwork) else save_text_network
    save(model, path, {"seed": str(recipe.seed), "parts": str(len(diary)), **measured})
    log = {**recipe._asdict(), "parameters": sum(weights.numel() for weights in model.parameters()), **measured,
           "seconds": round(sum(row["seconds"] for row in diary)), "diary": diary}
    path.with_suffix(".log.json").write_text(json.dumps(log, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_sums(data_path())


def main() -> None:
    """Lee qué red y la entrena."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=COURSES)
    parser.add_argument("--threads", type=int, default=1, help="núcleos de CPU (1)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    keep_memory()
    recipe, course = COURSES[options.name]
    torch.manual_seed(recipe.seed)
    model, loss_of = course()
    publish(recipe, model, train(recipe, model, loss_of))


if __name__ == "__main__":
    main()
