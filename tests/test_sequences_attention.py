"""La lección 6, texto: la cadena que más enciende a una celda, y la red de solo atención."""
import itertools
import json

import pytest
import torch
import torch.nn.functional as F

from labkit.activations import Unit, run, silence
from labkit.files import data_path
from labkit.models import ready
from labkit.sequences import ALPHABET, TextNetwork, encode, load_text_network
from labkit.sequences.attention import (
    CONTEXT,
    Attention,
    AttentionNetwork,
    head_scores,
    induction_scores,
    load_attention_network,
    previous_scores,
    repeated_codes,
    save_attention_network,
    turn,
)
from labkit.sequences.search import exciting_string, final_values, passage_value


@pytest.fixture(scope="module")
def shipped() -> AttentionNetwork:
    return load_attention_network(device="cpu")


def bits_of(model: AttentionNetwork, codes: torch.Tensor) -> tuple[float, float]:
    """Los bits por signo de la primera vuelta y de la segunda."""
    with torch.no_grad():
        bits = F.cross_entropy(model(codes[:, :-1])[:, :, 0], codes[:, 1:], reduction="none") / torch.tensor(2.0).log()
    period = codes.shape[1] // 2
    return float(bits[:, :period - 1].mean()), float(bits[:, period:].mean())


# ── la cadena que más enciende ───────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("lowest", [False, True])
def test_the_search_reaches_the_best_of_all_short_strings(lowest):
    torch.manual_seed(3)
    model, signs = ready(TextNetwork(6, 4)), "abcd("
    everything = torch.stack([encode("".join(letters)) for letters in itertools.product(signs, repeat=4)])
    best = float(final_values(model, Unit("cells", 2), everything, lowest).max())
    found = exciting_string(model, "cells:2", 4, lowest, signs)
    assert found.value == pytest.approx(best, abs=1e-5) and len(found.text) == 4 and set(found.text) <= set(signs)
    assert passage_value(model, "cells:2", found.text, lowest) == pytest.approx(found.value, abs=1e-5)


def test_touching_up_never_lowers_and_the_seed_repeats():
    model = load_text_network(device="cpu")
    once = exciting_string(model, "cells:28", 6, sweeps=0)
    touched = exciting_string(model, "cells:28", 6, sweeps=1, seed=1)
    assert touched.value >= once.value and touched == exciting_string(model, "cells:28", 6, sweeps=1, seed=1)
    assert touched.value > passage_value(model, "cells:28", "return")
    with pytest.raises(ValueError, match="length"):
        exciting_string(model, "cells:28", 0)


# ── la atención ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_layer_is_the_formula_looked_at_place_by_place():
    torch.manual_seed(0)
    layer, vectors = Attention(8, 2), torch.randn(1, 5, 8)
    pattern = layer.look(vectors)
    brought = layer.bring(vectors, pattern)
    normal = F.layer_norm(vectors, [8])[0]
    queries, keys, values = (matrix(normal) for matrix in (layer.query, layer.key, layer.value))
    for head, t in itertools.product(range(2), range(5)):
        part = slice(4 * head, 4 * head + 4)
        turned = [turn(torch.stack([rows[:, part]])[None])[0, 0] for rows in (queries, keys)]
        scores = torch.stack([turned[0][t] @ turned[1][s] / 2 for s in range(t + 1)]).softmax(0)
        assert torch.allclose(pattern[0, head, t, :t + 1], scores, atol=1e-5) and not pattern[0, head, t, t + 1:].any()
        assert torch.allclose(brought[0, head, t], scores @ values[:t + 1, part], atol=1e-5)


def test_turning_depends_only_on_the_distance():
    a, b = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    turned = [turn(vector.repeat(1, 1, 20, 1))[0, 0] for vector in (a, b)]
    products = turned[0] @ turned[1].T
    assert all(torch.allclose(products.diagonal(k), products.diagonal(k)[:1], atol=1e-4) for k in range(-10, 10))
    assert turned[0].norm(dim=1) == pytest.approx(a.norm().expand(20), abs=1e-5)
    assert products.diagonal(3)[0] != pytest.approx(float(products.diagonal(5)[0]), abs=1e-3)


def test_the_network_never_sees_what_follows():
    model = ready(AttentionNetwork(16, 2))
    codes = encode("abcdefgh")[None]
    changed = codes.clone()
    changed[0, 5:] = 7
    assert torch.allclose(model(codes)[..., :5], model(changed)[..., :5], atol=1e-6)


def test_too_long_or_strange_texts_are_refused():
    model = ready(AttentionNetwork(16, 2))
    with pytest.raises(ValueError, match=f"{CONTEXT} signos"):
        model(torch.zeros(1, CONTEXT + 1).long())
    with pytest.raises(ValueError, match="vacío"):
        model(torch.zeros(1, 0).long())


