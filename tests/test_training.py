"""Con qué se entrenan las redes: variaciones, optimizador, ataque y un entrenamiento que se puede cortar y seguir."""
import copy
from dataclasses import replace

import pytest
import torch
import train
from augment import augment, cover, grain, mix, move
from fitting import accuracy, attacked, batches, blend, fit, follow, length, step_size, taught, turned
from muon import optimizers, orthogonal
from recipes import EXPERIMENTS, LATER, RECIPES, SEEDS, VARIANTS, Recipe

from labkit.models import draw_weights, plain_network


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images():
    return torch.rand(12, 3, 32, 32, generator=dice())


def test_augmented_images_repeat_with_the_seed_and_stay_in_range(images):
    varied = augment(images, dice(3))
    assert varied.shape == images.shape and varied.min() >= 0 and varied.max() <= 1
    assert torch.equal(varied, augment(images, dice(3))) and not torch.allclose(varied, augment(images, dice(4)))


def test_each_image_moves_on_its_own():
    same = torch.rand(1, 3, 32, 32, generator=dice()).repeat(12, 1, 1, 1)
    moved = move(same, dice(1))
    assert all(not torch.allclose(moved[i], moved[j]) for i in range(12) for j in range(i))


def test_moving_keeps_a_spot_near_its_place():
    spot = torch.zeros(64, 3, 64, 64)
    spot[:, :, 30:34, 30:34] = 1
    mass = move(spot, dice(2)).mean(1)
    axis = torch.arange(64.0)
    centers = torch.stack([(mass.sum(2) * axis).sum(1), (mass.sum(1) * axis).sum(1)], 1) / mass.sum((1, 2))[:, None]
    offsets = centers - 31.5
    assert (offsets.abs() < 8).all() and offsets.std() > 1.5


def test_mixing_keeps_the_proportion():
    colors = torch.linspace(0, 1, 8)
    images, targets = colors.view(8, 1, 1, 1).expand(8, 3, 4, 4), torch.stack([colors, 1 - colors], 1)
    mixed, answers = mix(images, targets, 0.8, dice())
    assert torch.allclose(mixed[:, 0, 0, 0], answers[:, 0], atol=1e-6)           # la misma mezcla en ambas
    assert torch.allclose(answers.sum(1), torch.ones(8)) and not torch.allclose(answers, targets)
    assert torch.equal(mix(images, targets, 0, dice())[0], images)


def test_cover_hides_a_square_and_nothing_else(images):
    changed = (cover(images, 10, dice()) != images).any(1).flatten(1).sum(1)
    assert (changed <= 121).all() and (changed >= 25).all()                     # en una esquina se ve un cuarto
    assert torch.equal(cover(images, 0, dice()), images)


@pytest.mark.parametrize("shape", [(8, 30), (30, 8), (16, 16)])
def test_orthogonal_evens_the_singular_values(shape):
    matrix = torch.randn(shape, generator=dice()) * 100
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    result = orthogonal(matrix)
    values = torch.linalg.svdvals(result)
    assert values.max() < 1.3 and values.median() > 0.6
    assert torch.diag(u.T @ result @ v.T).min() > 0                             # mismas direcciones, mismo sentido


def test_every_weight_has_one_optimizer():
    model = plain_network(3, (4, 4, 4), batch_norm=True)
    owned = [id(weight) for tool in optimizers(model, 0.02, 0.0) for group in tool.param_groups for weight in group["params"]]
    assert sorted(owned) == sorted(id(weight) for weight in model.parameters())


def test_attack_stays_within_reach_and_hurts(images):
    model = draw_weights(plain_network(3, (8, 8, 8)), 0).eval()
    answers = torch.nn.functional.one_hot(model(images).argmax(1), 3).float()
    worst = attacked(model, images, answers, 0.5, 5, dice())
    assert length(worst - images).max() <= 0.5 + 1e-5 and worst.min() >= 0 and worst.max() <= 1

    def loss(batch):
        return torch.nn.functional.cross_entropy(model(batch), answers, reduction="none")

    noise = torch.randn(images.shape, generator=dice(1))
    assert (loss(worst) > loss(images)).all()
    assert loss(worst).mean() > loss((images + noise * 0.5 / length(noise)).clamp(0, 1)).mean()


