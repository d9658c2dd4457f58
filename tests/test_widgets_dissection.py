"""Las demostraciones de la lección 5: lo que escriben y pintan es lo que da una cuenta hecha aparte, en NumPy."""
from dataclasses import replace
from math import floor
from statistics import median
from time import process_time

import numpy as np
import pytest
import torch

from labkit.datasets import load_concepts
from labkit.dissection import Convention, Shuffled, dissect
from labkit.pictures import load_picture
from labkit.widgets import demo as demo_module
from labkit.widgets import explore_concepts, explore_detectors, explore_threshold
from labkit.widgets.dissection import threshold, units

SHARES = (0.004, 0.03, 0.2)
ABSENT = "morado"                                                           # nada es de ese color en la carpeta diminuta


@pytest.fixture(autouse=True)
def no_errors(monkeypatch, capfd):
    """Un error en `draw` hace fallar la prueba en vez de salir escrito en el cuadro; y nada va a stderr."""
    def fail(error, *size):
        raise error
    monkeypatch.setattr(demo_module, "error_picture", fail)
    yield
    assert capfd.readouterr().err == ""


def grainy(world):
    """Con un poco de ruido no hay dos respuestas iguales, y nada depende del orden de los empates."""
    noise = torch.rand(world.images.shape, generator=torch.Generator().manual_seed(0))
    return replace(world, images=0.9 * world.images + 0.1 * noise)


def without_textures(world):
    """El mismo conjunto sin una sola textura en la primera mitad de las imágenes."""
    first, half = world.categories.count("scene"), len(world) // 2
    rows = torch.tensor([k - first for k, category in enumerate(world.categories) if category == "texture"])
    textured = world.members[rows].any(0)                                   # (s,), qué segmentos tienen textura
    segments = world.segments.clone()
    segments[:half][textured[segments[:half].long()]] = int((~textured).nonzero()[0, 0])
    return replace(world, segments=segments)


@pytest.fixture
def concepts(world):
    return grainy(load_concepts("test"))


@pytest.fixture
def model(planted):
    """conv2 ve la mitad de los lugares; su última unidad es muda."""
    planted.conv2 = torch.nn.Conv2d(4, 3, 1)
    planted.conv2.weight.data = torch.tensor([[1.0, -1, -1, 0], [0, 1, -2, 0], [0, 0, 0, 0]])[:, :, None, None]
    planted.conv2.bias.data = torch.tensor([0.2, 0.0, 1.5])
    planted.fc = torch.nn.Linear(3, 3)
    return planted.eval().requires_grad_(False)


@pytest.fixture
def found(model, concepts):
    return dissect(model, concepts, "conv2", Convention(0.03))


@pytest.fixture
def told(monkeypatch):
    """Lo que se escribe, lo que va en barras y lo que va en una fila, en el orden en que se pide."""
    seen = {"text": [], "bars": [], "sheet": [], "panel": {}}
    for module in (units, threshold):
        write, draw, frame = module.text_image, module.bars, module.caption
        monkeypatch.setattr(module, "text_image", lambda text, *rest, write=write: seen["text"].append(text) or write(text, *rest))
        monkeypatch.setattr(module, "bars", lambda names, values, *rest, draw=draw: (
            seen["bars"].append((list(names), [float(v) for v in values], rest[0])) or draw(names, values, *rest)))
        monkeypatch.setattr(module, "caption", lambda image, text, *rest, frame=frame: (
            seen["panel"].update({text: image}) or frame(image, text, *rest)))
    sheet = units.contact_sheet
    monkeypatch.setattr(units, "contact_sheet", lambda images, *rest: seen["sheet"].append(images) or sheet(images, *rest))
    return seen


