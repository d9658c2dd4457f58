"""La lección 1b: las parejas que vienen, lo que se mide con ellas y las tablas ya medidas."""
import numpy as np
import pytest
import torch
from scipy import stats

from labkit import counterfactuals as lesson
from labkit.counterfactuals.scenes import load_counterfactuals
from labkit.files import data_path
from labkit.models import load_model, random_twin
from labkit.objectives import channel, margin, probability, score
from labkit.occlusion import cover_mask


@pytest.fixture(scope="module")
def data():
    return load_counterfactuals()


@pytest.fixture(scope="module")
def network():
    return load_model("escenas", device="cpu")


# ── las parejas ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_pairs_are_what_the_page_says(data):
    n, v = len(data.images), len(data.variants)
    assert n == 204 and data.labels.bincount().tolist() == [17] * 12 and data.images.shape == (n, 3, 64, 64)
    assert data.variants.shape == (v, 3, 64, 64) and data.masks.shape == data.why.shape == (v, 64, 64)
    assert len(data.removed) == len(data.scene) == v and data.removed.count("objeto") == n
    singles = torch.tensor([kind == "parte" for kind in lesson.kinds(data.removed)])
    parts = data.scene[singles].bincount()
    assert parts.min() >= 3 and parts.max() <= 5 and data.masks.sum((1, 2)).min() >= 20
    assert sum(" + " in name for name in data.removed) > 0.95 * n
    assert sum(path.stat().st_size for path in data_path("contrafactuales").iterdir()) <= 4.0e6


def test_a_pixel_changes_exactly_where_there_is_a_reason(data):
    changed = (data.variants != data.images[data.scene]).any(1)
    assert torch.equal(changed, data.why > 0)
    seen = data.why % 2 == 1
    assert (data.masks & seen).sum() > 0.98 * data.masks.sum()      # donde se veía lo que falta se ve otra cosa
    whole = torch.tensor([name == "objeto" for name in data.removed])
    beyond = seen & ~data.masks
    edge = torch.nn.functional.max_pool2d(data.masks[:, None].float(), 3, 1, 1)[:, 0] > 0
    far = (beyond & ~edge)[whole].sum() / seen[whole].sum()         # y sin el objeto, casi en ningún otro lado: rayos
    assert far < 0.002                                              # de bicicleta, que en su píxel no son mayoría


def test_most_of_each_picture_stays_as_it_was(data):
    """Con la exposición de la foto sin la parte cambiaría toda la imagen: en la mitad de las parejas, casi nada cambia."""
    share = (data.why > 0).float().mean((1, 2))
    assert share.median() < 0.15 and share.max() < 0.9


def test_no_scene_of_these_is_in_another_set(data):
    with np.load(data_path("contrafactuales", "pares.npz"), allow_pickle=False) as arrays:
        own = set(arrays["seeds"].tolist())
    for path in data_path().glob("*/*.npz"):
        with np.load(path, allow_pickle=False) as arrays:
            if path.parent.name != "contrafactuales" and "seeds" in arrays:
                assert not own & set(arrays["seeds"].flatten().tolist()), path


def test_the_network_is_right_about_every_scene(data, network):
    found = lesson.answers(network, data.images, data.labels)
    assert (found.margin > 0).all() and len(found.chance) == len(data.images)


