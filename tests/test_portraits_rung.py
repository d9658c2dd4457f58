"""Un escalón de la escalera: junto a la imagen de cada unidad, el pedazo real que más la excita."""
import torch

from labkit.activations import run
from labkit.datasets import load_images
from labkit.images import centered
from labkit.models import load_model
from labkit.portraits import rung
from labkit.ready_made import load_gallery


def test_a_rung_pairs_the_made_image_with_the_patch_that_peaks():
    world, model = load_images("test"), load_model("escenas_robusta", device="cpu")
    shown = load_gallery("escenas_robusta", "conv3")
    tiles = rung(model, world.images, "conv3", shown, [6, 29])
    assert tiles.shape == (4, 3, 128, 128)
    for k, unit in enumerate((6, 29)):
        assert torch.equal(tiles[2 * k], centered(shown.images[unit], 128))
        image = world.images[shown.top[unit, 0]]
        peak = run(model, image[None], ["conv3"])["conv3"][0, unit].max()
        patch = tiles[2 * k + 1][:, 4:124, 4:124][:, ::6, ::6]              # 20 × 20 píxeles, agrandados seis veces
        alone = torch.full((1, 3, 64, 64), 0.5)
        alone[0, :, 24:44, 24:44] = patch                                   # solo, y lejos de las orillas
        assert patch.shape == (3, 20, 20)
        assert run(model, alone, ["conv3"])["conv3"][0, unit].max() > 0.6 * peak
