"""Las demostraciones, movidas como lo haría alguien: cada control a sus dos extremos, y qué pasa cuando algo falla."""
from datetime import datetime, timezone
from io import BytesIO
from statistics import median
from time import process_time

import ipywidgets
import pytest
import torch
from PIL import Image

from labkit import widgets
from labkit.images import png_bytes
from labkit.models import plain_network
from labkit.objectives import logit, margin, probability
from labkit.occlusion import occlude, occlusion_map, occlusion_scores
from labkit.pictures import load_picture
from labkit.widgets import (
    Demo,
    explore_images,
    explore_masks,
    explore_occlusion,
    explore_patch,
    explore_upload,
)
from labkit.widgets import demo as demo_module
from labkit.widgets import occlusion as occlusion_widgets
from labkit.widgets.demo import error_picture, uploaded

CLASSES = ["avión", "barco", "camión", "pájaro"]


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    torch.manual_seed(0)
    network = plain_network(CLASSES, widths=(8, 12, 16)).eval().requires_grad_(False)
    network.fc.weight.mul_(10)   # que cada parche cambie la respuesta
    return network


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    coarse = torch.rand(3, 3, 6, 5, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, (36, 30), mode="bilinear")


@pytest.fixture(scope="module")
def masks() -> torch.Tensor:
    disks = torch.zeros(3, 36, 30, dtype=torch.bool)
    disks[:, 10:25, 8:20] = True
    return disks


LABELS = torch.tensor([1, 3, 0])
DEMOS = {
    "parche": lambda model, images, masks: explore_patch(model, images, LABELS, CLASSES),
    "parche con margen": lambda model, images, masks: explore_patch(model, images, LABELS, CLASSES, margin),
    "oclusión": lambda model, images, masks: explore_occlusion(model, images[0], probability(1), (4, 8, 12), (2, 6)),
    "oclusión al momento": lambda model, images, masks: explore_occlusion(model, images[1], logit(2), (4, 12), (2, 6),
                                                                          precompute=False),
    "imágenes": lambda model, images, masks: explore_images(model, images, LABELS, CLASSES, size=8, stride=4),
    "máscaras": lambda model, images, masks: explore_masks(model, images, masks, LABELS, CLASSES),
}


@pytest.fixture(params=DEMOS, scope="module")
def demo(request, model, images, masks) -> widgets.Demo:
    return DEMOS[request.param](model, images, masks)


def ends(control: ipywidgets.Widget) -> tuple:
    """El primer y el último valor que permite un control."""
    if hasattr(control, "options"):
        values = [option[1] if isinstance(option, tuple) else option for option in control.options]
        return values[0], values[-1]
    return control.min, control.max


def shown(demo: widgets.Demo) -> bytes:
    return bytes(demo.picture.value)


def size_of(picture: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(picture)) as opened:
        opened.load()
        return opened.size


@pytest.fixture
def no_errors(monkeypatch):
    """Un error en `draw` hace fallar la prueba en vez de salir escrito en el cuadro."""
    def fail(error, *size):
        raise error
    monkeypatch.setattr(demo_module, "error_picture", fail)


def test_each_control_changes_the_picture_from_end_to_end(demo, no_errors):
    assert demo.controls
    for name, control in demo.controls.items():
        pictures = []
        for end in ends(control):
            control.value = end
            assert control.value == end
            pictures.append(shown(demo))
        assert pictures[0] != pictures[1], name
        assert size_of(pictures[0]) == size_of(pictures[1]) == size_of(demo.first)


def test_no_combination_of_extremes_fails(demo, no_errors):
    """Todos los controles a la vez en todas las esquinas, en el orden en que los movería alguien."""
    names = list(demo.controls)
    for corner in range(2 ** len(names)):
        for bit, name in enumerate(names):
            low_and_high = ends(demo.controls[name])   # un control puede cambiar los extremos de otro
            demo.controls[name].value = low_and_high[corner >> bit & 1]
        assert size_of(shown(demo)) == size_of(demo.first)


