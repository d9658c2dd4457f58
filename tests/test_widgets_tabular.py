"""La demostración de la lección 6b: cada control mueve el renglón, y lo que se dibuja es lo que contesta la red."""
import pytest
import torch
from PIL import Image

from labkit.activations import Unit, run
from labkit.tabular import Plausible, Table, credit_table, load_row_network, load_tumors, possible, row_network
from labkit.widgets import explore_row
from labkit.widgets import tabular as module
from labkit.widgets.demo import name_of


@pytest.fixture(scope="module")
def demo_parts():
    table = credit_table(200)
    units = [Unit("relu1", 3), Unit("relu2", 7)]
    return load_row_network("todas", 0), table.columns, table.rows[0], units, table.rows, Plausible(table.columns, table.rows)


def test_there_is_a_control_per_column_that_opens_in_the_row(demo_parts):
    demo, columns = explore_row(*demo_parts), demo_parts[1]
    opening = columns.decode(demo_parts[2][None])[0]
    shown = {name_of(control): control.value for control in demo.controls.values()}
    assert {name: shown[name] for name in columns.names} == opening and demo.trouble == ""
    assert demo.opening(unit="relu2:7").controls["unit"].value == "relu2:7"


def test_every_extreme_of_every_control_is_drawn_of_the_same_size(demo_parts):
    demo, sizes = explore_row(*demo_parts), set()
    for control in demo.controls.values():
        options = [value for _, value in control.options]
        for value in (options[0], options[-1]):
            control.value = value
            assert demo.trouble == ""
            sizes.add((int(demo.picture.width), int(demo.picture.height)))
    assert len(sizes) == 1


def test_what_is_drawn_is_what_the_network_answers(demo_parts, monkeypatch):
    model, columns, row, units, real, prior = demo_parts
    drawn = []
    monkeypatch.setattr(module, "bars", lambda names, values, **rest: drawn.append(values) or torch.ones(3, 93, 460))
    demo = explore_row(*demo_parts)
    place = next(key for key, control in demo.controls.items() if name_of(control) == "créditos")
    demo.controls["unit"].value = "relu2:7"
    demo.controls[place].value = 12
    asked = columns.put(row[None], "créditos", 12)
    with torch.no_grad():
        expected = float(model(asked)[0, 0].sigmoid())
    assert drawn[-1][0] == pytest.approx(expected, abs=1e-5)
    log_p = prior.log_density(real)
    assert drawn[-1][2] == pytest.approx(float((log_p < prior.log_density(asked)).float().mean()), abs=1e-6)
    usual = run(model, torch.cat([real, asked]), ["relu2"])["relu2"][:, 7]
    assert drawn[-1][1] == pytest.approx(float((usual[:-1] < usual[-1]).float().mean()), abs=1e-6) and drawn[-1][1] > 0.5


def test_a_row_that_breaks_a_law_is_said(demo_parts, monkeypatch):
    said = []
    real_one = module.text_image
    monkeypatch.setattr(module, "text_image", lambda text, width: said.append(text) or real_one(text, width))
    demo = explore_row(*demo_parts, possible)
    control = {name_of(one): one for one in demo.controls.values()}
    control["edad"].value, control["empleo"].value, control["antigüedad"].value = 30, "asalariado", 5
    assert "Rompe" not in said[-1]
    control["antigüedad"].value = 20
    assert "Rompe una ley" in said[-1]
    control["edad"].value = 60
    assert "Rompe" not in said[-1]


def test_a_table_with_decimals_works_too():
    tumors: Table = load_tumors()
    model = row_network(tumors.rows, (4,))
    demo = explore_row(model, tumors.columns, tumors.rows[3], [Unit("relu1", 1)], tumors.rows,
                       Plausible(tumors.columns, tumors.rows[:60]))
    assert demo.trouble == "" and len(demo.controls) == 11
    assert Image.MIME["PNG"] and demo.first.startswith(b"\x89PNG")


def test_rows_of_another_table_are_refused(demo_parts):
    with pytest.raises(ValueError, match="esperaba renglones"):
        explore_row(*demo_parts[:4], torch.zeros(5, 3), demo_parts[5])


def test_almost_every_step_of_every_control_changes_the_picture(demo_parts):
    """Un control que se mueve sin que nada cambie parece descompuesto: los números van con los decimales que hagan falta."""
    demo, still, steps = explore_row(*demo_parts), [], 0
    for control in demo.controls.values():
        opening, frames = control.value, []
        for _, value in control.options:
            control.value = value
            frames.append(bytes(demo.picture.value))
        control.value = opening
        steps += len(frames) - 1
        still += [name_of(control) for one, other in zip(frames, frames[1:]) if one == other]
    assert len(still) <= steps / 100, still
