"""Entrena el generador de la lección 3: dibujar imágenes de Escenas a partir de un código corto.

    .venv/bin/python data/build/train_generator.py

Tres redes a la vez: el generador y el codificador quieren que la imagen de un código se parezca a la que lo dio, en
sus píxeles y en lo que ve el crítico, y que el crítico la crea de Escenas; el crítico quiere distinguirlas. Deja en
data/priors/ los pesos en media precisión y el diario. Si se interrumpe, el mismo mandato sigue donde iba.
"""
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # labkit, también sin instalar

from priors import RUNS, Course, publish, threads, train  # noqa: E402

from labkit.datasets import load_images  # noqa: E402
from labkit.images import contact_sheet, png_bytes  # noqa: E402
from labkit.priors import CODE, SIDE, ImageGenerator  # noqa: E402

GRAIN = 0.3            # el ruido que se suma a cada código: códigos vecinos, imágenes vecinas
SEEN, FOOLED = 1.0, 0.05  # cuánto pesa parecerse en lo que ve el crítico, y engañarlo; los píxeles pesan 2
COURSE = Course("escenas_generador", 0, 36, 64, 6e-4, lambda step: min(0.998, 1 - 1 / step))


class Critic(nn.Module):
    """¿De Escenas o dibujada? De imágenes (b, 3, 64, 64) a una puntuación por región, (b, 1, 8, 8), y lo que ve."""

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128, 128)) -> None:
        super().__init__()
        steps = (2, 2, 2, 1)
        self.blocks = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 4 if step == 2 else 3, step, 1))
            for before, after, step in zip((3, *widths), widths, steps))
        self.leave = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        maps, seen = images - 0.5, []
        for block in self.blocks:
            maps = F.leaky_relu(block(maps), 0.2)
            seen.append(maps)
        return self.leave(maps), seen


def learn(painter: ImageGenerator, critic: Critic, tools: list, images: Tensor, generator: Generator) -> dict[str, float]:
    """Un paso del crítico y uno del generador con su codificador; devuelve sus pérdidas."""
    flip = torch.rand(len(images), generator=generator) < 0.5
    images = torch.where(flip[:, None, None, None], images.flip(3), images).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        code = painter.encode(images)
        free = torch.randn(len(code) // 2, CODE, SIDE, SIDE, generator=generator)
        grain = GRAIN * torch.randn(code.shape, generator=generator)
        drawn = painter(torch.cat([(code + grain).float(), free]))
        real, fake = critic(images)[0].float(), critic(drawn.detach())[0].float()
    judged = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    step(tools[1], critic, judged)
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            goal = critic(images)[1]
        scores, seen = critic(drawn)
        apart = sum((a[:len(images)] - b).float().abs().mean() / b.float().abs().mean() for a, b in zip(seen, goal))
    pixels = (drawn[:len(images)].float() - images).abs().mean()
    step(tools[0], painter, 2 * pixels / 0.25 + SEEN * apart / len(goal) - FOOLED * scores.float().mean())
    losses = {"pixels": pixels, "seen": apart / len(goal), "real": real.mean(), "drawn": fake.mean()}
    return {name: loss.detach().item() for name, loss in losses.items()}


def step(tool: torch.optim.Optimizer, model: nn.Module, loss: Tensor) -> None:
    """Un paso de una de las redes."""
    model.zero_grad()
    slopes = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)
    for weight, slope in zip(model.parameters(), slopes):
        weight.grad = slope
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    tool.step()


def main() -> None:
    """Entrena y publica."""
    threads("Entrena el generador de la lección 3.")
    images, test = load_images("train").images, load_images("test", n=500).images
    torch.manual_seed(COURSE.seed)
    painter, critic, average = ImageGenerator().to(memory_format=torch.channels_last), Critic(), ImageGenerator()
    average.load_state_dict(painter.state_dict())
    tools = [torch.optim.Adam(painter.parameters(), COURSE.lr, (0.5, 0.99)),
             torch.optim.Adam(critic.parameters(), COURSE.lr, (0.0, 0.99))]

    def judge() -> dict[str, float]:
        average.eval()
        with torch.no_grad():
            back = torch.cat([average(average.encode(part)) for part in test.split(100)])
            peek(average, test)
        average.train()
        return {"test_pixels": round((back - test).abs().mean().item(), 4)}

    diary = train(COURSE, f"{COURSE[:5]} {SEEN} {FOOLED} {GRAIN} {len(images)}", (painter, average, critic), tools, len(images),
                  lambda index, generator: learn(painter, critic, tools, images[index], generator), judge)
    publish(COURSE, average, diary, {}, {"test_pixels": diary[-1]["test_pixels"]})


def peek(average: ImageGenerator, test: Tensor) -> None:
    """Deja en runs/ una hoja para mirar: doce imágenes de prueba, lo que da su código y doce códigos al azar."""
    code = average.encode(test[:12])
    free = torch.randn(12, CODE, SIDE, SIDE, generator=Generator().manual_seed(0))
    RUNS.mkdir(parents=True, exist_ok=True)
    sheet = contact_sheet(torch.cat([test[:12], average(code), average(free)]), 12)
    (RUNS / f"{COURSE.name}.png").write_bytes(png_bytes(sheet))


if __name__ == "__main__":
    main()
