"""La lección 6, texto: el alfabeto, los textos, la LSTM paso a paso y leer, medir y escribir con ella."""
import gzip
import json
import math
from math import log2

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from labkit.activations import Unit, edit, record, run, silence
from labkit.files import data_path
from labkit.models import ready
from labkit.objectives import channel
from labkit.sequences import (
    ALPHABET,
    TextNetwork,
    TextWorld,
    bits_per_sign,
    decode,
    encode,
    load_text_network,
    load_texts,
    random_text_twin,
    read_parts,
    read_text,
    read_units,
    sample_text,
    sign_bits,
    top_passages,
)
from labkit.sequences.cells import closes, sign_costs
from labkit.sequences.network import save_text_network
from labkit.sequences.ngrams import NGrams
from labkit.sequences.reading import COLDEST
from labkit.sequences.texts import SOURCES, SPLITS

TEXT = "def f(a, b=(1, 2)):\n    return [a, 'ñu']  # ¿sí?\n"


@pytest.fixture(scope="module")
def shipped() -> TextNetwork:
    return load_text_network(device="cpu")


@pytest.fixture
def small() -> TextNetwork:
    torch.manual_seed(1)
    return ready(TextNetwork(cells=7, width=5))


# ── el alfabeto ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_alphabet_is_small_and_has_the_signs_of_spanish():
    assert len(ALPHABET) == len(set(ALPHABET)) <= 128 and set("áéíóúñü¿¡«»\n\"'#()") <= set(ALPHABET)


def test_codes_go_and_come_back():
    assert decode(encode(TEXT)) == TEXT and encode("\n ").tolist() == [0, 1] and encode(TEXT).dtype == torch.int64


@pytest.mark.parametrize("text, words", [
    ("", "vacío"), ("a\nb€c", r"'€' \(U\+20AC\), en el renglón 2.*unknown='\?'"), ("☃€☃", "'☃'.*ni '€'")])
def test_a_text_that_does_not_fit_says_why(text, words):
    with pytest.raises(ValueError, match=words):
        encode(text)


def test_other_kinds_are_refused_and_unknown_signs_can_be_asked_for():
    with pytest.raises(TypeError, match="bytes"):
        encode(b"hola")
    with pytest.raises(ValueError, match="unknown"):
        encode("a", unknown="€")
    assert decode(encode("a€b", unknown="?")) == "a?b"


# ── los textos ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_no_module_is_in_two_parts_and_all_signs_are_known():
    for source in SOURCES:
        parts = [load_texts(source, split) for split in SPLITS]
        names = [name for part in parts for name in part.names]
        assert len(names) == len(set(names)) and len(parts[0]) > 5 * len(parts[2]) > 0
        assert all(set(text) <= set(ALPHABET) for part in parts for text in part.texts)


def test_no_long_passage_of_the_test_is_in_the_training():
    """Por módulos enteros no basta si un módulo copia a otro: casi ningún renglón largo de la prueba se entrenó."""
    for source, most in (("python", 0.02), ("curso", 0.10)):
        seen = {line.strip() for text in load_texts(source, "train").texts for line in text.splitlines()}
        lines = [line.strip() for text in load_texts(source, "test").texts for line in text.splitlines()]
        lines = [line for line in lines if len(line) >= 40]
        assert sum(line in seen for line in lines) <= most * len(lines)


def test_wrong_names_of_texts_list_the_right_ones():
    with pytest.raises(ValueError, match="python o curso"):
        load_texts("quijote")
    with pytest.raises(ValueError, match="train, validation, test"):
        load_texts("python", "prueba")


def test_own_files(tmp_path):
    path = tmp_path / "mío.py"
    path.write_bytes("\ufeffif x:\r\n\ty = 'ñ'\n".encode())
    assert read_text(path) == "if x:\n    y = 'ñ'\n"
    path.write_bytes(b"a\xff")
    with pytest.raises(ValueError, match="UTF-8.*byte 1"):
        read_text(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="vacío"):
        read_text(path)
    with pytest.raises(FileNotFoundError, match="no encuentro"):
        read_text(tmp_path / "otro.py")


