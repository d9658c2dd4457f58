"""Entrena el limpiador de la lección 3: de una imagen de Escenas con ruido, cómo era sin él.

    .venv/bin/python data/build/train_denoiser.py

Deja en data/priors/ sus pesos en media precisión y el diario. Si se interrumpe, el mismo mandato sigue donde iba.
"""
import sys
from pathlib import Path

import torch
from torch import Generator, Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from priors import Course, descend, publish, threads, train  # noqa: E402

from labkit.datasets import load_images  # noqa: E402
from labkit.priors import SPREAD, Denoiser  # noqa: E402

LOW, HIGH = 0.02, 1.5  # de qué ruido a qué ruido aprende; entre los dos, cada potencia pesa igual
COURSE = Course("escenas_limpiador", 0, 20, 64, 2e-3, lambda step: 0.995 * min(1, step / 300))


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
    threads("Entrena el limpiador de la lección 3.")
    images, test = load_images("train").images, load_images("test", n=500).images
    torch.manual_seed(COURSE.seed)
    model, average = Denoiser().to(memory_format=torch.channels_last), Denoiser()
    average.load_state_dict(model.state_dict())
    adam = torch.optim.Adam(model.parameters(), COURSE.lr)

    def learn(index: Tensor, generator: Generator) -> dict[str, float]:
        loss = loss_of(model, images[index], generator)
        descend(model, adam, loss)
        return {"loss": loss.item()}

    @torch.no_grad()
    def judge() -> dict[str, float]:
        fixed = Generator().manual_seed(7)
        judged = sum(loss_of(average, part, fixed).item() * len(part) for part in test.split(100)) / len(test)
        return {"test_loss": round(judged, 4)}

    diary = train(COURSE, f"{COURSE[:5]} {LOW} {HIGH} {len(images)}", (model, average), [adam], len(images), learn, judge)
    publish(COURSE, average, diary, {}, {"test_loss": diary[-1]["test_loss"]})


if __name__ == "__main__":
    main()