def maps_by_hand(model, images, unit):
    """El mapa de una unidad de conv2 en cada imagen, y agrandado con la regla de tres cuartos y un cuarto."""
    pooled = images.double().numpy().reshape(len(images), 3, 32, 2, 32, 2).mean((3, 5))
    r, g, b = pooled.transpose(1, 0, 2, 3)
    see = np.stack([np.stack([(c.clip(0)) for c in (r, g, b)])])[0]
    weights, bias = model.conv2.weight.double().numpy()[unit, :3, 0, 0], float(model.conv2.bias[unit])
    small = np.tensordot(weights, see, 1) + bias
    big = small
    for axis in (1, 2):
        first, last = (big.take([place], axis) for place in (0, -1))
        before, after = np.concatenate([first, big], axis), np.concatenate([big, last], axis)
        before, after = before.take(range(32), axis), after.take(range(1, 33), axis)
        pair = np.stack([0.25 * before + 0.75 * big, 0.75 * big + 0.25 * after], axis + 1)
        big = pair.reshape([n * 2 if i == axis else n for i, n in enumerate(big.shape)])
    return small, big


def written(number):
    return f"{number:.2f}".replace("-", "−")


def ends(control):
    if hasattr(control, "options"):
        values = [option[1] if isinstance(option, tuple) else option for option in control.options]
        return values[0], values[-1]
    return control.min, control.max


# ── el umbral ────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("unit, concept, category", [(0, "cebra", ""), (1, "ladrillo", "texture"), (0, "pasto", "no")])
def test_the_threshold_demo_against_a_plain_recount(model, concepts, told, unit, concept, category):
    if category == "no":
        concept, category = "playa", "scene"                                # la imagen entera
    demo = explore_threshold(model, concepts, f"conv2:{unit}", concept, category, SHARES)
    small, big = maps_by_hand(model, concepts.images, unit)
    k = [i for i, name in enumerate(concepts.names) if name == concept and category in ("", concepts.categories[i])][0]
    truth = np.stack([concepts.masks(i)[0, k].numpy() for i in range(len(concepts))])
    ordered = np.sort(small.ravel())[::-1]
    for image, share in ((1, SHARES[0]), (3, SHARES[1]), (demo.controls["image"].max, SHARES[2])):
        demo.draw(image=image, share=share)
        text = next(text for text in reversed(told["text"]) if "Imagen" in text)
        row, cut = int(text.split("Imagen ")[1].split(":")[0]), ordered[floor(share * ordered.size)]
        lit = big >= cut
        ours, theirs, both, union = lit[row].sum(), truth[row].sum(), (lit & truth)[row].sum(), (lit | truth)[row].sum()
        for said in (f"q = {share:g} da T = {written(cut)}\n", f"M, la unidad: {ours} píxeles", f"L, el concepto: {theirs}\n",
                     f"los dos: {both}\n", f"alguno: {union}\n", f"IoU de esta imagen: {both / max(union, 1):.3f}"):
            assert said in text
        assert [f"los dos: {both}", f"solo la unidad: {ours - both}", f"solo el concepto: {theirs - both}"] == \
            [text for text in told["text"] if text.startswith(("los dos", "solo"))][-3:]
        names, values, mark = told["bars"][-1]
        assert names == [f"{share:g}" for share in SHARES] and names[mark] == f"{share:g}"
        same = [concepts.categories[other] == concepts.categories[k] for other in range(len(concepts.names))]
        held = [bool(concepts.masks(i)[0, same].any()) for i in range(len(concepts))]       # tienen algo de la categoría
        whole = [((big >= T) & truth)[held].sum() / ((big >= T) | truth)[held].sum()
                 for T in (ordered[floor(q * ordered.size)] for q in SHARES)]
        assert np.allclose(values, whole, atol=1e-9)