def test_texts_carry_the_notice_of_their_licence():
    assert "Python Software Foundation" in data_path("textos", "LICENCIA_PSF.txt").read_text("utf-8")
    assert json.loads(gzip.decompress(data_path("textos", "python.json.gz").read_bytes())).keys() == set(SPLITS)


# ── la red, paso a paso ──────────────────────────────────────────────────────────────────────────────────────────────
def naive(model: TextNetwork, codes: torch.Tensor, off: tuple[int, ...] = ()) -> tuple[torch.Tensor, ...]:
    """La LSTM como se lee en el artículo, con la celda `off` en cero en cada paso: cells, hidden y logits, (T, …)."""
    lstm, h, c, seen = model.lstm, torch.zeros(model.lstm.hidden_size), torch.zeros(model.lstm.hidden_size), []
    for code in codes.tolist():
        gates = (lstm.weight_ih_l0 @ model.embed.weight[code] + lstm.bias_ih_l0 + lstm.weight_hh_l0 @ h + lstm.bias_hh_l0)
        i, f, g, o = gates.view(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        c[list(off)] = 0
        h = torch.sigmoid(o) * torch.tanh(c)
        seen.append((c, h, model.fc.weight[:, :, 0, 0] @ h + model.fc.bias))
    return tuple(torch.stack(values) for values in zip(*seen))


def layers_of(model: TextNetwork, codes: torch.Tensor) -> list[torch.Tensor]:
    with torch.no_grad():
        acts = run(model, codes[None], ["cells", "hidden", "fc"])
    return [acts[layer][0, :, 0].T for layer in ("cells", "hidden", "fc")]


def close(first, second) -> bool:
    return all(torch.allclose(a, b, atol=1e-5) for a, b in zip(first, second, strict=True))


def test_the_layers_are_those_of_the_formula(small):
    codes = encode(TEXT)
    assert close(layers_of(small, codes), naive(small, codes))
    assert run(small, codes[None], ["cells"])["cells"].shape == (1, 7, 1, len(TEXT))


def test_step_by_step_is_the_same_as_nn_lstm(shipped):
    codes = torch.stack([encode(text[:300]) for text in load_texts().texts[:4]])
    with torch.no_grad():
        whole, state = shipped(codes), shipped.state
        with edit(shipped, "cells", lambda values: values.clone()):         # un cambio que no cambia nada: paso a paso
            stepped, again = shipped(codes), shipped.state
        reference, (h, c) = shipped.lstm(shipped.embed(codes)[:, :, 0].mT)
    assert torch.allclose(whole, stepped, atol=1e-4) and close(state, again) and close(state, (h[0], c[0]))
    assert torch.allclose(shipped.fc(reference.mT[:, :, None]), whole, atol=1e-5)
    assert (layers_of(shipped, codes[0])[0] - naive(shipped, codes[0])[0]).abs().max() < 1e-4


@pytest.mark.parametrize("layer", ["cells", "hidden"])
def test_a_silenced_cell_is_silent_inside_the_recurrence(small, layer):
    codes = encode(TEXT)
    with silence(small, [Unit("cells", 2), Unit("cells", 5)]):
        assert close(layers_of(small, codes), naive(small, codes, (2, 5)))
    only_read = naive(small, codes)[1].clone()
    only_read[:, 2] = 0                                                     # lo que daría anular solo al leer
    with silence(small, [Unit(layer, 2)]):
        cells, hidden, _ = layers_of(small, codes)
    assert not hidden[:, 2].any() and not torch.allclose(hidden, only_read, atol=1e-4)
    assert bool(cells[:, 2].any()) == (layer == "hidden") and close(layers_of(small, codes), naive(small, codes))


def test_questions_of_the_course_are_asked_as_always(small):
    codes = encode(TEXT)[None]
    with torch.no_grad(), record(small, ["cells"]) as acts:
        small(codes)
    assert torch.allclose(channel("cells:3")(acts), naive(small, codes[0])[0][:, 3].mean()[None], atol=1e-5)


def test_training_gives_the_same_logits(small):
    codes = encode(TEXT)[None]
    expected = small(codes)
    assert torch.allclose(small.train()(codes), expected, atol=1e-6) and small.state[1].shape == (1, 7)


@pytest.mark.parametrize("codes, error, words", [
    ("hola", TypeError, "encode"), (torch.zeros(1, 3), ValueError, "float32"), (torch.zeros(3).long(), ValueError, r"\(3,\)"),
    (torch.zeros(1, 0).long(), ValueError, "vacío"), (torch.tensor([[0, 125]]), ValueError, "de 0 a 124"),
    (torch.tensor([[-1]]), ValueError, "de 0 a 124")])
def test_what_is_not_a_text_is_refused(small, codes, error, words):
    with pytest.raises(error, match=words):
        small(codes)


def test_run_lets_codes_through_and_still_refuses_whole_numbers_as_images(small):
    with pytest.raises(ValueError, match="float"):
        run(nn.Conv2d(3, 2, 1), torch.zeros(1, 3, 4, 4).long(), [])
    with pytest.raises(ValueError, match="vacío"):
        run(small, torch.zeros(2, 0).long(), ["cells"])


def test_saved_and_read_again(small, tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_DATOS", str(tmp_path))
    save_text_network(small, tmp_path / "networks" / "textos" / "otra.safetensors", {"seed": "1"})
    again = load_text_network("otra", "cpu")
    assert torch.allclose(again(encode(TEXT)[None]), small(encode(TEXT)[None]), atol=1e-2) and not again.training


def test_random_twin_has_the_same_shape_and_its_own_weights(shipped):
    twin = random_text_twin(shipped, 3)
    assert close(twin.state_dict().values(), random_text_twin(shipped, 3).state_dict().values())
    assert twin.lstm.weight_hh_l0.shape == shipped.lstm.weight_hh_l0.shape
    assert not torch.allclose(twin.lstm.weight_hh_l0, shipped.lstm.weight_hh_l0, atol=1e-2)


# ── leer, medir y escribir ───────────────────────────────────────────────────────────────────────────────────────────
def test_a_long_text_read_in_parts_is_one_reading(small):
    text = TEXT * 9
    whole = layers_of(small, encode(text))[0][:, [1, 4]].T
    for chunk in (1, 7, 50, 10_000):
        assert torch.allclose(read_units(small, text, ["cells:1", Unit("cells", 4)], chunk=chunk), whole, atol=1e-5)
    parts = list(read_parts(small, encode(text)[None], ["cells"], 50))
    assert [part["cells"].shape[3] for part in parts] == [50] * (len(text) // 50) + [len(text) % 50] * (len(text) % 50 > 0)


@pytest.mark.slow
def test_a_megabyte_is_read_with_little_memory(small):
    text = "f(x) = 1\n" * 111_112
    seen = 0
    for acts in read_parts(small, encode(text)[None], ["cells"]):
        assert acts["cells"].shape[3] <= 2000
        seen += acts["cells"].shape[3]
    assert seen == len(text) >= 1e6


def test_bits_are_the_entropy_of_the_next_sign(small):
    codes = torch.stack([encode(TEXT), encode(TEXT[::-1])])
    logits = small(codes)[:, :, 0]
    expected = torch.stack([-F.log_softmax(logits[:, :, t], 1)[range(2), codes[:, t + 1]] / torch.tensor(2.0).log()
                            for t in range(len(TEXT) - 1)], 1)
    for chunk in (5, len(TEXT) - 1, len(TEXT), 2000):
        assert torch.allclose(sign_bits(small, codes, chunk), expected, atol=1e-5)
    assert bits_per_sign(small, codes) == pytest.approx(float(expected.mean()), abs=1e-5)


def test_the_network_beats_the_ngrams_on_texts_it_never_saw(shipped):
    """La ficha dice lo que mide el archivo, y un contexto de cinco signos no alcanza a la red."""
    texts = load_texts()
    codes = torch.cat([encode(text) for text in texts.texts])
    rows = codes[:len(codes) // 1000 * 1000].view(-1, 1000)[::8]
    measured = bits_per_sign(shipped, rows)
    floor = NGrams(load_texts("python", "train").texts, 4)
    diary = json.loads(data_path("networks", "textos", "celdas.log.json").read_text("utf-8"))
    assert measured == pytest.approx(float(diary["python_bits"]), abs=0.1)
    assert measured < floor.bits(decode(rows.flatten()[:20_000])) - 0.2


def test_samples_repeat_with_their_seed_and_obey_the_temperature(shipped):
    first = sample_text(shipped, "def ", 40, 0.8, seed=4)
    assert first == sample_text(shipped, "def ", 40, 0.8, seed=4) != sample_text(shipped, "def ", 40, 0.8, seed=5)
    assert sample_text(shipped, "import ", 20, 1e-5, 1) == sample_text(shipped, "import ", 20, 1e-5, 2)
    with pytest.raises(ValueError, match="temperature"):
        sample_text(shipped, temperature=0)


def test_sampling_follows_the_probabilities_of_the_network(small):
    logits = small(encode("a")[None])[0, :, 0, -1]
    drawn = [sample_text(small, "a", 1, 2.0, seed) for seed in range(400)]
    counts = torch.tensor([drawn.count(sign) for sign in ALPHABET]) / 400
    assert (counts - (logits / 2).softmax(0)).abs().max() < 0.05


def test_top_passages_do_not_overlap():
    values = torch.tensor([0.0, 5, 4, 0, 0, 3, 0, 9])
    assert top_passages(values, ["abcd", "efgh"], k=3, before=2) == [(9.0, 1, 3), (5.0, 0, 1), (3.0, 1, 1)]
    assert len(top_passages(values, ["abcd", "efgh"], k=50, before=4)) == 2


# ── los n-gramas ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_ngrams_against_counting_by_hand():
    grams = NGrams(["aab"], 2)
    alone = (2 + 2 / len(ALPHABET)) / (3 + 2)                               # a: 2 de 3, con 2 signos distintos
    assert grams.probability("", "a") == pytest.approx(alone)
    assert grams.probability("xa", "a") == pytest.approx((1 + 2 * alone) / (2 + 2))
    assert NGrams(["aab"], 1).bits("aa") == pytest.approx(-log2(alone))


def test_ngram_probabilities_add_up_to_one():
    grams = NGrams(load_texts("python", "validation").texts[:1], 4)
    for context in ("", "imp", "zzzz", "self."):
        assert sum(grams.probability(context, sign) for sign in ALPHABET) == pytest.approx(1)
    with pytest.raises(ValueError, match="order"):
        NGrams(["a"], 0)


# ── lo que se puede romper ───────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("ask, words", [
    (lambda model: sign_bits(model, encode("a")[None]), "codes: hacen falta al menos dos signos"),
    (lambda model: bits_per_sign(model, encode("a")[None]), "codes: hacen falta al menos dos signos"),
    (lambda model: sign_bits(model, encode("ab")), r"codes: esperaba enteros \(b, T\)"),
    (lambda model: NGrams(["abab"]).bits("a"), "text: hacen falta al menos dos signos"),
    (lambda model: NGrams(["abab"]).bits(""), "text: hacen falta al menos dos signos"),
    (lambda model: read_units(model, "ab", []), "units: hace falta al menos una unidad"),
    (lambda model: decode(torch.tensor([3, 125])), "codes: esperaba enteros de 0 a 124"),
    (lambda model: decode(torch.tensor([-1])), "codes: esperaba enteros de 0 a 124"),
    (lambda model: top_passages(torch.zeros(5), ["ab", "cd"]), r"un valor por signo, \(4,\), y recibí \(5,\)"),
    (lambda model: sign_costs(model, TextWorld(["()\n" * 9], length=6), "()"), "sign: esperaba un solo signo"),
    *[(lambda model, heat=heat: sample_text(model, temperature=heat), "temperature: esperaba")
      for heat in (0, -1, 1e-40, math.nan, math.inf)],
    *[(lambda model, heat=heat: closes(model, encode("f(")[None], temperature=heat), "temperature: esperaba")
      for heat in (0, math.nan)],
])
def test_what_cannot_be_asked_says_why_in_spanish(small, ask, words):
    with pytest.raises(ValueError, match=words):
        ask(small)


def test_the_coldest_temperature_still_writes(shipped):
    assert sample_text(shipped, "def ", 20, COLDEST) == sample_text(shipped, "def ", 20, COLDEST, seed=1)