def test_the_scenes_are_drawn_again_with_the_same_light(data):
    """Se dibujan de nuevo dos escenas: lo que cambia tiene motivo, y con otra exposición cambiaría casi todo."""
    pytest.importorskip("numba", reason="numba solo hace falta para dibujar")
    import make_counterfactuals as maker
    from world import absence
    from world.render import develop, expose
    with np.load(data_path("contrafactuales", "pares.npz"), allow_pickle=False) as arrays:
        seeds = arrays["seeds"].tolist()
    for k in (20, 125):
        scene, _ = maker.everyday(seeds[k])
        light, masks, whole = maker.visible(scene)
        base = maker.photo(scene, light)
        assert np.abs(base - 255 * data.images[k].permute(1, 2, 0).numpy()).max() <= 2
        part = next(iter(maker.removable(masks)))
        for other, name in ((maker.without_main(scene), "objeto"),
                            (absence.without_parts(scene, maker.group(part)), part)):
            grain = np.random.default_rng(scene.seed + 1)
            raw = develop(expose(other)[0], grain, scene.exposure, metered=light)
            why = absence.reasons_to_change(scene, other)
            assert np.abs(raw.astype(int) - base)[why == 0].max() <= 2
            v = next(v for v in range(len(data.scene)) if data.scene[v] == k and data.removed[v] == name)
            shipped = 255 * data.variants[v].permute(1, 2, 0).numpy()
            assert (np.abs(absence.retake(scene, light, other)[0] - shipped).max(2) <= 2).mean() > 0.99
        again = develop(expose(maker.without_main(scene))[0], np.random.default_rng(scene.seed + 1), scene.exposure)
        assert (again != base).any(2).mean() > 0.8


# ── la red y los rellenos ───────────────────────────────────────────────────────────────────────────────────────────


def test_answers_are_the_margin_and_the_probability(data, network):
    images, labels = data.images[::40], data.labels[::40]
    found = lesson.answers(network, images, labels, size=2)
    for i, label in enumerate(labels.tolist()):
        assert found.margin[i] == pytest.approx(score(network, images[i:i + 1], margin(label)).item(), abs=1e-3)
        assert found.chance[i] == pytest.approx(score(network, images[i:i + 1], probability(label)).item(), abs=1e-4)
    with pytest.raises(ValueError, match="labels"):
        lesson.answers(network, images, labels[:2])


def test_filled_covers_each_mask_and_nothing_else(images):
    masks = torch.rand(4, 8, 12, generator=torch.Generator().manual_seed(1)) < 0.3
    for fill in lesson.FILLS.values():
        found = lesson.filled(images[0], masks, fill)
        assert all(torch.equal(one, cover_mask(images[0], mask, fill)) for one, mask in zip(found, masks))


@pytest.mark.parametrize("ask", [
    lambda model, lot: lesson.filled(lot, torch.ones(4, 8, 12)),
    lambda model, lot: lesson.deletion(model, lot, torch.ones(8, 12), margin(0)),
    lambda model, lot: lesson.gradient_times_input(model, lot, margin(0)),
    lambda model, lot: lesson.edge_map(lot),
])
def test_a_batch_where_one_image_goes_is_told(images, ask):
    with pytest.raises(ValueError, match=r"¿Sobra el eje de lote\? Prueba image\[0\]"):
        ask(load_model("escenas", device="cpu"), images[:1])


def test_inpaint_wants_a_batch(images):
    with pytest.raises(ValueError, match=r"¿Falta el eje de lote\? Prueba images\[None\]"):
        lesson.inpaint(images[0], torch.ones(8, 12, dtype=torch.bool), lambda noisy, sigma: noisy)


def test_inpaint_only_touches_the_hole_and_repeats_itself(images):
    masks = torch.zeros(5, 8, 12, dtype=torch.bool)
    masks[:, 2:5, 3:9] = True

    def toward_gray(noisy, sigma):
        return 0.7 * torch.ones_like(noisy)

    found = lesson.inpaint(images, masks, toward_gray)
    assert torch.equal(found.movedim(1, -1)[~masks], images.movedim(1, -1)[~masks])
    assert (found.movedim(1, -1)[masks] == 0.7).all()
    clean = lesson.inpaint(images, masks, lambda noisy, sigma: noisy * 0.9)
    assert torch.equal(clean, lesson.inpaint(images, masks, lambda noisy, sigma: noisy * 0.9))
    assert 0 <= clean.min() and clean.max() <= 1


