"""La caja que se mueve, con un pintor y un juez de juguete: dónde enciende, qué pega y qué dicen las barras. Y los ejes que giran,
contra la red girada de verdad."""
import pytest
import torch
from test_experiments_drawn import NAMES, Painter, by_color

from labkit.activations import Unit, run
from labkit.dissection import PlantedWorld, count_detectors, dissect, planted_network, random_rotation, rotate_layer, rotation_power
from labkit.images import bars, contact_sheet, enlarge
from labkit.pictures import load_picture
from labkit.widgets import explore_switch, explore_turn
from labkit.widgets.experiments import BIG, CARD, DARK, NOTES, POWERS, WAYS

SIDE = 16 * BIG


class Judge:
    """Dice rojo, verde o azul por el color; de la octava fila para abajo, nada es azul."""
    names = NAMES

    def labels(self, images):
        labels = by_color(images)
        labels[:, 8:][labels[:, 8:] == 3] = 0
        return labels


@pytest.fixture
def demo():
    codes = torch.zeros(2, 3, 16, 16)
    codes[0, 0] = 0.5                                                   # el primero, todo rojo; el segundo, negro
    units = {"azul": [Unit("maps", 2)], "verde": [Unit("maps", 1)]}
    return explore_switch(Painter().eval(), Judge(), codes, units, torch.tensor([9.0, 0.75, 1.0, 9.0]), (4, 8))


