"""La demostración de la lección 6b: un renglón que se mueve columna por columna, y lo que contesta la red."""
from collections.abc import Callable, Sequence

import ipywidgets as widgets
import torch
from torch import Tensor, nn

from labkit.activations import Unit
from labkit.images import bars, beside, png_bytes, sized, text_image
from labkit.objectives import channel
from labkit.tabular import Choice, Columns, Number, Plausible, row_scores
from labkit.widgets.demo import WHOLE_LABEL, Demo, choice

STOPS, NOTES, HIGH = 200, 390, 93                       # paradas, a lo más, de un control; lo escrito, y el alto


def explore_row(model: nn.Module, columns: Columns, row: Tensor, units: Sequence[Unit], real: Tensor,
                prior: Plausible, law: Callable[[Columns, Tensor], Tensor] | None = None) -> Demo:
    """Un control por columna y uno por unidad: el riesgo que da la red, la unidad, y qué tan plausible es el renglón.

    row: el renglón en que abre, (d,).  units: las que se pueden elegir.  real: renglones de la tabla, (n, d), que dicen
    entre qué valores se mueven la unidad y log p.  law: qué renglones (n, d) son posibles, (n,); si el que se mueve no
    lo es, se dice. Un valor que no cabe en los controles da ValueError.
    """
    columns.check(real)
    usual = {str(unit): _sorted(row_scores(model, real, channel(unit))) for unit in units}
    typical, opening = _sorted(prior.log_density(real)), columns.decode(row[None])[0]
    names = {f"columna{i}": name for i, name in enumerate(columns.names)}

    def draw(unit: str, **values: float | str) -> bytes:
        asked = columns.encode([{names[key]: value for key, value in values.items()}])
        risk = float(row_scores(model, asked, channel("fc:0")).sigmoid())
        value, log_p = float(row_scores(model, asked, channel(unit))), float(prior.log_density(asked))
        shares = [risk, _below(usual[unit], value), _below(typical, log_p)]
        titles = ["riesgo: es de", f"{unit}: supera a", "log p: supera a"]
        verdict = "En la tabla hay gente más rara." if shares[2] else "Menos plausible que todos."
        if law is not None and not bool(law(columns, asked)[0]):
            verdict = "Rompe una ley: no puede ser de nadie."
        text = (f"{verdict}\n"
                f"{unit} vale {value:.2f}; en la tabla, hasta {usual[unit][-1]:.1f}.\n"
                f"log p vale {log_p:.2f}; en la tabla, de {typical[0]:.1f} a {typical[-1]:.1f}.")
        note = sized(text_image(text.replace("-", "−"), NOTES), height=HIGH)
        return png_bytes(beside([sized(bars(titles, shares, width=460, row=HIGH // 3), height=HIGH), note], 16))

    controls = {"unit": choice("unidad", [(str(unit), str(unit)) for unit in units], str(units[0]))}
    for key, name in names.items():
        controls[key] = _control(columns[name], opening[name])
    return Demo(draw, controls)


def _control(column: Number | Choice, value: float | str) -> widgets.Widget:
    """El control de una columna: una lista de opciones, o un deslizador por sus valores permitidos."""
    if isinstance(column, Choice):
        return choice(column.name, [(option, option) for option in column.values], value)
    places = column.candidates(STOPS)
    stops = [column.decode(place) for place in places[::-(-len(places) // STOPS)]]
    stops = sorted({*stops, column.decode(places[-1]), value})          # los extremos, y donde abre, siempre están
    options = [(f"{stop:,} {column.unit}".strip(), stop) for stop in stops]
    return widgets.SelectionSlider(options=options, value=value, description=column.name, style=WHOLE_LABEL,
                                   layout={"width": "400px"})


def _sorted(values: Tensor) -> Tensor:
    return values.sort().values


def _below(ordered: Tensor, value: float) -> float:
    """Qué parte de unos valores ya ordenados es menor que ese."""
    return int(torch.searchsorted(ordered, torch.tensor(value))) / len(ordered)