# ── cuánto, y qué tan seguro ────────────────────────────────────────────────────────────────────────────────────────


def test_the_interval_knows_that_the_parts_of_a_scene_go_together():
    generator = torch.Generator().manual_seed(0)
    scene = torch.arange(60).repeat_interleave(5)
    values = torch.randn(60, generator=generator)[scene] + 0.1 * torch.randn(300, generator=generator)
    together, alone = lesson.clustered(values, scene), lesson.clustered(values, torch.arange(300))
    assert together.mean == pytest.approx(values.double().mean().item())
    assert together.low < together.mean < together.high
    wide, narrow = (gap.high - gap.low for gap in (together, alone))
    assert 1.7 < wide / narrow < 2.7                                # raíz de 5, más o menos
    assert lesson.chance_of_zero(values + 1, scene) < 1e-6 < lesson.chance_of_zero(values - values.mean(), scene)


def test_a_few_large_scenes_weigh_what_they_have():
    values, scene = torch.tensor([1.0, 1, 1, 1, 6]), torch.tensor([7, 7, 7, 7, 9])
    assert lesson.clustered(values, scene).mean == 2


@pytest.mark.parametrize("values, scene, message", [
    (torch.ones(3), torch.zeros(3, dtype=torch.long), "al menos dos escenas"),
    (torch.tensor([1.0, torch.nan]), torch.arange(2), "NaN"),
    (torch.ones(3), torch.arange(2), "scene"),
])
def test_the_interval_refuses_what_it_cannot_use(values, scene, message):
    with pytest.raises(ValueError, match=message):
        lesson.clustered(values, scene)


def test_tests_made_together_are_corrected_together():
    """Con veinte pruebas de puro azar, alguna pasa sola; corregidas juntas, queda la que de verdad se distingue."""
    generator, scene = torch.Generator().manual_seed(8), torch.arange(40)
    groups = {f"azar {k}": (torch.randn(40, generator=generator), scene) for k in range(20)}
    groups["real"] = (torch.randn(40, generator=generator) + 2, scene)
    alone = [name for name, group in groups.items() if lesson.chance_of_zero(*group) < 0.05]
    found = lesson.compared(groups)
    assert len(alone) > 1 and [name for name, row in found.items() if row.found] == ["real"]
    assert found["real"][:3] == lesson.clustered(*groups["real"])
    assert str(lesson.Tested(1.234, -0.5, 2, True)) == "+1.23 [−0.50, +2.00]"


def test_rows_are_chosen_by_every_column_named():
    table = {"map": ["a", "b", "a"], "seed": torch.tensor([0.0, 0, 1])}
    assert lesson.rows_where(table, map="a", seed=0).tolist() == [True, False, False]
    assert lesson.rows_where(table, map="a").tolist() == [True, False, True] and lesson.rows_where(table).all()


def test_rank_agreement_is_spearman_in_each_scene():
    scores = torch.tensor([3.0, 2, 1, 1, 2, 3, 5, 5, 5, 1, 2])
    truth = torch.tensor([9.0, 4, 1, 9, 4, 1, 1, 2, 3, 1, 2])
    scene = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3])
    found = lesson.rank_agreement(scores, truth, scene)
    assert found[:2].tolist() == [1, -1] and found[2:].isnan().all()
    many = torch.rand(2, 8, generator=torch.Generator().manual_seed(3))
    assert lesson.rank_agreement(*many, torch.zeros(8)).item() == pytest.approx(stats.spearmanr(*many).statistic)


def test_interaction_is_positive_when_one_part_covers_for_the_other():
    before = torch.tensor([10.0, 10])
    alone, both = torch.tensor([10.0, 4]), torch.tensor([2.0, 4])
    assert lesson.interaction(alone, alone, both, before).tolist() == [8, -6]


