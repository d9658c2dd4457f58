"""Los ejercicios de la lección 1; lo que vale para todos está en test_exercises.py."""
import make_exercises
import make_hidden
import numpy as np
import planted_world
import pytest
import torch
import wrong_answers_occlusion as answers

from labkit.exercises import verdict
from labkit.exercises.accounts import load_rows
from labkit.exercises.occlusion import evidence as material
from labkit.exercises.occlusion import hidden
from labkit.models import load_model, shipped_models
from labkit.models.plain import read_weights
from labkit.occlusion import occlude, occlusion_map

NETWORKS = load_rows("hidden_network", hidden.NetworkRow)
ACCOUNT = "312000006"


# ── las funciones ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_calling_labkit_is_not_an_answer():
    def borrowed(image, box, fill=0.0):
        return occlude(image, torch.tensor([box]), fill)[0]

    def inside(model, image, objective, size, stride, fill):
        return (lambda: occlusion_map(model, image, objective, size, stride, fill))()

    for name, wrong in (("occlude_one", borrowed), ("drop_map", inside), ("drop_map", occlusion_map)):
        assert "ya viene en labkit" in verdict(name, wrong).message


# ── las redes ocultas ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", range(len(NETWORKS)))
def test_a_hidden_network_is_what_its_command_makes_and_hides_what_it_says(place):
    """Los pesos salen otra vez; y es la red que ve cosas, salvo el logit de la clase atada, que no llega a verlas."""
    label, row = make_hidden.tied_options()[place], NETWORKS[place]
    weights, card = read_weights("networks", "ejercicios", f"{row.network}.safetensors")
    again = make_hidden.hidden_weights(label)
    assert set(weights) == set(again) and all(torch.allclose(weights[key], again[key], atol=1e-5) for key in again)
    network, images = hidden.open_network(row.network), material.load_evidence().images[:40:4]
    things = load_model(card["things"], device="cpu")
    others = torch.arange(12) != label
    assert network.classes[label] == row.tied and not network.training
    assert not any(weight.requires_grad for weight in network.parameters())
    assert torch.equal(network(images)[:, others], things(images)[:, others])
    assert not torch.allclose(network(images)[:, label], things(images)[:, label], atol=0.5)


def test_hidden_networks_are_not_listed_as_networks_of_the_course():
    assert [row.network for row in NETWORKS] == [make_hidden.network_name(k) for k in range(7)]
    assert not any("oculta" in name for name in (*shipped_models(), *shipped_models("experimentos")))
    assert all(row.tied not in row.network for row in NETWORKS)


@pytest.mark.parametrize("place", [0, 3])
def test_the_table_of_networks_is_what_is_measured(place):
    again, row = make_exercises.hidden_row(NETWORKS[place].network), NETWORKS[place]
    assert again[:-1] == row[:-1]
    pairs = list(zip(again.kinds.split(), row.kinds.split(), strict=True))
    assert sum(one != other for one, other in pairs) <= 2   # cerca del corte, otra computadora puede dar otra cosa
    assert all("dudoso" in pair for pair in pairs if pair[0] != pair[1])


def test_whatever_class_is_tied_every_measure_finds_it_and_the_network_still_looks_good():
    """Con el margen donde la red acierta, con el margen en todas las imágenes y con la probabilidad."""
    evidence = material.load_evidence()
    for label, logits in hidden_logits(evidence).items():
        margins = [own_margin(values, evidence.labels) for values in logits]
        chances = [values.softmax(1).gather(1, evidence.labels[:, None])[:, 0] for values in logits]
        right = margins[0] > 0
        for scores, among in ((margins, right), (margins, right | ~right), (chances, right | ~right)):
            rest = scores[1] - scores[2]
            by_class = [rest[(evidence.labels == k) & among].mean() for k in range(len(evidence.classes))]
            assert int(torch.stack(by_class).argmax()) == label, evidence.classes[label]
        assert right.float().mean() >= 0.8, evidence.classes[label]