def test_step_size_rises_and_falls():
    sizes = [step_size(i / 100) for i in range(101)]
    top = sizes.index(max(sizes))
    assert max(sizes) == pytest.approx(1) and sizes[0] == sizes[-1] == pytest.approx(0.01)
    assert sizes[:top + 1] == sorted(sizes[:top + 1]) and sizes[top:] == sorted(sizes[top:], reverse=True)


def test_sharp_images_only_move_whole_pixels_and_flip():
    size = 16
    images = torch.rand(64, 3, size, size, generator=dice())
    moved = move(images, dice(), sharp=1.0)
    for before, after in zip(images, moved):
        padded = torch.nn.functional.pad(before[None], (2, 2, 2, 2), mode="reflect")[0]     # SHIFT · 16 = 1.5 píxeles
        # `reflection` de grid_sample refleja con la orilla repetida; se compara sólo el centro, que no la toca
        crops = [padded[:, y:y + size, x:x + size] for y in range(5) for x in range(5)]
        views = crops + [crop.flip(2) for crop in crops]
        assert min((view - after)[:, 4:-4, 4:-4].abs().max() for view in views) < 1e-4


def test_grain_touches_half_of_the_images_and_no_more_than_it_says():
    images = torch.full((400, 3, 8, 8), 0.5)
    spread = grain(images, 0.06, dice()).std((1, 2, 3))
    assert 0.4 < (spread == 0).float().mean() < 0.6
    assert 0.05 < spread.max() < 0.07
    assert grain(images, 0.0, dice()) is images


def test_training_learns_and_resumes_where_it_stopped(tmp_path, monkeypatch):
    labels = torch.arange(96) % 2
    images = torch.rand(96, 3, 16, 16, generator=dice()) * 0.3 + labels.view(-1, 1, 1, 1) * 0.5    # oscuras y claras
    recipe = Recipe("prueba", epochs=6, batch=16)

    def trained(folder, epochs_by_call):
        for _ in range(epochs_by_call):
            model = draw_weights(plain_network(["oscura", "clara"], (4, 4, 4), dense=4), 0)
            diary = fit(recipe, model, (images, labels), (images, labels), folder)
        return model, diary

    whole, diary = trained(tmp_path / "de_corrido", 1)
    assert len(diary) == 6 and accuracy(whole, images, labels) > 0.9
    monkeypatch.setattr("fitting.accuracy", failing_at(3))
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "cortado", 1)
    monkeypatch.undo()
    resumed, again = trained(tmp_path / "cortado", 1)
    assert [row["loss"] for row in again] == [row["loss"] for row in diary]
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), resumed.state_dict().values()))


def failing_at(call: int):
    """Una `accuracy` que interrumpe el entrenamiento la vez número `call`."""
    calls = []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return accuracy(*arguments)

    return interrupted


def test_progress_of_another_recipe_is_not_used(tmp_path, capsys):
    images, labels = torch.rand(32, 3, 16, 16, generator=dice()), torch.arange(32) % 2
    for recipe in (Recipe("prueba", epochs=1, batch=16), Recipe("prueba", epochs=1, batch=16, seed=1)):
        diary = fit(recipe, draw_weights(plain_network(2, (4, 4, 4)), 0), (images, labels), (images, labels), tmp_path)
        assert len(diary) == 1
    assert "empiezo de nuevo" in capsys.readouterr().out
    fit(recipe, plain_network(2, (4, 4, 4)), (images, labels), (images, labels), tmp_path)
    assert "época" not in capsys.readouterr().out                               # ya estaba completo


