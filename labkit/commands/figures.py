"""Las figuras del reporte: de cada unidad, su nombre, las imágenes en que más responde y la que se hizo para ella."""
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from labkit.commands.evidence import Evidence
from labkit.commands.units import full_names, others, signed
from labkit.dissection import Label
from labkit.dissection.labels import KINDS
from labkit.images import contact_sheet, jpeg_bytes
from labkit.portraits import GRAY, SHOWN, Exemplars, Made

QUALITY = 80
PAGE_BYTES = 2_900_000                          # lo que pesa, a lo más, la página sin las imágenes hechas


class Portrait(NamedTuple):
    """Una unidad del reporte: su etiqueta, sus ejemplares y la imagen hecha para ella; None, las que no se piden."""
    label: Label
    best: Exemplars
    made: Made | None = None


def drawn_figures(evidence: Evidence, portraits: Sequence[Portrait], taken: int, all_of: int | None = None
                  ) -> list[str]:
    """Las figuras en HTML, de la primera unidad en adelante: las que quepan o, si se pidieron, las primeras `all_of`.

    taken: los bytes que ya ocupa lo demás de la página. Si no caben todas, los ejemplares van a la mitad del tamaño;
    si así tampoco, se quedan fuera las últimas. La imagen hecha para una unidad no cuenta, y nunca se queda fuera.
    """
    wanted = portraits if all_of is None else portraits[:all_of]
    sheets = [_sheet(portrait.best) for portrait in wanted]
    small = all_of is None and sum(map(len, sheets)) > PAGE_BYTES - taken
    if small:
        sheets = [_sheet(portrait.best, 2) for portrait in wanted]
    figures, room = [], PAGE_BYTES - taken
    for portrait, sheet in zip(wanted, sheets):
        room -= len(sheet)
        if all_of is None and room < 0 and portrait.made is None:
            break
        figures.append(_figure(evidence, portrait, sheet, small))
    return figures


def _sheet(best: Exemplars, shrink: int = 1) -> str:
    """Los ejemplares de una unidad en una hoja, en base64."""
    tiles = best.tiles
    if shrink > 1:
        tiles = F.interpolate(tiles, [side // shrink for side in tiles.shape[-2:]], mode="area")
    return b64encode(jpeg_bytes(contact_sheet(tiles, SHOWN), QUALITY)).decode()


def _figure(evidence: Evidence, portrait: Portrait, sheet: str, small: bool) -> str:
    """Una unidad en HTML: su nombre, su IoU, sus otros nombres posibles, si aguanta el control, y sus imágenes."""
    label, made = portrait.label, portrait.made
    unit, channel = escape(str(label.unit)), label.unit.channel
    named = (f"<b>{unit}</b>: {escape(label.concept)} ({escape(KINDS.get(label.category, label.category))}), "
             f"IoU {label.iou:.3f}")
    if evidence.sets:
        names = full_names(evidence)
        named += f"; nombres posibles: {escape(others([names[k] for k in evidence.sets[channel]]))}"
    if evidence.twins:
        named += "; ✓ aguanta el control" if evidence.survives()[channel] else "; no aguanta el control"
    seen = _picture(sheet, f"las imágenes en que más responde {unit}, con el contorno de donde llega a su umbral",
                    small)
    cut = float(evidence.found.cuts[channel])
    notes = f"Umbral: {signed(cut)}. Lo más que responde en cada imagen: {_listed(portrait.best.peaks)}."
    if made is not None and made.jpeg is not None:
        seen += _picture(b64encode(made.jpeg).decode(), f"la imagen optimizada para que {unit} responda más", False)
    if made is not None:
        notes += f" {made_told(made)}"
    return f'<figure id="u{channel}"><figcaption>{named}</figcaption>{seen}<p>{escape(notes)}</p></figure>'


def made_told(made: Made) -> str:
    """Qué tanto encendió a la unidad la imagen hecha para ella o, si no hay imagen, por qué."""
    if made.jpeg is not None:
        return (f"En la imagen hecha para ella responde hasta {signed(made.reached)}; en el ruido del que partió, "
                f"{signed(made.began)}.")
    if made.mean <= 0:
        why = f"al terminar, la media de su respuesta era {signed(made.mean)} y no pasó de 0; no se logró encender"
    elif made.moved <= GRAY:
        why = (f"no se movió del ruido gris del que partió (cambió {made.moved:.3f} en promedio, de 0 a 1), aunque "
               f"responde hasta {signed(made.reached)}")
    else:
        why = (f"al terminar, la media de su respuesta era {signed(made.mean)}, y en el ruido del que partió, "
               f"{signed(made.first)}; no subió")
    return f"Sin imagen hecha para ella: {why}. Con más --steps puede lograrse."


def _listed(values: Tensor) -> str:
    return ", ".join(signed(value) for value in values.tolist())


def _picture(code: str, text: str, small: bool) -> str:
    """Una imagen dentro de la página, con lo que se lee en su lugar; se descifra hasta que hace falta."""
    size = ' class="small"' if small else ""
    return f'<img{size} alt="{text}" loading="lazy" decoding="async" src="data:image/jpeg;base64,{code}">'
