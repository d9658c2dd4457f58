"""Una red de solo atención, de dos capas, con sus cabezas por nombre: ○ opcional.

Recibe los mismos códigos que la LSTM y da los mismos logits. Cada cabeza es un canal, como en una red de imágenes:

    pattern1, pattern2   (b, cabezas, T, T)  a qué lugar de antes mira cada lugar: cada renglón suma 1
    heads1, heads2       (b, cabezas, T, d)  lo que cada cabeza trae de ahí; `silence` la anula
    fc                   (b, v, 1, T)        un logit por signo: cuál sigue

El orden de los signos entra girando consultas y llaves (Su et al., 2021, arXiv:2104.09864). Fuente: Vaswani et al.
(2017), arXiv:1706.03762; sin capas densas, Elhage et al. (2021), «A Mathematical Framework for Transformer Circuits».
"""
import json
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from labkit.activations import run
from labkit.device import pick_device
from labkit.files import write_aside
from labkit.models import ready
from labkit.models.plain import read_weights
from labkit.sequences.alphabet import ALPHABET
from labkit.sequences.network import FOLDER, Embed, check_codes

CONTEXT = 128                               # cuántos signos lee a la vez


class Attention(nn.Module):
    """Una capa de atención hacia atrás: vectores (b, T, d) → su patrón, (b, n, T, T), y lo que trae cada cabeza.

    query, key, value: las tres matrices de todas las cabezas, juntas.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.norm = heads, nn.LayerNorm(width, elementwise_affine=False)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))

    def look(self, vectors: Tensor) -> Tensor:
        """A dónde mira cada lugar, entre él y los de antes: (b, n, T, T)."""
        queries, keys = (turn(self.split(matrix(self.norm(vectors)))) for matrix in (self.query, self.key))
        scores = queries @ keys.mT / queries.shape[3] ** 0.5
        ahead = torch.ones(scores.shape[2:], dtype=torch.bool, device=scores.device).triu(1)
        return scores.masked_fill(ahead, -torch.inf).softmax(3)

    def bring(self, vectors: Tensor, pattern: Tensor) -> Tensor:
        """Lo que trae cada cabeza de los lugares a los que mira: (b, n, T, d / n)."""
        return pattern @ self.split(self.value(self.norm(vectors)))

    def join(self, brought: Tensor) -> Tensor:
        """Lo de todas las cabezas, sumado en un vector por lugar: (b, T, d)."""
        return self.out(brought.movedim(1, 2).flatten(2))

    def split(self, vectors: Tensor) -> Tensor:
        """Los vectores (b, T, d) en un pedazo por cabeza: (b, n, T, d / n)."""
        return vectors.unflatten(2, (self.heads, -1)).movedim(2, 1)


class AttentionNetwork(nn.Module):
    """Dos capas de atención y nada más: códigos (b, T), con T a lo más CONTEXT, → logits (b, v, 1, T)."""

    def __init__(self, width: int = 96, heads: int = 4, alphabet: str = ALPHABET) -> None:
        super().__init__()
        self.embed = Embed(len(alphabet), width)
        self.attn1, self.attn2 = Attention(width, heads), Attention(width, heads)
        self.pattern1, self.heads1, self.pattern2, self.heads2 = (nn.Identity() for _ in range(4))
        self.norm, self.fc = nn.LayerNorm(width), nn.Conv2d(width, len(alphabet), 1)
        self.layers, self.classes = ["pattern1", "heads1", "pattern2", "heads2", "fc"], list(alphabet)

    def forward(self, codes: Tensor) -> Tensor:
        check_codes(codes, len(self.classes))
        if codes.shape[1] > CONTEXT:
            raise ValueError(f"codes: esta red lee a lo más {CONTEXT} signos a la vez y recibí {codes.shape[1]}. "
                             f"Prueba codes[:, :{CONTEXT}].")
        vectors = self.embed(codes)[:, :, 0].mT                             # (b, T, d)
        pattern = self.pattern1(self.attn1.look(vectors))
        vectors = vectors + self.attn1.join(self.heads1(self.attn1.bring(vectors, pattern)))
        pattern = self.pattern2(self.attn2.look(vectors))
        vectors = vectors + self.attn2.join(self.heads2(self.attn2.bring(vectors, pattern)))
        return self.fc(self.norm(vectors).mT[:, :, None])


def turn(vectors: Tensor) -> Tensor:
    """Gira cada pareja de números según su lugar en el texto: así una consulta sabe qué tan lejos está cada llave."""
    half = vectors.shape[3] // 2
    speeds = 1000.0 ** (-torch.arange(half, device=vectors.device) / half)
    angles = torch.arange(vectors.shape[2], device=vectors.device)[:, None] * speeds        # (T, d / 2)
    a, b = vectors[..., :half], vectors[..., half:]
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], 3)


def repeated_codes(n: int = 32, period: int = CONTEXT // 2, seed: int = 0, signs: int = 96) -> Tensor:
    """n textos al azar, cada uno escrito dos veces seguidas: códigos (n, 2 · period). Solo copiando se adivinan."""
    dice = torch.Generator().manual_seed(seed)
    return torch.randint(signs, (n, period), generator=dice).repeat(1, 2)


def induction_scores(pattern: Tensor, period: int) -> Tensor:
    """Cuánta atención pone cada cabeza, en la segunda vuelta, en el signo que siguió la primera vez: (n,), de 0 a 1.

    pattern: (b, n, 2 · period, 2 · period), de un texto repetido. El lugar t mira al t − period + 1: ahí está la
    respuesta. Fuente: Olsson et al. (2022), arXiv:2209.11895.
    """
    places = torch.arange(period, pattern.shape[2])
    return pattern[:, :, places, places - period + 1].mean((0, 2))


def previous_scores(pattern: Tensor) -> Tensor:
    """Cuánta atención pone cada cabeza en el signo de justo antes: (n,), de 0 a 1."""
    places = torch.arange(1, pattern.shape[2])
    return pattern[:, :, places, places - 1].mean((0, 2))


def head_scores(model: AttentionNetwork, codes: Tensor) -> dict[str, Tensor]:
    """Las dos puntuaciones de cada cabeza con textos que se repiten, (b, T): nombre → (2, n), una capa por renglón."""
    with torch.no_grad():
        acts = run(model, codes, ["pattern1", "pattern2"])
    patterns, period = [acts["pattern1"], acts["pattern2"]], codes.shape[1] // 2
    return {"inducción": torch.stack([induction_scores(pattern, period) for pattern in patterns]),
            "signo anterior": torch.stack([previous_scores(pattern) for pattern in patterns])}


def load_attention_network(name: str = "atencion", device: str | None = None) -> AttentionNetwork:
    """La red de solo atención que viene con el curso, en eval() y congelada."""
    weights, card = read_weights(*FOLDER, f"{name}.safetensors")
    model = AttentionNetwork(int(card["width"]), int(card["heads"]), json.loads(card["alphabet"]))
    model.load_state_dict(weights)
    return ready(model).to(pick_device(device))


def save_attention_network(model: AttentionNetwork, path: Path, notes: dict[str, str]) -> None:
    """Guarda la red en media precisión, con su ficha: ancho, cabezas, alfabeto y `notes`, que son textos."""
    card = {"architecture": "attention", "width": str(model.embed.embedding_dim), "heads": str(model.attn1.heads),
            "alphabet": json.dumps("".join(model.classes), ensure_ascii=False)}
    weights = {key: value.detach().half().contiguous() for key, value in model.state_dict().items()}
    with write_aside(path) as file:
        file.write(safetensors.torch.save(weights, metadata={**notes, **card}))