@pytest.mark.parametrize("share", [0.03, 0.2])
def test_what_is_painted_are_those_pixels(model, concepts, told, share):
    demo = explore_threshold(model, concepts, "conv2:0", "ladrillo", "material", SHARES)
    demo.draw(image=2, share=share)
    panel, row = told["panel"], int(told["text"][-1].split("Imagen ")[1].split(":")[0])
    small, big = maps_by_hand(model, concepts.images, 0)
    lit = big[row] >= np.sort(small.ravel())[::-1][floor(share * small.size)]
    truth = concepts.masks(row)[0, concepts.names.index("ladrillo")].numpy()
    assert (lit & truth).any() and (lit & ~truth if share == 0.2 else truth & ~lit).any()
    image = concepts.images[row]
    for title, mask in (("M, la unidad: S ≥ T", lit), ("L, el concepto", truth)):
        expected = torch.where(torch.from_numpy(mask), image, 0.35 * image)
        assert torch.allclose(panel[title][:, ::3, ::3], expected, atol=1e-6) and panel[title].shape == (3, 192, 192)
    yellow = (panel["M y L juntas"] - torch.tensor(threshold.YELLOW)[:, None, None]).abs().amax(0) < 1e-6
    assert np.array_equal(yellow[1::3, 1::3].numpy(), lit & truth)
    for ink, mask in ((threshold.ORANGE, lit & ~truth), (threshold.SKY, truth & ~lit)):
        striped = ((panel["M y L juntas"] - torch.tensor(ink)[:, None, None]).abs().amax(0) < 1e-6).float()
        inked = torch.nn.functional.avg_pool2d(striped[None, None], 3)[0, 0].numpy()    # por píxel de la imagen
        assert not inked[~mask].any() and (not mask.any() or 0.2 < inked[mask].mean() < 0.8)   # rayado: ni liso ni vacío


@pytest.mark.parametrize(("concept", "category"), [("caballo", "object"), ("ladrillo", "texture")])
def test_the_demo_counts_what_dissect_counts(model, concepts, told, concept, category):
    """También si a algunas imágenes les falta toda la categoría: lo que la unidad enciende ahí no cuenta."""
    concepts = without_textures(concepts)
    explore_threshold(model, concepts, "conv2:0", concept, category, SHARES)
    k = list(zip(concepts.names, concepts.categories)).index((concept, category))
    different = []
    for share, value in zip(SHARES, told["bars"][-1][1]):
        assert value == dissect(model, concepts, "conv2", Convention(share)).iou()[0, k].item()
        different.append(value != dissect(model, concepts, "conv2", Convention(share, union="all")).iou()[0, k].item())
    assert any(different) == (category == "texture")


def test_the_images_are_the_best_and_those_in_which_the_unit_is_quiet(model, concepts, told):
    demo = explore_threshold(model, concepts, "conv2:1", "ladrillo", "material", (0.0002, 0.1))
    peaks = maps_by_hand(model, concepts.images, 1)[0].max((1, 2))
    rows, notes = [], []
    for image in range(1, demo.controls["image"].max + 1):
        demo.draw(image=image, share=0.1)
        line = next(text for text in reversed(told["text"]) if "Imagen" in text).splitlines()[1]
        rows.append(int(line.split()[1].strip(":"))), notes.append("tiene el concepto" in line)
    assert rows[:12] == np.argsort(-peaks)[:12].tolist() and not any(notes[:12]) and all(notes[12:]) and len(notes) == 20
    areas = concepts.masks(slice(None))[:, [concepts.names.index("ladrillo")]].sum((1, 2, 3))
    assert len(set(rows)) == 20 and (areas[rows[12:]].diff() <= 0).all() and areas[rows[12:]].min() > 0


def test_a_mute_unit_and_a_concept_that_is_nowhere(model, concepts, told):
    demo = explore_threshold(model, concepts, "conv2:2", ABSENT, shares=SHARES)
    assert demo.controls["image"].max == 12                                 # nadie tiene el concepto
    for image in (1, 12):
        for share in SHARES:
            demo.draw(image=image, share=share)
            text = next(text for text in reversed(told["text"]) if "Imagen" in text)
            assert "es muda y no cuenta" in text and "M, la unidad: 0 píxeles" in text and "IoU de esta imagen: 0.000" in text
    assert told["bars"][-1][1] == [0.0, 0.0, 0.0]
    explore_threshold(model, concepts, "conv2:0", "cebra", shares=SHARES)
    assert "muda" not in told["text"][-1]


