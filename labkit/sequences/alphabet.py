"""El alfabeto: de cada signo, su código, y al revés."""
import torch
from torch import Tensor

# lo que se escribe en un teclado, el renglón nuevo, y los signos del español y de las cuentas sencillas
ALPHABET = ("\n !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"
            "áéíóúüñÁÉÍÓÚÑ¿¡«»…–—×−±°·§≥≤→")
UNKNOWN = "?"                               # por cuál se cambia un signo de fuera, si quien llama lo pide


def encode(text: str, unknown: str | None = None) -> Tensor:
    """Los códigos de un texto, (T,), enteros: el lugar de cada signo en ALPHABET.

    unknown: por cuál signo del alfabeto se cambian los que no están en él; si no lo dices, son un error que los nombra.
    TypeError si no es un texto; ValueError si está vacío o trae signos de fuera.
    """
    if not isinstance(text, str):
        raise TypeError(f"text: esperaba un texto (str) y recibí {type(text).__name__}.")
    if not text:
        raise ValueError("text: el texto está vacío, y hace falta al menos un signo.")
    places = {sign: code for code, sign in enumerate(ALPHABET)}
    if unknown is not None and unknown not in places:
        raise ValueError(f"unknown: esperaba un signo del alfabeto, como {UNKNOWN!r}, y recibí {unknown!r}.")
    strange = dict.fromkeys(sign for sign in text if sign not in places)
    if strange and unknown is None:
        raise ValueError(f"text: {_named(text, next(iter(strange)))} no está en el alfabeto de la red"
                         f"{_others(list(strange)[1:])}. Quítalo, o prueba encode(text, unknown={UNKNOWN!r}).")
    return torch.tensor([places[unknown if sign in strange else sign] for sign in text])


def decode(codes: Tensor) -> str:
    """El texto que dicen unos códigos, (T,). ValueError si alguno no es de un signo del alfabeto."""
    if codes.ndim != 1 or codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < len(ALPHABET):
        raise ValueError(f"codes: esperaba enteros de 0 a {len(ALPHABET) - 1}, (T,), y recibí {codes.tolist()}.")
    return "".join(ALPHABET[code] for code in codes.tolist())


def _named(text: str, sign: str) -> str:
    """Un signo y dónde está, dicho para que se encuentre: «€» (U+20AC), en el renglón 3."""
    line = text[:text.index(sign)].count("\n") + 1
    return f"el signo {sign!r} (U+{ord(sign):04X}), en el renglón {line},"


def _others(signs: list[str]) -> str:
    """Los demás signos de fuera, a lo más ocho."""
    if not signs:
        return ""
    return f", ni {' '.join(map(repr, signs[:8]))}{'…' if len(signs) > 8 else ''}"
