"""Los números escritos en las reflexiones modelo, vueltos a medir con su cuenta y con lo que pide el cuaderno de ejercicios.

Cada función mide los de una lección: los decimales que deben estar, y frases con sus cuentas enteras y sus nombres.
"""
import re
from collections.abc import Iterator

import pytest
import torch

from labkit.activations import Unit, layer_names, silence
from labkit.counterfactuals import FILLS, answers, filled
from labkit.datasets import load_concepts, load_images
from labkit.dissection import Shuffled, count_detectors, dissect, random_rotation, rotate_layer
from labkit.exemplars import choose, features, map_quality, pca
from labkit.exercises import counterfactuals, dissection, exemplars, occlusion, optimization, pixels, priors, regularization, sequences, tabular
from labkit.exercises.experiments import transplants
from labkit.exercises.tabular.gap import group_gap
from labkit.measures import average_precisions, roc_areas
from labkit.models import load_model, random_twin
from labkit.objectives import channel, each, logit, margin, score
from labkit.optimization import PixelCanvas, maximize, noise
from labkit.pixels import hand_made, linear_svm, resampled
from labkit.regularization import FourierCanvas, soft_noise
from labkit.sequences import load_text_network, sign_bits
from labkit.tabular import row_scores, train_network
from labkit.teacher.examples import FOLDER, known_cases
from labkit.vectors import features_by_layer

Found = Iterator[float | str]
GIVEN = {"04_ejemplares": {0.5, 0.6}, "05_diseccion": {0.02, 0.1}, "06_texto": {0.05}}  # no se miden


def own_words(lesson: str, account: str) -> str:
    """El texto de esa cuenta, seguido, sin lo que se pone solo."""
    text = (FOLDER / f"{lesson}.md").read_text(encoding="utf-8")
    piece = next(part for part in re.split(r"^# ", text, flags=re.MULTILINE) if part.partition("\n")[0].endswith(f" {account}"))
    return re.sub(r"\{[^}]*\}", "…", " ".join(piece.split()))


def named(network: torch.nn.Module, images: torch.Tensor) -> list[str]:
    return [network.classes[k] for k in network(images).argmax(1)]


# ── lo que se mide en cada lección ──────────────────────────────────────────────────────────────────────────────────


def measured_00(account: str) -> Found:
    train, world, layers = load_images("train", n=1000), load_images("test"), [f"relu{k}" for k in range(1, 7)]
    name, classes = pixels.my_classes(account)
    (known, labels), (asked, truth) = (pixels.of_classes(part.images, part.labels, classes) for part in (train, world))
    network, case = load_model(name, device="cpu"), known_cases("00_primeros_pasos", account)["overtaking_layer"]
    yield f"{len(known)} imágenes de entrenamiento y {len(asked)} de prueba"

    def fits(model):
        before, after = (features_by_layer(model, part, layers, "max") for part in (known, asked))
        return {layer: linear_svm(before[layer], labels, after[layer], truth) for layer in layers}

    found = fits(network)
    yield from (fit.accuracy for layer, fit in found.items() if layer != case.layer)
    first, hand = found["relu1"], linear_svm(hand_made(known), labels, hand_made(asked), truth)
    pairs = [(found[case.layer], hand)]
    if account == "100001":
        yield fits(random_twin(network, 2))[case.layer].accuracy
        pairs.append((found["relu2"], hand))
    else:
        assert fits(random_twin(network, 2))["relu1"].accuracy == first.accuracy
        pairs += [(first, hand), (found["relu2"], hand), (first, linear_svm(known.flatten(1), labels, asked.flatten(1), truth))]
    for one, other in pairs:
        gap = resampled(one.hits.double() - other.hits.double())
        yield from (gap.low, gap.high)
        if account == "100002" or gap.mean > 0:
            yield gap.mean


def measured_01(account: str) -> Found:
    network, evidence = occlusion.hidden_network(account), occlusion.load_evidence()
    pairs = list(zip(evidence.images, evidence.masks))
    hiding = [torch.stack([hide(image, mask) for image, mask in pairs])
              for hide in (occlusion.without_object, occlusion.without_background)]
    falls, said = {}, named(network, evidence.images)
    for k, name in enumerate(evidence.classes):
        right = torch.tensor([int(label) == k and word == name for label, word in zip(evidence.labels, said)])
        whole = score(network, evidence.images[right], margin(k))
        falls[name] = int(right.sum()), *(float((whole - score(network, part[right], margin(k))).mean()) for part in hiding)
    case = known_cases("01_oclusion", account)["hidden_network"]
    for name in (case.tied, case.sharpest if account == "100001" else "gato"):
        yield from falls[name][1:]
    yield f"en sus {falls[case.tied][0]} imágenes bien clasificadas"
    if account == "100001":
        assert [name for name, (_, _, fall) in falls.items() if fall > 0] == ["barco", "gato", case.tied]
        yield f"En las {falls[case.sharpest][0]} de"
    else:
        assert sorted(falls, key=lambda name: falls[name][0])[:2] == [case.tied, "gato"]
        yield f"«gato», con {falls['gato'][0]} de 24"
    mine = occlusion.my_images(account)
    names = [named(network, hide(mine.images[0], mine.masks[0])[None])[0]
             for hide in (occlusion.without_object, occlusion.without_background)]
    assert (names[0], names[1] == names[0]) == (("jaguar", False) if account == "100001" else ("barco", True))