def test_the_same_values_give_the_same_bytes(demo):
    values = {name: control.value for name, control in demo.controls.items()}
    assert demo.draw(**values) == demo.draw(**values) == shown(demo)


def test_a_move_takes_less_than_a_tenth_of_a_second(demo):
    """Tiempo de procesador y no de reloj: lo demás que corra en la máquina no cuenta."""
    took = []
    for control in demo.controls.values():
        for end in (*ends(control), *ends(control)):
            start = process_time()
            control.value = end
            took.append(process_time() - start)
    assert median(took) < 0.1


def test_the_error_is_read_in_the_picture_and_the_next_good_move_recovers():
    def draw(n: int) -> bytes:
        if n == 3:
            raise ValueError("el tres no se puede")
        return png_bytes(torch.full((3, 60, 300), n / 10))

    demo = Demo(draw, {"n": ipywidgets.IntSlider(value=1, min=0, max=5)})
    good = shown(demo)
    demo.controls["n"].value = 3
    failed = shown(demo)
    assert failed == error_picture(ValueError("el tres no se puede"), 60, 300) != good
    assert failed != error_picture(ValueError("otra cosa"), 60, 300) and size_of(failed) == (300, 60)
    demo.controls["n"].value = 1
    assert shown(demo) == good


@pytest.mark.parametrize("name", DEMOS)
def test_an_error_planted_in_a_demonstration_does_not_kill_it(name, model, images, masks):
    demo = DEMOS[name](model, images, masks)
    control, draw = next(iter(demo.controls.values())), demo.draw
    first, last = ends(control)
    demo.draw = lambda **values: 1 / 0
    control.value = first if control.value == last else last
    assert shown(demo) == error_picture(ZeroDivisionError("division by zero"), *demo.size)
    demo.draw = draw
    control.value = last if control.value == first else first
    assert shown(demo) == demo.frame() and size_of(shown(demo)) == size_of(demo.first)


def test_even_a_first_picture_that_fails_leaves_controls_to_go_on_with():
    slider = ipywidgets.IntSlider(value=0, min=0, max=5)
    demo = Demo(lambda n: png_bytes(torch.full((3, 10, 10), 1 / n)), {"n": slider})
    assert size_of(shown(demo)) == (640, 240)
    slider.value = 2
    assert size_of(shown(demo)) == (10, 10)


def test_the_patch_cannot_leave_the_image(model, images, no_errors):
    demo = explore_patch(model, images, LABELS, CLASSES)
    y, x, size = (demo.controls[name] for name in ("y", "x", "size"))
    size.value = size.min
    y.value, x.value = y.max, x.max
    assert (y.value, x.value) == (36 - size.min, 30 - size.min)
    size.value = size.max
    assert (y.value, x.value) == (36 - size.max, 30 - size.max)
    assert shown(demo) == demo.draw(image=0, y=y.value, x=x.value, size=size.value, fill=0.0)


def test_the_numbers_under_the_bars_are_those_of_the_network(model, images, monkeypatch):
    """Lo escrito se compara con la pasada a mano, sin leer la imagen: se espía el texto que va al pie."""
    texts, write = [], occlusion_widgets.caption
    monkeypatch.setattr(occlusion_widgets, "caption", lambda image, text, *size: texts.append(text) or write(image, text, *size))
    box = torch.tensor([[5, 6, 13, 14]])
    covered = occlude(images[1], box, "mean")
    clean, now = (model(batch).softmax(1)[0] for batch in (images[1:2], covered))
    explore_patch(model, images, LABELS, CLASSES).draw(image=1, y=5, x=6, size=8, fill="mean")
    assert f"P(pájaro): {clean[3]:.3f} → {now[3]:.3f}" in texts[-1]
    assert f"Gana «{CLASSES[now.argmax()]}»" in texts[-1] and ("✓" in texts[-1]) == (now.argmax() == 3)
    explore_patch(model, images, LABELS, CLASSES, logit).draw(image=1, y=5, x=6, size=8, fill="mean")
    score = occlusion_scores(model, images[1], box, logit(3), "mean").item()
    assert f"fc:3: {model(images[1:2])[0, 3]:.3f} → {score:.3f}" in texts[-1]