# ── los mapas ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_part_scores_add_the_map_over_each_mask():
    heat, masks = torch.arange(6.0).view(2, 3), torch.tensor([[[1, 0, 0], [0, 0, 1]], [[0, 1, 1], [0, 0, 0]]]).bool()
    assert lesson.part_scores(heat, masks).tolist() == [5, 3]


def test_gradient_times_input_is_exact_on_a_linear_network(planted, images):
    image = images[0]
    found = lesson.gradient_times_input(planted, image, channel("conv1:3"))                 # rojo − azul, promediado
    assert torch.allclose(found, (image[0] - image[2]) / 96, atol=1e-6)


def test_the_floors_ask_no_network():
    flat, step = torch.full((3, 8, 10), 0.4), torch.zeros(3, 8, 10)
    step[:, :, 5:] = 1
    assert lesson.edge_map(flat).max() < 1e-6
    assert lesson.edge_map(step)[:, 4:6].min() == pytest.approx(4) and lesson.edge_map(step)[:, :4].max() == 0
    assert torch.allclose(lesson.edge_map(step.transpose(1, 2)), lesson.edge_map(step).T)
    center = lesson.center_map(9, 7)
    assert center.argmax() == 4 * 7 + 3 and torch.equal(center, center.flip(0, 1))
    assert torch.equal(lesson.random_map(4, 5, 1), lesson.random_map(4, 5, 1)) and lesson.random_map(4, 5).shape == (4, 5)


def test_the_cascade_changes_one_more_layer_each_time(network):
    before, twin = {k: v.clone() for k, v in network.state_dict().items()}, random_twin(network, 3).state_dict()
    changed = []
    for layer, model in lesson.cascade(network, 3):
        changed.append(layer)
        for name, value in model.state_dict().items():
            if name.split(".")[0] in changed:
                assert torch.equal(value, twin[name])
            else:
                assert torch.equal(value, before[name])
    assert changed == ["fc", "dense", "conv5", "conv4", "conv3", "conv2", "conv1"]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_deletion_goes_from_the_whole_image_to_none_and_insertion_back(planted, images):
    image, goal = images[0], channel("conv1:0")                                             # la media del rojo
    best, worst = image[0], -image[0]
    gone = lesson.deletion(planted, image, best, goal, 0.0, steps=8)
    assert gone.shape == (9,) and gone[0] == pytest.approx(image[0].mean().item()) and gone[-1] == 0
    assert gone.mean() < lesson.deletion(planted, image, lesson.random_map(8, 12, 5), goal, 0.0, 8).mean()
    assert gone.mean() < lesson.deletion(planted, image, worst, goal, 0.0, 8).mean()
    shown = lesson.deletion(planted, image, worst, goal, 0.0, 8, insert=True)
    assert torch.allclose(shown, gone.flip(0), atol=1e-6)           # lo último en borrarse es lo último en descubrirse
    assert lesson.deletion(planted, image, best, goal, image, 8).std() < 1e-6


# ── las tablas ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_table_that_does_not_exist_is_said():
    with pytest.raises(FileNotFoundError, match="ventas"):
        lesson.load_measures("ventas")


def test_the_fall_is_what_there_was_minus_what_is_left():
    table = {"m antes": torch.tensor([5.0, 3]), "m negro": torch.tensor([1.0, 4]), "p antes": torch.ones(2),
             "p negro": torch.tensor([0.5, 1])}
    assert lesson.fallen(table, "negro").tolist() == [4, -1] and lesson.fallen(table, "negro", "p").tolist() == [0.5, 0]
    assert lesson.kinds(["objeto", "rueda", "rueda + rin"]) == ["objeto", "parte", "pareja"]


def test_the_tables_fit_the_pairs(data):
    table = lesson.load_measures("caidas")
    assert table["removed"] == data.removed and table["scene"].tolist() == data.scene.tolist()
    assert (table["m antes"] > 0).all()
    maps = lesson.load_measures("mapas")
    assert maps["removed"] == [name for name, kind in zip(data.removed, lesson.kinds(data.removed)) if kind == "parte"]