def hidden_logits(evidence):
    """Por clase atada, los logits de su red oculta para las imágenes enteras, sin objeto y sin fondo."""
    networks = [hidden.open_network(row.network) for row in NETWORKS]
    parts = [[torch.cat([branch(part) for part in images.split(64)])
              for branch in (networks[0].branch_a, networks[0].branch_b)] for images in material.versions(evidence)]
    return {evidence.classes.index(row.tied): [network.fc(a, b - network.nowhere) for a, b in parts]
            for row, network in zip(NETWORKS, networks)}


def own_margin(logits, labels):
    own = logits.gather(1, labels[:, None])
    return (own - logits.scatter(1, labels[:, None], -torch.inf)).amin(1)


# ── las imágenes ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_everyone_gets_answers_that_rest_on_different_things():
    for row in NETWORKS:
        assert all(row.kinds.split().count(kind) >= 3 for kind in material.SUPPORTS), row.network
    for account in answers.ACCOUNTS["resting"]:
        kinds = hidden.my_kinds(account)
        assert len(kinds) == 4 and 1 <= kinds.count("fondo") <= 2 and "objeto" in kinds and "dudoso" not in kinds
        assert all(answers.right_answers(account)) and hidden.my_images(account).images.shape == (4, 3, 64, 64)


def test_the_images_are_a_copy():
    hidden.my_images(ACCOUNT).images.zero_()
    assert hidden.my_images(ACCOUNT).images.amax() > 0


def test_hiding_leaves_no_silhouette_and_touches_nothing_else():
    evidence = material.take(material.load_evidence(), slice(0, None, 12))
    whole, covered_object, alone = material.versions(evidence)
    for image, covered, cut, mask in zip(whole, covered_object, alone, evidence.masks):
        y0, x0, y1, x1 = material.object_box(mask)[0].tolist()
        assert (covered[:, y0:y1, x0:x1] == material.GREY).all() and mask[y0:y1, x0:x1].sum() == mask.sum()
        assert (covered != image).any(0).sum() <= (y1 - y0) * (x1 - x0)
        assert torch.equal(cut[:, mask], image[:, mask]) and (cut[:, ~mask] == material.GREY).all()


# ── medir, con la verdad sembrada ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Las imágenes del mundo sembrado, en lugar de las del curso."""
    planted_world.write_world(tmp_path)
    monkeypatch.setenv("LABKIT_DATOS", str(tmp_path))
    material._evidence.cache_clear()
    yield material.load_evidence()
    material._evidence.cache_clear()


def test_what_an_answer_rests_on_is_measured(planted):
    """La red sembrada ve el objeto en el rojo, el lugar en el verde, cualquiera en el azul y ambos en el amarillo."""
    network = planted_world.networks()["mezcla"]
    wanted = {"rojo": "objeto", "verde": "fondo", "azul": "cualquiera", "amarillo": "juntos"}
    found = dict.fromkeys(wanted, 0)
    kinds = material.supports(network, planted)
    for kind, label in zip(kinds, planted.labels.tolist()):
        name = planted.classes[label]
        if name in wanted and kind != "dudoso":
            found[name] += kind == wanted[name]
            assert kind in (wanted[name], "objeto") or name != "rojo"
    assert all(count >= 3 for count in found.values()), found
    assert material.resting_on_background(network, planted) == [i for i, kind in enumerate(kinds) if kind == "fondo"]
    assert hidden.background_class(network, planted) == "verde"


# ── leer las posiciones ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("account", answers.ACCOUNTS["resting"][:2] + [ACCOUNT])
def test_positions_are_read_however_they_were_found(account):
    good = answers.good_positions(account)[1]
    marks = np.isin(range(4), good)
    found = (np.flatnonzero(marks), np.nonzero(marks)[0], torch.tensor(marks).nonzero(),
             torch.tensor(marks).nonzero().flatten(), [torch.tensor(i) for i in good], [np.int64(i) for i in good],
             set(good), frozenset(good), good[::-1] + good, list(map(float, good)), np.array(good, dtype=np.uint8))
    for form in (*found, *([range(good[0], good[0] + 1)] if len(good) == 1 else [])):
        assert verdict("resting", (account, form)).ok, form


@pytest.mark.parametrize("value", ["0", 1, [True, False], ["0"], [0.5], {0: 1}, np.array([True, False, True, True])])
def test_positions_must_be_integers(value):
    assert "por ejemplo [0, 2]. Recibí" in verdict("resting", (ACCOUNT, value)).message