def test_the_maps_of_each_class_are_those_of_the_occlusion_functions(model, images, monkeypatch):
    """Se espía lo que se manda pintar: por píxel, la caída de la clase elegida; por posición, su probabilidad."""
    painted, paint = [], occlusion_widgets.paint_boxes
    monkeypatch.setattr(occlusion_widgets, "paint_boxes", lambda *args: painted.append(args) or paint(*args))
    target = int(model(images[2:]).argmax())
    expected = occlusion_map(model, images[2], probability(target), 8, 4, "mean")
    assert expected.abs().max() > 1e-3
    explore_images(model, images, LABELS, CLASSES, 8, 4, "mean").draw(image=2, target=target)
    torch.testing.assert_close(paint(*painted[-1]), expected, atol=1e-5, rtol=0)
    explore_occlusion(model, images[2], probability(target), (4, 8), (4,)).draw(size=8, stride=4, fill="mean")
    torch.testing.assert_close(paint(*painted[-1]), expected, atol=1e-5, rtol=0)


def test_masks_swap_the_background_for_one_of_another_class(model, images, masks, monkeypatch):
    seen = []
    chances = torch.full((1, 4), 0.25)
    monkeypatch.setattr(occlusion_widgets, "class_probabilities", lambda model, image, boxes: seen.append(image) or chances)
    demo = explore_masks(model, images, masks, torch.tensor([2, 2, 0]), CLASSES)
    for hidden in range(4):
        demo.draw(image=0, hidden=hidden)
    same, no_object, no_background, swapped = seen[-7::2]
    inside, outside = masks[0], ~masks[0]
    assert torch.equal(same, images[0])
    assert torch.equal(no_object[:, outside], images[0][:, outside]) and no_object[:, inside].std(1).max() < 1e-6
    assert torch.equal(no_background[:, inside], images[0][:, inside]) and no_background[:, outside].std(1).max() < 1e-6
    free = outside & ~masks[2]   # la imagen 1 es de la misma clase: el fondo ha de ser el de la 2
    assert torch.equal(swapped[:, inside], images[0][:, inside]) and torch.equal(swapped[:, free], images[2][:, free])


def test_many_classes_show_only_the_probable_ones_and_always_the_right_one(model):
    chances = torch.linspace(0, 1, 50).repeat(2, 1).softmax(1)
    names = [f"clase {k}" for k in range(50)]
    seen = torch.rand(3, 40, 40)
    pictures = [occlusion_widgets._with_bars(seen, chances, names, label, "texto") for label in (0, 49)]
    assert size_of(pictures[0]) == size_of(pictures[1]) and pictures[0] != pictures[1]


def test_the_notebook_keeps_a_static_first_picture_that_the_live_one_hides(model, images, monkeypatch):
    """Una salida PNG normal, y dentro de lo vivo el estilo que esconde justo esa imagen y ninguna otra."""
    from base64 import b64encode

    outputs = []
    monkeypatch.setattr(demo_module, "display", lambda data, raw=False: outputs.append((data, raw)))
    demo, other = (explore_patch(model, images, LABELS[order], CLASSES) for order in ([0, 1, 2], [2, 1, 0]))
    demo._ipython_display_()
    (static, _), (view, raw) = outputs
    assert static.data == demo.first and raw
    assert view["application/vnd.jupyter.widget-view+json"]["model_id"] == demo.model_id
    assert "ejecuta la celda" in view["text/plain"]
    style = demo.children[-1].value
    piece = style.split("'")[1]
    assert len(piece) == 64 and piece in b64encode(demo.first).decode() and piece not in b64encode(other.first).decode()


def test_the_picture_has_a_fixed_size_so_that_nothing_jumps(demo):
    width, height = size_of(demo.first)
    assert (demo.picture.width, demo.picture.height) == (str(width), str(height))