def test_recipes_cover_the_networks_that_ship():
    assert [name for name, recipe in RECIPES.items() if recipe.name != name] == []
    seeds = [replace(RECIPES[name], name="", seed=0) for name in ("escenas", "escenas_semilla1", "escenas_semilla2")]
    assert seeds[0] == seeds[1] == seeds[2] and len({RECIPES[name].seed for name in RECIPES if "semilla" in name}) == 2
    starts = [recipe.start for recipe in RECIPES.values() if recipe.start]
    assert starts and set(starts) <= set(RECIPES)


def test_teachers_answer_together_one_the_image_and_another_its_mirror():
    """Maestras plantadas: la primera mira la esquina izquierda y la segunda, también; al espejo le toca por turnos."""
    class Corner(torch.nn.Module):
        def forward(self, images):
            return torch.stack([images[:, 0, 0, 0], images[:, 0, 0, -1]], 1) * 20

    image = torch.zeros(1, 3, 4, 4)
    image[:, :, :, 0] = 1                                                       # clara a la izquierda
    one = Corner()(image).softmax(1)
    assert torch.allclose(taught([Corner()], image, 0), one) and torch.allclose(taught([Corner()], image, 1), one.flip(1))
    assert torch.allclose(taught([Corner(), Corner()], image, 0), torch.full((1, 2), 0.5))


def test_a_student_of_a_teacher_learns_what_it_says_and_not_the_labels(tmp_path):
    """Con etiquetas equivocadas a propósito, la alumna acaba diciendo lo que dice la maestra."""
    class Bright(torch.nn.Module):
        def forward(self, images):
            light = 40 * (images.mean((1, 2, 3)) - 0.5)
            return torch.stack([-light, light], 1)

    images = torch.rand(64, 1, 1, 1, generator=dice()).expand(64, 3, 16, 16).contiguous()
    said = Bright()(images).argmax(1)
    recipe = Recipe("alumna", epochs=25, batch=32, widths=(4, 6, 8), dense=8, sharp=1.0, light=0.0)
    model = draw_weights(plain_network(2, recipe.widths, recipe.dense), 0)
    fit(recipe, model, (images, 1 - said), (images, said), tmp_path, [Bright()])
    assert accuracy(model, images, said) > 0.85


def test_a_blend_is_the_mean_of_the_weights_with_its_own_norms(images):
    recipe = Recipe("mezcla", batch=4, sharp=1.0, light=0.0)
    first, second = (draw_weights(plain_network(3, (4, 5, 6), batch_norm=True), seed) for seed in (0, 1))
    before, middle = first.state_dict(), (first.conv2.weight + 3 * second.conv2.weight) / 4
    second.bn1.running_mean.fill_(9)
    blend(second, before, 0.25, images, recipe)
    assert torch.allclose(second.conv2.weight, middle, atol=1e-6) and not second.training
    seen = torch.nn.Sequential(second.normalize, second.conv1)(images)          # las de verdad, salvo el desplazamiento
    assert (second.bn1.running_mean - seen.mean((0, 2, 3))).abs().max() < 0.15 * seen.std()


# ── los experimentos de la lección 5 ────────────────────────────────────────────────────────────────────────────────

def test_quarter_turns_are_those_asked():
    image = torch.arange(9.0).view(1, 1, 3, 3).expand(4, 1, 3, 3)
    turns = turned(image, torch.arange(4))
    assert torch.equal(turns[0], image[0]) and torch.equal(turns[2], image[0].flip(1, 2))
    assert turns[1, 0, 0].tolist() == [2, 5, 8] and turns[3, 0, 0].tolist() == [6, 3, 0]        # contra el reloj


def test_a_network_that_learns_turns_never_sees_a_label():
    images, recipe = torch.rand(32, 3, 16, 16, generator=dice()), Recipe("prueba", target="turns", batch=16)
    runs = [list(batches(images, labels, 4, recipe, dice(1))) for labels in (torch.zeros(32, dtype=torch.long), torch.ones(32, dtype=torch.long))]
    for (a, wanted), (b, same) in zip(*runs):
        assert torch.equal(a, b) and torch.equal(wanted, same) and wanted.sum(1).eq(1).all() and (wanted.sum(0) > 0).sum() > 1