# ── las unidades ─────────────────────────────────────────────────────────────────────────────────────────────────────

def test_the_units_in_order_with_their_three_best_concepts(model, concepts, found, told):
    order, counts = [1, 0, 2], found.tally                                 # que el orden por IoU no sea el de los canales
    found = replace(found, tally=replace(counts, both=counts.both[order], active=counts.active[order]))
    demo = explore_detectors(model, concepts, "conv2", found)
    iou = found.iou().numpy()
    assert iou.max(1).argmax() == 1
    for order, units in (("iou", np.argsort(-iou.max(1), kind="stable")), ("channel", [0, 1, 2])):
        for place, unit in enumerate(units):
            demo.draw(order=order, place=place)
            names, values, mark = told["bars"][-1]
            best = np.sort(iou[unit])[::-1][:3]
            assert np.allclose(values, best) and mark == 0
            kinds = {"object": "objeto", "part": "parte", "scene": "escena", "texture": "textura"}
            for name, value in zip(names, best):
                k = [k for k in range(len(iou[0])) if iou[unit, k] == value and value]
                assert name in [f"{found.names[i]} ({kinds.get(found.categories[i], found.categories[i])})" for i in k] or name == "nada"
            title, verdict = told["text"][-2:]
            assert title.startswith(f"conv2:{unit}, {place + 1} de 3. ")
            assert ("Es muda" in verdict) == (unit == 2) and ("Detecta" in verdict) == (best[0] > 0.04)
            assert f"T = {written(found.cuts[unit].item())}; lo más que responde, " in verdict


def test_the_set_of_names_of_a_unit_is_said_with_its_size(model, concepts, found, told):
    demo = explore_detectors(model, concepts, "conv2", found, sets=[[1], [0, 2, 1], [4, 3, 2, 1, 0, 5]])
    names = found.names
    for unit, ending in enumerate((f"{names[1]}. Es uno.", f"{names[0]}, {names[2]}, {names[1]}. Son 3.",
                                   f"{names[4]}, {names[3]}, {names[2]}, {names[1]} y 2 más. Son 6.")):
        demo.draw(order="channel", place=unit)
        assert told["text"][-1].endswith(f"podría ser (95 %): {ending}")
    explore_detectors(model, concepts, "conv2", found).draw(order="channel", place=1)
    assert "podría ser" not in told["text"][-1]


def test_the_images_of_a_unit_are_lit_where_it_passes_its_threshold(model, concepts, found, told):
    found.cuts[2] -= 0.1                                                    # la muda pasaría en todos lados
    demo = explore_detectors(model, concepts, "conv2", found, torch.rand(3, 3, 48, 48))
    for unit in (0, 1):
        demo.draw(order="channel", place=unit)
        small, big = maps_by_hand(model, concepts.images, unit)
        rows = np.argsort(-small.max((1, 2)), kind="stable")[:5]
        lit = torch.from_numpy(big[rows] >= np.sort(small.ravel())[::-1][floor(0.03 * small.size)])
        images = concepts.images[rows]
        assert torch.allclose(told["sheet"][-1][..., ::2, ::2], torch.where(lit[:, None], images, 0.35 * images), atol=1e-6)
    demo.draw(order="channel", place=2)
    assert told["sheet"][-1].max() <= 0.35 and told["panel"]["optimizada"].shape == (3, 144, 144)