@pytest.mark.parametrize("call, message", [
    (lambda m, i: explore_patch(m, i[0], LABELS, CLASSES), "n, 3, h, w"),
    (lambda m, i: explore_occlusion(m, i, logit(0)), r"image\[0\]"),
    (lambda m, i: explore_occlusion(m, i[0], logit(0), sizes=(8, 99)), "size"),
    (lambda m, i: explore_images(m, i, LABELS, CLASSES, stride=0), "stride"),
    (lambda m, i: explore_masks(m, i, i[:, 0, :5] > 0, LABELS, CLASSES), "masks"),
])
def test_wrong_input_is_said_when_the_demonstration_is_made(model, images, call, message):
    with pytest.raises(ValueError, match=message):
        call(model, images)


# ── una imagen tuya ──────────────────────────────────────────────────────────────────────────────────────────────────

def file_of(color: str, size: tuple[int, int] = (50, 40)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, color).save(buffer, "JPEG")
    return buffer.getvalue()


def chosen(content: bytes, version: int) -> object:
    """Lo que entrega FileUpload tras elegir un archivo, en ipywidgets 7 y en el 8."""
    about = {"name": "foto.jpg", "type": "image/jpeg", "size": len(content)}
    if version == 7:
        return {"foto.jpg": {"metadata": about, "content": content}}
    return ({**about, "content": memoryview(content)},)


@pytest.mark.parametrize("version", [7, 8])
def test_the_uploaded_file_is_the_same_in_both_versions(version):
    content = file_of("red")
    assert uploaded(chosen(content, version)) == content and type(uploaded(chosen(content, version))) is bytes
    assert uploaded({} if version == 7 else ()) is None


def test_an_uploaded_picture_is_shown_and_a_bad_one_is_told(model):
    model.preprocess = lambda source: load_picture(source, size=32)
    demo = explore_upload(model, file_of("blue"))
    first = shown(demo)
    assert isinstance(demo.controls["file"], ipywidgets.FileUpload) and demo.controls["file"].accept == "image/*"
    seen = []
    for content in (file_of("red"), b"no soy una imagen", file_of("blue", (9, 300))):
        seen.append(demo_module.Demo.frame(type("Otro", (), {"draw": staticmethod(demo.draw), "size": demo.size,
                    "heard": {}, "words": type("Renglón", (), {})(), "controls": {"file": type("Botón", (), {"value": chosen(content, 8)})}})()))
    assert first != seen[0] and size_of(seen[0]) == size_of(seen[1]) == size_of(seen[2]) == size_of(first)
    with pytest.raises(ValueError) as error:
        load_picture(b"no soy una imagen")
    assert seen[1] == error_picture(error.value, *demo.size)


def test_the_real_button_redraws(model):
    if int(ipywidgets.__version__.split(".")[0]) < 8:
        pytest.skip("ipywidgets 7 no deja poner a mano el valor de FileUpload")
    model.preprocess = lambda source: load_picture(source, size=32)
    demo = explore_upload(model, file_of("blue"))
    first, content = shown(demo), file_of("red")
    demo.controls["file"].value = ({"name": "a.jpg", "type": "image/jpeg", "size": len(content), "content": content,
                                    "last_modified": datetime.now(timezone.utc)},)
    assert shown(demo) != first


def test_the_map_of_an_uploaded_picture_answers_for_the_winning_class(model, monkeypatch):
    model.preprocess = lambda source: load_picture(source, size=32)
    asked, real = [], occlusion_widgets.occlusion_map
    monkeypatch.setattr(occlusion_widgets, "occlusion_map", lambda *a: asked.append(a) or real(*a))
    explore_upload(model, file_of("green"))
    picture = load_picture(file_of("green"), size=32)
    winner = model(picture[None]).argmax().item()
    assert str(asked[0][2]) == str(probability(winner)) and asked[0][3:] == (8, 4, "blur")
