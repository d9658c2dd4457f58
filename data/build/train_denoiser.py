"""Entrena el limpiador de la lección 3: de una imagen de Escenas con ruido, cómo era sin él.

    .venv/bin/python data/build/train_denoiser.py

Deja en data/priors/ sus pesos en media precisión y el diario. Si se interrumpe, el mismo mandato sigue donde iba.
"""
import argparse
import json
import sys
import time
from pathlib import Path

import safetensors.torch
import torch
from torch import Generator, Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from fitting import follow, keep_memory, restore, step_size, store  # noqa: E402
from packing import write_sums  # noqa: E402

from labkit.datasets import load_images  # noqa: E402
from labkit.files import data_path  # noqa: E402
from labkit.priors import SPREAD, Denoiser  # noqa: E402

NAME, SEED, EPOCHS, BATCH, LR = "escenas_limpiador", 0, 20, 64, 2e-3
LOW, HIGH = 0.02, 1.5  # de qué ruido a qué ruido aprende; entre los dos, cada potencia pesa igual
FOLLOW = 0.995  # los pesos que se publican son un promedio móvil de los del entrenamiento
RUNS = Path(__file__).resolve().parent / "runs"


def noisy(images: Tensor, generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Las imágenes reflejadas al azar, las mismas con ruido y la σ de cada una, (b,)."""
    flip = torch.rand(len(images), generator=generator) < 0.5
    images = torch.where(flip[:, None, None, None], images.flip(3), images)
    sigma = LOW * (HIGH / LOW) ** torch.rand(len(images), generator=generator)
    return images, images + sigma[:, None, None, None] * torch.randn(images.shape, generator=generator), sigma


def loss_of(model: Denoiser, images: Tensor, generator: Generator) -> Tensor:
    """El error cuadrático de la red, en las unidades en que todas las σ pesan parecido (Karras et al., 2022)."""
    clean, dirty, sigma = noisy(images, generator)
    with torch.autocast("cpu", torch.bfloat16):
        guess = model(dirty.contiguous(memory_format=torch.channels_last), sigma).float()
    weight = (sigma ** 2 + SPREAD ** 2) / (sigma * SPREAD) ** 2
    return ((guess - clean).pow(2).mean((1, 2, 3)) * weight).mean()


def main() -> None:
    """Entrena y publica."""
    parser = argparse.ArgumentParser(description="Entrena el limpiador de la lección 3.")
    parser.add_argument("--threads", type=int, default=2, help="núcleos de CPU (2)")
    torch.set_num_threads(parser.parse_args().threads)
    keep_memory()
    images, test = load_images("train").images, load_images("test", n=500).images
    torch.manual_seed(SEED)
    model = Denoiser().to(memory_format=torch.channels_last)
    average = Denoiser()
    average.load_state_dict(model.state_dict())
    adam = torch.optim.Adam(model.parameters(), LR)
    both = torch.nn.ModuleList([model, average])
    mark, path = f"{NAME} {SEED} {EPOCHS} {BATCH} {LR} {LOW} {HIGH} {len(images)}", RUNS / f"{NAME}.pt"
    diary = restore(path, mark, both, [adam])
    batches = len(images) // BATCH
    for epoch in range(len(diary), EPOCHS):
        start, generator, total = time.perf_counter(), Generator().manual_seed(1000 * SEED + epoch), 0.0
        order = torch.randperm(len(images), generator=generator)[:batches * BATCH].split(BATCH)
        for step, index in enumerate(order):
            adam.param_groups[0]["lr"] = LR * step_size((epoch + step / batches) / EPOCHS)
            loss = loss_of(model, images[index], generator)
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            adam.step()
            total += loss.item()
            follow(average, model, min(FOLLOW, (epoch * batches + step + 1) / 300 * FOLLOW))
        with torch.no_grad():
            fixed = Generator().manual_seed(7)
            judged = sum(loss_of(average, part, fixed).item() * len(part) for part in test.split(100)) / len(test)
        diary.append({"epoch": epoch + 1, "loss": round(total / batches, 4), "test_loss": round(judged, 4),
                      "seconds": round(time.perf_counter() - start, 1)})
        store(path, mark, both, [adam], diary)
        print("  época {epoch:>3}   pérdida {loss:.4f}   prueba {test_loss:.4f}   {seconds:.0f} s".format(**diary[-1]), flush=True)
    publish(average, diary)


def publish(model: Denoiser, diary: list[dict[str, float]]) -> None:
    """Guarda los pesos y el diario en data/priors/ y pone al día las sumas."""
    path = data_path("priors", f"{NAME}.safetensors")
    path.parent.mkdir(exist_ok=True)
    weights = {key: value.detach().half().contiguous() for key, value in model.state_dict().items()}
    path.write_bytes(safetensors.torch.save(weights, metadata={"seed": str(SEED), "epochs": str(EPOCHS)}))
    log = {"name": NAME, "source": "escenas", "seed": SEED, "epochs": EPOCHS, "batch": BATCH, "lr": LR,
           "parameters": sum(w.numel() for w in model.parameters()), "test_loss": diary[-1]["test_loss"],
           "seconds": round(sum(row["seconds"] for row in diary)), "diary": diary}
    path.with_suffix(".log.json").write_text(json.dumps(log, indent=1) + "\n", encoding="utf-8")
    write_sums(data_path())


if __name__ == "__main__":
    main()