# ── los conceptos ────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_concept_with_its_numbers_and_its_units(model, concepts, found, told):
    demo = explore_concepts(model, concepts, "conv2", found)
    masks, iou = concepts.masks(slice(None)).numpy(), found.iou().numpy()
    second = next(k for unit in (0, 1) for k in np.argsort(-iou[unit])[1:3] if (iou[unit] == iou[unit, k]).sum() == 1)  # no es el mejor
    for k in (concepts.names.index("cebra"), concepts.names.index("playa"), concepts.names.index(ABSENT), second):
        demo.draw(category=concepts.categories[k], concept=k)
        text = next(text for text in reversed(told["text"]) if "techo" in text)
        share = masks[:, k].mean()
        assert f"Está en {masks[:, k].any((1, 2)).sum()} de 30 imágenes; cubre {100 * share:.2f} % " in text
        unit = int(iou[:, k].argmax())
        mine = found.tally.active[unit, 0].item() / masks[:, 0].size
        assert f"conv2:{unit} enciende {100 * mine:.2f} %: su techo es {min(share, mine) / max(share, mine):.3f}." in text
        ranks = [[1 + int((row > row[k]).sum()) if row[k] else 9 for row in iou][unit] for unit in range(3)]
        assert f"su mejor concepto: {sum(rank == 1 for rank in ranks)}; " in text
        assert f"mejores: {sum(rank <= 3 for rank in ranks)}." in text
        names, values, _ = told["bars"][-1]
        among = [unit for unit in np.argsort(-iou[:, k], kind="stable") if ranks[unit] <= 3]
        if among:
            assert names == [f"conv2:{unit} ({ranks[unit]}.º)" for unit in among] and np.allclose(values, iou[among, k])
        else:
            assert not any("º" in name for name in names) and "Ninguna" in told["text"][-4] + told["text"][-3]


def test_its_images_have_it_outlined_and_go_from_more_to_less(model, concepts, found, told):
    k = concepts.names.index("rayado")
    demo = explore_concepts(model, concepts, "conv2", found)
    told["sheet"].clear()
    demo.draw(category="texture", concept=k)
    unit, masks = int(found.iou()[:, k].argmax()), concepts.masks(slice(None))[:, k]
    small, big = maps_by_hand(model, concepts.images, unit)
    have = [row for row in np.argsort(-small.max((1, 2)), kind="stable") if masks[row].any()]
    assert len(have) >= 10
    for sheet, rows in zip(told["sheet"], (have[:5], have[-5:])):
        lit = torch.from_numpy(big[rows] >= found.cuts[unit].item())
        expected = torch.where(lit[:, None], concepts.images[rows], 0.35 * concepts.images[rows])
        inside = -torch.nn.functional.max_pool2d(-masks[rows].float()[:, None], 9, 1, 4)[:, 0] > 0          # lejos del contorno
        close = (sheet[..., ::2, ::2] - expected).abs().amax(1) < 1e-6
        inside[..., :2], inside[..., -2:], inside[:, :2], inside[:, -2:] = False, False, False, False
        assert close[inside].all() and not close.all() and inside.any()
        outline = (sheet == 1).all(1)[:, 1::2, 1::2] & ~masks[rows]
        assert outline.flatten(1).any(1).all()


def test_the_second_list_follows_the_first(model, concepts, found):
    demo = explore_concepts(model, concepts, "conv2", found)
    category, concept = demo.controls["category"], demo.controls["concept"]
    best = found.iou().amax(0)
    assert concept.value == int(best.argmax()) and category.value == found.categories[concept.value]
    for _, name in category.options:
        category.value = name
        listed = [k for _, k in concept.options]
        assert sorted(listed) == [k for k, kind in enumerate(found.categories) if kind == name] and concept.value == listed[0]
        assert (best[listed].diff() <= 0).all()
        assert bytes(demo.picture.value) == demo.draw(category=name, concept=listed[0])
        concept.value = listed[-1]
        assert bytes(demo.picture.value) == demo.draw(category=name, concept=listed[-1])


# ── las tres ─────────────────────────────────────────────────────────────────────────────────────────────────────────