def built_by_hand(codes: torch.Tensor, after: int = 1) -> torch.Tensor:
    """El patrón de una cabeza de inducción perfecta: mira `after` lugares después de la última vez que estuvo su signo."""
    pattern = torch.zeros(len(codes), 1, codes.shape[1], codes.shape[1])
    for b, row in enumerate(codes.tolist()):
        for t, code in enumerate(row):
            before = [s for s in range(t) if row[s] == code]
            pattern[b, 0, t, before[-1] + after if before else 0] = 1
    return pattern


def test_an_induction_head_built_by_hand_scores_one():
    codes = torch.stack([torch.randperm(96, generator=torch.Generator().manual_seed(i))[:30] for i in range(3)]).repeat(1, 2)
    assert induction_scores(built_by_hand(codes), 30).item() == 1
    assert induction_scores(built_by_hand(codes, 0), 30).item() == 0        # mira al signo mismo, y no al que sigue
    assert previous_scores(torch.eye(60).roll(-1, 1)[None, None]).item() == 1
    even = torch.ones(60, 60).tril()[None, None] / torch.arange(1, 61)[:, None]
    assert induction_scores(even, 30).item() == pytest.approx(float((1 / torch.arange(31, 61)).mean()))


def test_repeated_texts_repeat_and_are_random():
    codes = repeated_codes(50, 20, seed=1)
    assert codes.shape == (50, 40) and torch.equal(codes[:, :20], codes[:, 20:]) and codes.max() < 96
    assert torch.equal(codes, repeated_codes(50, 20, seed=1)) and not torch.equal(codes, repeated_codes(50, 20, seed=2))


# ── la que viene ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_shipped_network_copies_and_its_heads_say_how(shipped):
    codes = repeated_codes(32, CONTEXT // 2, seed=9)
    scores, (first, second) = head_scores(shipped, codes), bits_of(shipped, codes)
    assert second < first / 2 and scores["inducción"].shape == (2, 4)
    best, before = int(scores["inducción"][1].argmax()), int(scores["signo anterior"][0].argmax())
    assert scores["inducción"][1, best] > 0.5 > 0.05 > scores["inducción"][0].max() and scores["signo anterior"][0, before] > 0.5
    without = {}
    for layer, head in itertools.product(("heads1", "heads2"), range(4)):
        with silence(shipped, [Unit(layer, head)]):
            without[layer, head] = bits_of(shipped, codes)[1]
    assert without["heads2", best] > 5 * second and without["heads1", before] > first / 2
    assert sorted(without.values())[-2:] == [without["heads2", best], without["heads1", before]]
    with silence(shipped, [Unit("heads2", head) for head in range(4)]):
        assert bits_of(shipped, codes)[1] > 0.8 * 6.58                      # log₂ 96: al azar


def test_random_weights_do_not_copy():
    torch.manual_seed(0)
    codes = repeated_codes(16, 40)
    first, second = bits_of(ready(AttentionNetwork()), codes)
    assert abs(first - second) < 0.3 and head_scores(ready(AttentionNetwork()), codes)["inducción"].max() < 0.1


def test_silencing_a_head_is_leaving_out_what_it_brings(shipped):
    codes = encode("def f(self, x):\n    return self.x")[None]
    with torch.no_grad(), silence(shipped, [Unit("heads1", 2)]):
        acts = run(shipped, codes, ["heads1", "pattern2", "fc"])
    assert not acts["heads1"][:, 2].any() and acts["heads1"][:, 1].any()
    vectors = shipped.embed(codes)[:, :, 0].mT
    brought = shipped.attn1.bring(vectors, shipped.attn1.look(vectors))
    brought[:, 2] = 0
    assert torch.allclose(shipped.attn2.look(vectors + shipped.attn1.join(brought)), acts["pattern2"], atol=1e-5)


def test_the_card_tells_what_the_file_does(shipped, tmp_path, monkeypatch):
    diary = json.loads(data_path("networks", "textos", "atencion.log.json").read_text("utf-8"))
    assert float(diary["python_bits"]) < 3 and len(diary["diary"]) == diary["parts"]
    assert sum(path.stat().st_size for path in data_path("networks", "textos").glob("*.safetensors")) < 1.5e6
    assert data_path("networks", "textos", "atencion.safetensors").stat().st_size < 1e6
    monkeypatch.setenv("LABKIT_DATOS", str(tmp_path))
    save_attention_network(shipped, tmp_path / "networks" / "textos" / "otra.safetensors", {"seed": "0"})
    again, codes = load_attention_network("otra", "cpu"), encode(ALPHABET)[None]
    assert torch.allclose(again(codes), shipped(codes), atol=1e-2)