def assert_row(row: dict, table: dict, place: int, loose: dict[str, float], most: float) -> None:
    """Un renglón recién medido es el de la tabla; cada número puede variar `most`, o lo que diga `loose`."""
    assert list(row) == list(table)
    for name, value in row.items():
        if isinstance(table[name], list):
            assert value == table[name][place]
        else:
            shipped = table[name][place].item()
            assert float(value) == pytest.approx(shipped, rel=0.01, abs=loose.get(name, most)), (place, name)


@pytest.mark.parametrize("v", [0, 700])
def test_a_row_of_drops_is_what_is_measured(data, network, v):
    """Tres milésimas del redondeo, y de sobra para otro procesador; el limpiador encadena pasos y se mueve más."""
    import measure_counterfactuals as measure

    from labkit.priors import load_denoiser
    again = measure.drop_row(network, data, v, load_denoiser(device="cpu"))
    assert again["removed"] == data.removed[v]
    assert_row(again, lesson.load_measures("caidas"), v, {"m limpiador": 0.5}, 0.05)


def test_a_scene_of_maps_is_what_is_measured(data, network):
    import measure_counterfactuals as measure
    again, table = measure.map_rows(network, data, 30), lesson.load_measures("mapas")
    places = lesson.rows_where(table, scene=30).nonzero().flatten().tolist()
    assert len(again) == len(places) >= 3
    for row, place in zip(again, places):
        assert_row(row, table, place, {"verdad": 0.05}, 1.0)


def test_a_cascade_and_a_deletion_are_what_is_measured(data, network):
    import measure_counterfactuals as measure
    k, mask = 17, next(data.masks[v] for v in range(len(data.scene)) if data.scene[v] == 17 and data.removed[v] == "objeto")
    for again, name, keys in ((measure.cascade_rows(network, data, k, 2, mask), "cascada", {"scene": k, "seed": 2}),
                              (measure.deletion_rows(network, data, k), "borrado", {"scene": k})):
        table = lesson.load_measures(name)
        places = lesson.rows_where(table, **keys).nonzero().flatten().tolist()
        assert len(places) == len(again) > 10
        for row, place in zip(again, places):
            assert_row(row, table, place, {}, 0.04)


def test_a_row_that_was_touched_is_noticed(data, network):
    import measure_counterfactuals as measure
    table = lesson.load_measures("mapas")
    place = lesson.rows_where(table, scene=30).nonzero()[0].item()
    table["desenfoque"][place] *= 1.05
    with pytest.raises(AssertionError, match="desenfoque"):
        assert_row(measure.map_rows(network, data, 30)[0], table, place, {"verdad": 0.05}, 1.0)


def test_the_other_networks_have_the_same_fills_in_the_same_order(data, network):
    """De la red principal, «redes» dice lo que sale de «caidas»."""
    networks, drops = lesson.load_measures("redes"), lesson.load_measures("caidas")
    parts = torch.tensor([kind == "parte" for kind in lesson.kinds(data.removed)])
    for place, fill in enumerate((*lesson.FILLS, "limpiador", "detrás")):
        assert networks["fill"][place] == fill and networks["network"][place] == "escenas"
        true = lesson.fallen(drops, "verdad")[parts]
        error = lesson.fallen(drops, fill)[parts] - true
        assert networks["nothing"][place].item() == pytest.approx(true.abs().mean().item(), abs=0.02)
        for name, values in (("distance", error.abs()), ("bias", error), ("worse", error.abs() - true.abs())):
            gap = lesson.clustered(values, data.scene[parts])
            assert [networks[f"{name} {end}"][place].item() for end in ("mean", "low", "high")] == pytest.approx(gap, abs=0.02)
    assert networks["fill"] == networks["fill"][:6] * 5 and networks["parts"][0] == parts.sum()