def measured_01b(account: str) -> Found:
    mine, duo, network = counterfactuals.my_parts(account), counterfactuals.my_pair(account), load_model("escenas", device="cpu")

    def falls(scene, images):
        labels = torch.tensor(scene.label).expand(len(images) + 1)
        margins = answers(network, torch.cat([scene.image[None], images]), labels).margin
        return margins[0] - margins[1:]

    true = falls(mine, mine.variants)
    table = {fill: falls(mine, filled(mine.image, mine.masks, value)) for fill, value in FILLS.items()}
    yield from true.tolist()
    for fall in table.values():
        yield from (*fall.tolist(), float((fall - true).abs().mean()))
    yield from falls(duo, duo.variants)[:2].tolist()


def measured_02(account: str) -> Found:
    plane, nets = optimization.my_plane(account), [load_model(name, device="cpu") for name in ("escenas", "escenas_robusta", "escenas_semilla1")]
    radii = known_cases("02_optimizacion", account)["r_smallest_budget"]
    goal = logit(nets[0].classes.index("camión"))
    made = torch.cat([maximize(net, goal, PixelCanvas(plane, r), steps=24, lr=0.02).images for net, r in zip(nets, radii)])
    assert len(set(said := named(nets[2], made))) == 1
    yield f"La tercera red dice «{said[0]}» en las dos"
    change = torch.randn(20, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    change *= radii[0] / change.flatten(1).norm(dim=1)[:, None, None, None]
    assert set(named(nets[0], (plane + change).clamp(0, 1))) == {"avión"}
    yield "diciendo «avión»"


def measured_03(account: str) -> Found:
    network, witness = (load_model(name, device="cpu") for name in ("escenas", "escenas_semilla1"))
    classes, twin = regularization.my_classes(account), random_twin(network, 2)
    asked, goals = [network.classes[k] for k in classes], each([logit(k) for k in classes])

    def waves(net):
        return maximize(net, goals, FourierCanvas(soft_noise(1).repeat(6, 1, 1, 1), 1.5), steps=48, lr=0.05).images

    rough = maximize(network, goals, PixelCanvas(noise(1).repeat(6, 1, 1, 1)), steps=48, lr=0.03).images
    yield ", " + " y ".join(name for name, said in zip(asked, named(witness, rough)) if said == name)
    ((name, said),) = [pair for pair in zip(asked, named(witness, waves(network))) if len(set(pair)) == 2]
    yield f"todas menos {name}, que le pareció {said}"
    drawn = waves(twin)
    if account == "100001":
        said = named(witness, drawn)
        yield f"dijo «{said[asked.index('jaguar')]}», y lo dijo en {('cero', 'una', 'dos', 'tres', 'cuatro', 'cinco')[said.count('pez')]} de las seis"
    else:
        convinced = [name for name, said in zip(asked, named(twin, drawn)) if name == said]
        assert len(convinced) == 5 and "perro" in convinced
        yield "la convencen cinco de sus seis imágenes, la de perro también"


def measured_03b(account: str) -> Found:
    networks, label = priors.my_networks(account)
    judge, witness = (load_model(name, device="cpu") for name in ("escenas", "escenas_semilla1"))
    lie = known_cases("03b_distribuciones", account)["lying_network"]
    made = {letter: maximize(network, logit(label), PixelCanvas(noise(1)), steps=64, lr=0.03).images
            for letter, network in networks.items()}
    for letter, image in made.items():
        yield f"(logit {float(networks[letter](image)[0, label]):,.0f})"
    assert named(judge, made["A"]) == [lie.label] and named(judge, made["B"]) == [lie.shown]
    yield f"y la testigo, «{named(witness, made['A'])[0]}»"
    said = named(witness, made["B"])[0]
    yield f"y la testigo también «{said}»" if said == lie.shown else f"y la testigo, «{said}»"


def measured_04(account: str) -> Found:
    world, model = load_images("test"), load_model("escenas", device="cpu")
    layer, label = exemplars.my_question(account)
    case, truth = known_cases("04_ejemplares", account)["selective_unit"], world.labels == label
    values, blank = (features(net, world.images, layer, "max") for net in (model, random_twin(model, 2)))
    first = roc_areas(blank[:750], truth[:750])
    mine, twin, rest = values[750:, case.unit], blank[750:, int(first.argmax())], truth[750:]
    yield f"la {int(first.argmax())}, con"
    yield from (float(first.max()), float(roc_areas(twin[:, None], rest)), float(average_precisions(mine[:, None], rest)), float(rest.double().mean()))
    rival = twin if account == "100003" else values[750:, case.loudest]
    dice = torch.Generator().manual_seed(0)
    draws = [torch.randint(750, (750,), generator=dice) for _ in range(1000)]
    areas = torch.stack([roc_areas(torch.stack([mine, rival], 1)[rows], rest[rows]) for rows in draws]).double()
    tails = torch.tensor([0.025, 0.975], dtype=torch.float64)
    yield from (areas[:, 0] - areas[:, 1]).quantile(tails).tolist()
    yield from areas[:, 0].quantile(tails).tolist() if account == "100003" else roc_areas(rival[:, None], rest).tolist()
    vectors = features(model, world.images[exemplars.my_images(account)], "relu6")
    yield map_quality(vectors, pca(vectors)).trustworthiness
    yield map_quality(vectors, torch.randn(144, 2, generator=torch.Generator().manual_seed(0))).trustworthiness
    others = values[:, case.unit].masked_fill(truth, -1e9).topk(6).indices
    best, rivals = ([world.classes[k] for k in world.labels[rows]] for rows in (choose(values[:, case.unit], 6)["best"], others))
    if account == "100003":
        assert [best.count(name) for name in ("bicicleta", "pájaro", "cebra")] == [3, 2, 1] and rivals.count("pájaro") == 4 == 6 - rivals.count("cebra")
        yield "tres bicicletas, dos pájaros y una cebra, y sus mejores rivales son cuatro pájaros y dos cebras"
    else:
        assert best.count("perro") == 4 == 6 - best.count("caballo") and set(rivals) == {"caballo"}
        yield "cuatro perros y dos caballos, y sus seis mejores rivales son caballos"


def measured_05(account: str) -> Found:
    world, (name, layer, cut) = load_concepts("test", n=300), dissection.my_layer(account)
    network, unit = load_model(name, device="cpu"), {"100016": 56, "100002": 3}[account]
    found = dissect(network, world, layer)
    iou, k = found.iou(), int(found.iou()[unit].argmax())
    few, many = (count_detectors(iou, at) for at in (0.1, 0.02))
    yield from (f"{few[0]} y {few[1]}", f"{many[0]} y {many[1]}")
    for low, high in ((many, count_detectors(iou, cut)), (count_detectors(iou, cut), few)) if account == "100016" else ((many, few),):
        yield f"{high[0] / low[0]:.0%}".replace("%", " %")
        yield f"{high[1] / low[1]:.0%}".replace("%", " %")
    lit, covers = (float(part) / found.tally.pixels for part in (found.tally.active[unit].max(), found.tally.truth[k]))
    yield f"la {unit}, «{world.names[k]}», con IoU"
    yield from (float(iou[unit, k]), lit, covers, min(lit, covers) / max(lit, covers))
    yield float(dissect(network, Shuffled(world), layer).iou()[unit, k])
    yield from (float(dissect(random_twin(network, seed), world, layer).iou()[:, k].max()) for seed in (2, 3, 4))


def measured_05b(account: str) -> Found:
    case, cars = known_cases("05b_experimentos", account)["shortcut_unit"], load_model("autos_trampa", device="cpu")
    place = layer_names(cars).index(case.layer) + 1
    head, tail = cars[:place], cars[place:]

    def swapped(label, chosen=None):
        """Lo que se llevan esas unidades juntas, o cada una sola, y los márgenes con un fondo y con el otro."""
        twins = transplants.twins_of(case.layer, label, case.source, case.seed)
        own, other = head(twins.own), head(twins.other)
        first, last = (float(transplants.margin_of(tail(maps), label)) for maps in (own, other))
        groups = [[unit] for unit in range(own.shape[1])] if chosen is None else [chosen]
        parts = []
        for units in groups:
            mixed = own.clone()
            mixed[:, units] = other[:, units]
            parts.append((first - float(transplants.margin_of(tail(mixed), label))) / (first - last))
        return torch.tensor(parts), first, last

    parts, first, last = swapped(case.label)
    best, second = parts.topk(2).indices.tolist()
    world, network = load_concepts("test", n=300), load_model("escenas", device="cpu")
    turned = rotate_layer(network, "relu4", random_rotation(96, seed=1))
    plain, mixed = count_detectors(dissect(network, world, "relu4").iou()), count_detectors(dissect(turned, world, "girada").iou())
    assert plain[1] == mixed[1] == 7
    yield f"de {plain[0]} detectoras "
    yield f"a {mixed[0]}"
    yield float(parts[second])
    if account == "100006":
        yield f"la que le sigue, la {second}"
        yield from (first, last, float(swapped(case.label, [u for u in range(len(parts)) if u != best])[0]))
    else:
        there = swapped(1 - case.label)[0]
        assert there.topk(3).indices.tolist()[::2] == [case.other_label, best]
        yield f"le sigue la {second}, con"
        yield from (float(there[case.other_label]), float(there[best]), float(parts[case.other_label]), float(swapped(case.label, [best, second])[0]))


def measured_06(account: str) -> Found:
    concept, draw = sequences.my_concept(account)
    values, truth = sequences.reading_material("test", concept, draw)
    case, model, windows = known_cases("06_texto", account)["concept_cell"], load_text_network(device="cpu"), sequences.my_windows("test", draw)
    mask = truth.view(len(windows), -1)
    inside, was = mask[:, 1:], mask[:, :-1]
    parts = (inside, was & ~inside, ~was & ~inside)
    yield from (float(mask.double().mean()) for mask in (sequences.reading_material("validation", concept, draw)[1], truth))
    yield f"({int(truth.sum()):,} de {len(truth):,} signos)"
    yield "| celda | en el concepto ({:,}) | con el que se sale ({:,}) | en lo demás ({:,}) |".format(*(int(part.sum()) for part in parts))
    others = torch.randperm(320, generator=torch.Generator().manual_seed(0)).tolist()[:5]
    before = sign_bits(model, windows.codes)
    for cell in (case.cell, *others):
        with silence(model, [Unit("cells", cell)]):
            more = sign_bits(model, windows.codes) - before
        cost = [float(more[part].mean()) for part in parts]
        yield f"| {'…' if cell == case.cell else cell} | " + " | ".join(f"{bits:.3f}" for bits in cost) + " |"
        yield from cost
        assert account == "100006" or cell == case.cell or cost[1] <= 0.05
    if account == "100001":
        reached = [max(float(average_precisions(way * values[cell][:, None], truth)) for way in (1, -1)) for cell in others]
        yield from (min(reached), max(reached))


def measured_06b(account: str) -> Found:
    mine, case = tabular.my_table(account), known_cases("06b_tablas", account)["planted_rule"]
    yield f"Son {len(mine.rows):,} personas"
    for name in (case.proxy, case.active, case.idle):
        options = mine.rows[:, mine.columns.places[name]].double()
        parts = (mine.in_b.double() @ options / options.sum(0)).tolist()
        if name != case.idle:
            yield from parts
        elif account == "100002":
            yield from (min(parts), max(parts))
    for kept in (mine.columns, mine.columns.without(case.proxy), mine.columns.without(case.active)):
        rows = mine.columns.pick(mine.rows, kept)
        yield from group_gap(row_scores(train_network(rows, mine.labels), rows, channel("fc:0")), mine.in_b).tolist()


# ── lo escrito y lo medido ──────────────────────────────────────────────────────────────────────────────────────────

CASES = [(f"measured_{lesson.partition('_')[0]}", lesson, account) for lesson, accounts in {
    "00_primeros_pasos": (1, 2), "01_oclusion": (1, 2), "01b_contrafactuales": (1, 2), "02_optimizacion": (1, 2), "03_regularizacion": (1, 2),
    "03b_distribuciones": (1, 9), "04_ejemplares": (3, 2), "05_diseccion": (16, 2), "05b_experimentos": (6, 8), "06_texto": (1, 6), "06b_tablas": (1, 2),
}.items() for account in (str(100_000 + number) for number in accounts)]


@pytest.mark.slow
@pytest.mark.parametrize("measure, lesson, account", CASES)
def test_what_is_written_is_what_is_measured(measure, lesson, account):
    """Cada decimal escrito es uno medido y cada medido está escrito, hasta el redondeo; las frases, tal cual."""
    text, found = own_words(lesson, account), list(globals()[measure](account))
    assert [phrase for phrase in found if isinstance(phrase, str) and phrase not in text] == []
    numbers = [abs(float(number)) for number in found if not isinstance(number, str)] + sorted(GIVEN.get(lesson, ()))
    written = re.findall(r"\d+\.\d+", text)

    def same(word: str, number: float) -> bool:
        return abs(float(word) - number) <= 0.6 * 10 ** -len(word.partition(".")[2])

    assert [word for word in written if not any(same(word, number) for number in numbers)] == []
    assert [number for number in numbers if number not in GIVEN.get(lesson, ()) and not any(same(word, number) for word in written)] == []