def cards(demo, **values):
    """Los tres dibujos de un cuadro, cada uno (3, 16, 16), y las barras."""
    picture = load_picture(demo.draw(**values))
    shown = [picture[:, BIG // 2:SIDE:BIG, start + BIG // 2:start + SIDE:BIG] for start in (0, SIDE + 10, 2 * SIDE + 20)]
    return *shown, picture[:, :, 3 * SIDE + 30:]


def told(names, shares):
    return load_picture_of(bars(names, shares, mark=0, width=NOTES))


def load_picture_of(image):
    return (image * 255).round() / 255


def test_it_lights_those_units_inside_the_box_and_nowhere_else(demo):
    was, now, _, _ = cards(demo, concept="verde", number=1, way=WAYS[0], row=2, column=3)
    assert (was[1] == 0).all() and now[1, 2:6, 3:11] == pytest.approx(torch.full((4, 8), 0.75), abs=0.01)
    outside = torch.ones(16, 16, dtype=torch.bool)
    outside[1:7, 2:12] = False
    assert (now[1][outside] == 0).all()
    red, _, _, _ = cards(demo, concept="verde", number=0, way=WAYS[0], row=2, column=3)
    assert red[0, 14, 14] == pytest.approx(0.5, abs=0.01)


def test_the_judge_is_heard_in_the_box(demo):
    *_, high = cards(demo, concept="azul", number=1, way=WAYS[0], row=0, column=4)
    *_, low = cards(demo, concept="azul", number=1, way=WAYS[0], row=12, column=4)
    *_, half = cards(demo, concept="azul", number=1, way=WAYS[0], row=6, column=4)
    for seen, share in ((high, [1.0, 0, 0, 0]), (low, [0.0, 1, 0, 0]), (half, [0.5, 0.5, 0, 0])):
        expected = told(["azul", "ninguna", "rojo", "verde"], share)
        assert (seen[:, :expected.shape[1]] - expected).abs().max() < 0.01


def test_pasting_takes_the_square_that_came_out_above(demo):
    """Encendida abajo, el azul tapa al negro; pegada, son los píxeles de arriba: rojo y azul juntos en el primer dibujo."""
    _, lit, _, _ = cards(demo, concept="azul", number=0, way=WAYS[0], row=9, column=5)
    _, pasted, _, _ = cards(demo, concept="azul", number=0, way=WAYS[1], row=9, column=5)
    assert torch.equal(lit, pasted)                                     # este pintor pinta igual en los dos lugares

    class Fading(Painter):
        """Pinta más oscuro mientras más abajo."""
        def forward(self, code):
            return super().forward(code) * torch.linspace(1, 0, 16)[:, None]

    fading = explore_switch(Fading().eval(), Judge(), torch.zeros(1, 3, 16, 16), {"azul": [Unit("maps", 2)]}, torch.ones(4), (4, 8))
    _, lit, _, _ = cards(fading, concept="azul", number=0, way=WAYS[0], row=12, column=0)
    _, pasted, _, _ = cards(fading, concept="azul", number=0, way=WAYS[1], row=12, column=0)
    shade = torch.linspace(1, 0, 16)
    assert pasted[2, 12:, :8] == pytest.approx(shade[:4, None].expand(4, 8), abs=0.01)
    assert lit[2, 12:, :8] == pytest.approx(shade[12:, None].expand(4, 8), abs=0.01)
    assert (pasted[2, :11] == 0).all() and (pasted[2, 12:, 9:] == 0).all()


def test_every_corner_is_drawn_and_of_the_same_size(demo):
    sizes = set()
    for row in (0, demo.controls["row"].max):
        for column in (0, demo.controls["column"].max):
            for way in WAYS:
                sizes.add(load_picture(demo.draw(concept="azul", number=1, way=way, row=row, column=column)).shape)
    assert len(sizes) == 1 and demo.trouble == ""
    assert (demo.controls["row"].max, demo.controls["column"].max) == (12, 8)


# ── los ejes que giran ──────────────────────────────────────────────────────────────────────────────────────────────

WORLD = PlantedWorld(60)


@pytest.fixture(scope="module")
def turning():
    return explore_turn(planted_network().eval(), WORLD, "relu1", seed=3)


def really_turned(power):
    """La red girada de verdad, su disección y sus mapas: (60, 4, 32, 32)."""
    model = planted_network().eval()
    turned = model if not power else rotate_layer(model, "relu1", rotation_power(random_rotation(4, 3), power))
    layer = "girada" if power else "relu1"
    return dissect(turned, WORLD, layer), run(turned, WORLD.images, [layer])[layer]


@pytest.mark.parametrize("power", [0.0, 0.4, 1.0])
def test_what_it_says_and_lights_is_what_the_turned_network_gives(turning, power):
    straight, (found, maps) = really_turned(0.0)[0].iou().amax(1).argsort(descending=True, stable=True), really_turned(power)
    iou, (detectors, unique) = found.iou(), count_detectors(found.iou())
    for place in (0, 3):
        turning.controls["power"].value, turning.controls["place"].value = power, place
        unit = int(straight[place])
        picture, said = load_picture(turning.frame()), turning.words.value
        name, best = WORLD.names[iou[unit].argmax()], float(iou[unit].max())
        assert f"relu1:{unit}, con α = {power:g}" in said and f"{name}: {best:.3f}" in said
        assert f"{detectors} detectoras de {unique} conceptos distintos" in said and ("Se llama" in said) == (best > 0.04)
        top = maps[:, unit].flatten(1).amax(1).topk(5).indices
        lit = maps[top, unit, None] >= found.cuts[unit]
        sheet = contact_sheet(enlarge(torch.where(lit, WORLD.images[top], DARK * WORLD.images[top]), CARD // 32), 5)
        shown = picture[:, 96:96 + sheet.shape[1], :sheet.shape[2]]
        assert (shown - sheet).abs().max() < 0.01


def test_every_turn_and_unit_is_drawn_and_of_the_same_size(turning):
    frames = {load_picture(turning.draw(power=power, place=place)).shape for power in POWERS for place in range(4)}
    assert len(frames) == 1 and turning.trouble == "" and turning.controls["place"].max == 3


def test_a_unit_without_a_name_says_so(turning, monkeypatch):
    turning.controls["power"].value, turning.controls["place"].value = 0.0, 0
    assert "Se llama" in turning.words.value
    monkeypatch.setattr("labkit.widgets.experiments.DETECTOR_IOU", 0.2)
    turning.controls["power"].value = 1.0
    assert "Sin nombre: ningún IoU pasa de 0.2." in turning.words.value and "Se llama" not in turning.words.value