DEMOS = {
    "umbral": lambda model, world, found: explore_threshold(model, world, "conv2:0", "cebra"),
    "umbral, muda": lambda model, world, found: explore_threshold(model, world, "conv2:2", ABSENT),
    "umbral, capa densa": lambda model, world, found: explore_threshold(model, world, "fc:1", "cebra"),
    "unidades": lambda model, world, found: explore_detectors(model, world, "conv2", found),
    "conceptos": lambda model, world, found: explore_concepts(model, world, "conv2", found),
    "conceptos barajados": lambda model, world, found: explore_concepts(model, Shuffled(world), "conv2", found),
}


@pytest.mark.parametrize("name", DEMOS)
def test_each_control_goes_from_end_to_end_quickly_and_the_picture_keeps_its_size(name, model, concepts, found):
    demo = DEMOS[name](model, concepts, found)
    took, size = [], load_picture(demo.first).shape
    assert 800 <= size[2] <= 900
    for corner in range(2 ** len(demo.controls)):
        for bit, control in enumerate(demo.controls.values()):
            start = process_time()
            control.value = ends(control)[corner >> bit & 1]
            took.append(process_time() - start)
        assert load_picture(bytes(demo.picture.value)).shape == size
    assert median(took) < 0.1


def test_a_set_of_one_or_three_images_is_enough(model, world):
    for n in (1, 3):
        few = grainy(load_concepts("test", n=n))
        found = dissect(model, few, "conv2")
        for demo in (explore_threshold(model, few, "conv2:0", few.names[0]), explore_detectors(model, few, "conv2", found),
                     explore_concepts(model, few, "conv2", found)):
            for control in demo.controls.values():
                for end in ends(control):
                    control.value = end


@pytest.mark.parametrize("call, message", [
    (lambda m, w, f: explore_threshold(m, w, "conv2:0", "cevra"), "no hay un concepto «cevra». ¿Quisiste decir «cebra»"),
    (lambda m, w, f: explore_threshold(m, w, "conv2:0", "xyzw"), "no hay un concepto «xyzw».$"),
    (lambda m, w, f: explore_threshold(m, w, "conv2:0", "ladrillo"), '«ladrillo» está en "material" y "texture"'),
    (lambda m, w, f: explore_threshold(m, w, "conv2:0", "cebra", "scene"), "«cebra» está en \"object\", y recibí 'scene'"),
    (lambda m, w, f: explore_threshold(m, w, "conv2:3", "cebra"), "«conv2» tiene 3 canales, del 0 al 2"),
    (lambda m, w, f: explore_threshold(m, w, "conv9:0", "cebra"), "no hay una capa «conv9».*conv1"),
    (lambda m, w, f: explore_threshold(m, w, "conv2", "cebra"), "capa:canal"),
    (lambda m, w, f: explore_threshold(m, w, "conv2:0", "cebra", shares=(0.1, 1.0)), "shares: esperaba"),
    (lambda m, w, f: explore_threshold(m, w, "conv2:0", "cebra", shares=()), "shares: esperaba"),
    (lambda m, w, f: explore_detectors(m, w, "conv1", f), "tiene 3 unidades y «conv1» tiene 4.*dissect"),
    (lambda m, w, f: explore_concepts(m, w, "conv1", f), "tiene 3 unidades y «conv1» tiene 4.*dissect"),
    (lambda m, w, f: explore_detectors(m, w, "conv9", f), "no hay una capa «conv9»"),
    (lambda m, w, f: explore_detectors(m, w, "conv2", f, torch.rand(4, 3, 8, 8)), "pictures: esperaba 3, .* recibí 4"),
    (lambda m, w, f: explore_detectors(m, w, "conv2", f, sets=[[0]]), "sets: esperaba 3 .* recibí 1"),
])
def test_wrong_arguments_are_told(model, concepts, found, call, message):
    with pytest.raises(ValueError, match=message):
        call(model, concepts, found)


def test_a_dissection_of_other_concepts_is_told(model, concepts, found):
    found.names[0] = "otro"
    with pytest.raises(ValueError, match="sus .* conceptos no son los .* de world"):
        explore_detectors(model, concepts, "conv2", found)
