"""Las redes de ImageNet y las de cada quien: la misma cuenta que la original, capas con nombre, clases en español."""
import copy
from collections import OrderedDict

import pytest
import torch
from PIL import Image
from torch import nn

from labkit.activations import Unit, record, run
from labkit.downloads import import_torchvision
from labkit.models import IMAGENET, draw_weights, find_classes, load_model, random_twin, wrap
from labkit.models.imagenet import LAYERS
from labkit.objectives import channel, logit, probability, score
from labkit.occlusion import occlusion_map

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def normalized(images):
    return (images - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def torchvision_network(name: str) -> nn.Module:
    """La red de torchvision con pesos al azar, tal como torchvision la usa con sus pesos publicados."""
    extra = {"init_weights": False, "transform_input": True} if name == "googlenet" else {}
    with torch.device("meta"):
        network = import_torchvision().models.get_model(name, weights=None, **extra)
    network = draw_weights(network.to_empty(device="cpu"), seed=0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            with torch.no_grad():
                module.running_mean.normal_(0, 0.3, generator=dice())
                module.running_var.uniform_(0.5, 2, generator=dice())
    return network.eval()


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Guarda una red de torchvision donde mira LABKIT_REAL_DATA y la devuelve."""
    monkeypatch.setenv("LABKIT_REAL_DATA", str(tmp_path))

    def store(name: str) -> nn.Module:
        network = torchvision_network(name)
        torch.save(network.state_dict(), tmp_path / f"{name}_imagenet.pth")
        return network

    yield store
    for path in tmp_path.glob("*.pth"):                                     # VGG16 pesa medio gigabyte
        path.unlink()


@pytest.mark.parametrize("name", IMAGENET)
def test_the_flat_network_computes_what_torchvisions_does(stored, name):
    network = stored(name)
    model = load_model(name, device="cpu")
    images = torch.rand(2, 3, 96, 80, generator=dice())
    with torch.no_grad():
        expected, logits = network(normalized(images)), model(images)
    assert torch.allclose(logits, expected, atol=2e-6 * expected.abs().max().item(), rtol=1e-5)
    assert list(dict(model.named_children())) == model.layers and model.layers[0] == "normalize" and model.layers[-1] == "fc"
    assert len(model.classes) == len(model.english) == 1000 and model.english[340] == "zebra" and model.classes[340] == "cebra"
    assert not any(getattr(module, "inplace", False) or module.training for module in model.modules())
    assert not any(weight.requires_grad for weight in model.parameters())
    assert model.preprocess(Image.new("RGB", (500, 300))).shape == (3, 224, 224)


def test_layers_have_textbook_names():
    for name, some in (("alexnet", "conv1 relu5 pool5 fc6 relu7"), ("vgg16", "conv1_1 relu3_3 pool3 conv5_3 pool5 fc7"),
                       ("googlenet", "conv2 pool2 inception4c gap"), ("resnet18", "bn1 pool1 layer4 gap"),
                       ("squeezenet1_1", "fire9 conv10 relu10")):
        assert set(some.split()) <= set(LAYERS[name].split()), name


def test_every_convolution_of_googlenet_can_be_asked_before_its_relu(stored):
    stored("googlenet")
    model = load_model("googlenet", device="cpu")
    images = torch.rand(1, 3, 64, 64, generator=dice())
    acts = run(model, images, ["inception4c.branch1.bn", "inception4c.branch1.relu", "inception4c"])
    assert acts["inception4c.branch1.bn"].min() < 0
    assert torch.equal(acts["inception4c.branch1.bn"].relu(), acts["inception4c.branch1.relu"])
    assert torch.equal(acts["inception4c"][:, :128], acts["inception4c.branch1.relu"])     # la concatenación empieza por ella


def test_pretrained_weights_may_come_in_half_precision(stored, tmp_path):
    network = stored("resnet18")
    state = {key: value.half() if value.is_floating_point() else value for key, value in network.state_dict().items()}
    state = {key: value for key, value in state.items() if "num_batches" not in key}        # como los publicados de 2015
    torch.save(state, tmp_path / "resnet18_imagenet.pth")
    model = load_model("resnet18", device="cpu")
    assert all(weight.dtype == torch.float32 for weight in model.parameters())


# ── la caché de torchvision ──────────────────────────────────────────────────────────────────────────────────────────

@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Una caché de torchvision vacía y, en lugar de la red, una carpeta con los pesos publicados (de mentira)."""
    monkeypatch.delenv("LABKIT_REAL_DATA", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    network = torchvision_network("squeezenet1_1")
    torch.save(network.state_dict(), tmp_path / "publicados.pth")
    asked = []

    def fetch(url, path, digest):
        asked.append((url, digest))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((tmp_path / "publicados.pth").read_bytes())
        return path

    monkeypatch.setattr("labkit.models.imagenet.fetch_file", fetch)
    return tmp_path / "torch/hub/checkpoints/squeezenet1_1-b8a52dc0.pth", asked


def test_weights_go_to_torchvisions_cache_with_its_name_and_sum(cache):
    path, asked = cache
    with pytest.raises(FileNotFoundError, match="5 MB.*download=True.*labkit fetch squeezenet1_1"):
        load_model("squeezenet1_1", device="cpu")
    load_model("squeezenet1_1", device="cpu", download=True)
    assert path.is_file() and [digest for _, digest in asked] == ["b8a52dc0"] and asked[0][0].endswith(path.name)
    load_model("squeezenet1_1", device="cpu")
    load_model("squeezenet1_1", device="cpu", download=True)
    assert len(asked) == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a medias", b"\x80\x04K\x01."])
def test_damaged_weights_are_told_and_the_second_try_recovers(cache, content):
    path, asked = cache
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match="dañados.*download=True"):
        load_model("squeezenet1_1", device="cpu")
    assert load_model("squeezenet1_1", device="cpu", download=True).layers[-1] == "fc" and len(asked) == 1


def test_weights_of_another_network_are_told(stored, tmp_path):
    stored("squeezenet1_1")
    (tmp_path / "squeezenet1_1_imagenet.pth").rename(tmp_path / "alexnet_imagenet.pth")
    with pytest.raises(RuntimeError, match="alexnet.*no son los de esa red"):
        load_model("alexnet", device="cpu")


# ── clases ───────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_spanish_names_are_a_thousand_and_different(stored):
    stored("squeezenet1_1")
    model = load_model("squeezenet1_1", device="cpu")
    assert len(set(model.classes)) == 1000 and all(name == name.strip() and name for name in model.classes)
    pairs = dict(zip(model.english, model.classes))
    for english, spanish in {"tabby": "gato atigrado", "timber wolf": "lobo gris", "Siberian husky": "husky siberiano",
                             "airliner": "avión de línea", "trailer truck": "camión con remolque", "acorn": "bellota"}.items():
        assert pairs[english] == spanish


def test_classes_are_found_in_both_languages(stored):
    stored("squeezenet1_1")
    model = load_model("squeezenet1_1", device="cpu")
    assert find_classes(model, "ZEBRA") == find_classes(model, "cebra") == [(340, "cebra")]
    assert find_classes(model, "avion de linea") == [(404, "avión de línea")]
    assert (281, "gato atigrado") in find_classes(model, "gato") and (281, "gato atigrado") in find_classes(model, "tabby")
    assert find_classes(model, "xyzzy") == find_classes(model, "  ") == []
    ours = load_model("escenas", device="cpu")
    assert find_classes(ours, "avion") == [(0, "avión")]


# ── la red de cada quien ─────────────────────────────────────────────────────────────────────────────────────────────

class Mine(nn.Module):
    """Una red ajena al curso: sin nombres de libro, con ReLU in situ y una función suelta al final."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.head = nn.Linear(8, 4)

    def forward(self, images):
        return self.head(self.body(images).mean((2, 3))) * 2


def test_any_classifier_works_the_same():
    torch.manual_seed(0)
    mine = Mine().train()
    before = copy.deepcopy(mine.state_dict())
    model = wrap(mine, MEAN, STD, ["a", "b", "c", "d"], size=32)
    images = torch.rand(3, 3, 32, 32, generator=dice())
    with torch.no_grad():
        expected = copy.deepcopy(mine).eval()(normalized(images))
        assert torch.allclose(model(images), expected, atol=1e-6)
    assert model.layers == ["normalize", "network.body.0", "network.body.1", "network.body.2", "network.head", "fc"]
    assert torch.allclose(score(model, images, logit(2)), expected[:, 2], atol=1e-6)
    assert torch.allclose(score(model, images, probability(2)), expected.softmax(1)[:, 2], atol=1e-6)
    assert score(model, images, channel(Unit("network.body.0", 3))).shape == (3,)
    assert occlusion_map(model, images[0], logit(1), size=8, stride=8).shape == (32, 32)
    assert model.preprocess(Image.new("L", (100, 50))).shape == (3, 32, 32)
    assert [k for k, _ in find_classes(model, "C")] == [2]
    assert not torch.allclose(random_twin(model)(images), expected)
    with record(model, ["network.body.1"]) as acts:
        model(images)
    assert acts["network.body.1"].min() < 0                                 # la ReLU que escribía sobre su entrada ya no
    assert mine.training and all(torch.equal(before[key], value) for key, value in mine.state_dict().items())
    assert all(weight.requires_grad for weight in mine.parameters())


def test_a_sequential_and_a_frozen_network_can_be_wrapped_too():
    mine = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 5, 3), gap=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten())).requires_grad_(False)
    model = wrap(mine, (0, 0, 0), (1, 1, 1), range(5))
    images = torch.rand(2, 3, 16, 16, generator=dice())
    assert torch.equal(model(images), mine(images)) and model.classes == list("01234")


@pytest.mark.parametrize("mean, std", [((0.5,), (0.5,)), ((0, 0, 0), (1, 0, 1)), ((0, 0, 0), (1, 1)), ((0, 0, 0), (1, -1, 1))])
def test_a_normalization_that_cannot_be_is_refused(mean, std):
    with pytest.raises(ValueError, match="mean, std: esperaba tres números"):
        wrap(Mine(), mean, std, "abcd")