def test_two_answers_share_the_target_and_either_is_right():
    wanted = torch.tensor([[0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5]])
    class Fixed(torch.nn.Module):
        def forward(self, images):
            return torch.tensor([[0.0, 0, 9, 0], [9.0, 0, 0, 0]])[:len(images)]
    assert accuracy(Fixed(), torch.rand(2, 3, 4, 4), wanted) == 0.5
    images, recipe = torch.rand(16, 3, 16, 16, generator=dice()), Recipe("prueba", target="both", batch=16)
    (_, answers), = batches(images, wanted.repeat(8, 1), 4, recipe, dice())
    assert sorted(map(tuple, answers.tolist())) == sorted(map(tuple, wanted.repeat(8, 1).tolist()))


def test_snapshots_are_taken_at_their_steps_and_change_nothing(tmp_path):
    images, labels = torch.rand(64, 3, 16, 16, generator=dice()), torch.arange(64) % 2
    runs = []
    for snapshots in ((), (1, 5)):
        recipe = Recipe("prueba", epochs=2, batch=16, snapshots=snapshots)
        model = draw_weights(plain_network(2, (4, 4, 4)), 0)
        fit(recipe, model, (images, labels), (images, labels), tmp_path / str(len(snapshots)))
        runs.append(model.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(runs[0].values(), runs[1].values()))
    saved = sorted(path.name for path in (tmp_path / "2").glob("*_paso*"))
    assert saved == ["prueba_paso1.pt", "prueba_paso5.pt"] and not list((tmp_path / "0").glob("*_paso*"))


def test_the_average_follows_the_weights_and_copies_what_is_counted():
    """Con la parte s, tras n pasos hacia un peso fijo w queda sⁿ de la distancia; los enteros se copian."""
    average, model = torch.nn.BatchNorm1d(3), torch.nn.BatchNorm1d(3)
    torch.nn.init.constant_(model.weight, 5.0)
    model.num_batches_tracked.fill_(7)
    for _ in range(4):
        follow(average, model, 0.5)
    assert torch.allclose(average.weight, torch.full((3,), 5 - 4 * 0.5 ** 4)) and average.num_batches_tracked == 7


def test_experiments_change_one_thing_at_a_time():
    assert {name.rsplit("_", 1)[0] for name in EXPERIMENTS} == set(VARIANTS)
    for name, recipe in EXPERIMENTS.items():
        base = EXPERIMENTS[f"base_{recipe.seed}"]
        changed = {field for field, value in vars(recipe).items() if value != vars(base)[field]} - {"name", "snapshots"}
        assert len(changed) <= 1 or name.startswith(("vgg", *LATER)), (name, changed)


def test_every_experiment_has_eight_seeds_that_nobody_explored():
    for variant in VARIANTS:
        seeds = [recipe.seed for name, recipe in EXPERIMENTS.items() if name.rsplit("_", 1)[0] == variant]
        assert seeds == list(SEEDS) and len(seeds) == 8 and min(seeds) > 4


def test_the_two_controls_of_the_transfer_differ_only_in_their_last_layer(monkeypatch):
    same, fresh = EXPERIMENTS["continuada_10"], EXPERIMENTS["cabeza_10"]
    assert {field for field, value in vars(same).items() if value != vars(fresh)[field]} == {"name", "new_head"}
    assert same.start == fresh.start == EXPERIMENTS["transferida_10"].start == "base_10"
    learned = draw_weights(plain_network(["a", "b"], (4, 4, 4)), 3)
    monkeypatch.setattr(train, "trained", lambda name, device: copy.deepcopy(learned))
    kept, redrawn = (train.starting_network(recipe, ["a", "b"], torch.device("cpu")) for recipe in (same, fresh))
    for name, weights in learned.state_dict().items():
        assert torch.equal(kept.state_dict()[name], weights)
        assert torch.equal(redrawn.state_dict()[name], weights) == (name != "fc.weight"), name
