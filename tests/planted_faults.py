"""Fallas sembradas: errores chicos y creíbles en lo que lee el estudiante, y qué prueba se da cuenta de cada uno.

Sirve para comparar dos juegos de pruebas: lo que uno atrapa, el otro no debe dejarlo pasar. Desde la raíz del proyecto:

    python tests/planted_faults.py --out antes.json

Se trabaja en una copia; aquí no se toca nada. Una falla se busca por el nombre de su función en todo labkit, así que
resiste mudanzas; si ya no se puede plantar, se dice. Una falla atrapada por una prueba que tampoco pasa sin ella no
cuenta: esa prueba se aparta y la falla se repite.
"""
import argparse
import ast
import json
import multiprocessing
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from math import ceil
from pathlib import Path
from queue import Queue
from time import process_time
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LINKED = ("data", "lessons")                                    # en la copia son enlaces: pesan y nadie los cambia
NOT_ASKED = ("test_planted_faults.py", "test_style.py", "test_floors.py")       # miran el texto y no lo que hace
LIMIT = 240                                                     # segundos de procesador por falla
SPENT = "segundos de procesador:"
# lo que tarda en importarse, una vez para todas las fallas
PRELOADED = ["pytest", "torch", "scipy.stats", "sklearn.manifold", "sklearn.linear_model", "matplotlib.pyplot",
             "ipywidgets", "safetensors.torch"]
FORKED = multiprocessing.get_context("forkserver")


class Fault(NamedTuple):
    """En la función `function` (Clase.método si es de una clase), donde dice `old`, que esté una vez, va `new`.

    module: el nombre de su módulo, si en labkit hay varias funciones que se llaman igual.
    """
    key: str
    function: str
    old: str
    new: str
    module: str = ""


class Outcome(NamedTuple):
    """Qué pasó con una falla y qué prueba la atrapó.

    result: "caught", "missed", "time" (no alcanzó el tiempo), "error" (pytest no pudo) o "unplanted";  seconds: de
    procesador;  files: las pruebas que se corrieron.
    """
    key: str
    function: str
    result: str
    test: str
    seconds: float
    files: list[str]


FAULTS = [
    # ── shapes y device ──────────────────────────────────────────────────────────────────────────────────────────────
    Fault("shape-only-numbers", "check_shape", "if axes is None:", "if not axes:"),
    Fault("shape-larger-passes", "_match", "if size != expected:", "if size < expected:"),
    Fault("shape-advice-batch", "_suggestion", 'pattern[0] in "bn"', 'pattern[0] in "b"'),
    Fault("values-half-overflows", "check_values", "low, high = (value.item() for value in torch.aminmax(tensor.detach()))",
          "low = high = tensor.detach().sum().item()"),
    Fault("values-only-nan", "check_values", "if not (math.isfinite(low) and math.isfinite(high))",
          "if math.isnan(low)"),
    Fault("device-worst", "pick_device", "available[0]", "available[-1]"),
    Fault("device-with-number", "pick_device", 'str(name).split(":")[0] not in', "str(name) not in"),
    Fault("seed-not-numpy", "seed_all", "np.random.seed(seed)", "np.random.seed()"),
    Fault("drawn-race-uniform", "draw_index", "-torch.log1p(-luck)", "luck"),
    Fault("drawn-narrow", "draw_index", "dtype=torch.float64", "dtype=torch.float32"),
    Fault("seed-ignored", "seed_all", "torch.manual_seed(seed)", "torch.manual_seed(0)"),
    # ── activations ──────────────────────────────────────────────────────────────────────────────────────────────────
    Fault("unit-not-zero", "Unit.__post_init__", '"channel", 0)', '"channel", 1)'),
    Fault("unit-no-layer", "Unit.parse", "(layer and re.", "(re."),
    Fault("unit-wrong-axis", "Unit.map", "values[:, self.channel]", "values[self.channel]"),
    Fault("unit-one-too-many", "Unit.map", "self.channel >= values", "self.channel > values"),
    Fault("layers-containers-too", "layer_names", "if name and all(map(hidden, module.children()))", "if name"),
    Fault("layer-empty-name", "get_layer", "in modules and name:", "in modules:"),
    Fault("record-no-copy", "record", "values if name == INPUT else values.clone()", "values"),
    Fault("record-old-pass", "record", "acts.clear()", "pass"),
    Fault("edit-any-shape", "edit", 'getattr(result, "shape", None) != values.shape', "not isinstance(result, Tensor)"),
    Fault("silence-in-place", "silence", "values = values.clone()", "values = values.detach()"),
    Fault("silence-only-last", "silence", "channels[unit.layer].append(unit)", "channels[unit.layer] = [unit]"),
    Fault("run-whole-network", "run", ", stop=True) as acts", ") as acts"),
    Fault("run-unchecked", "run", "_check_images(model, images)", "check_shape(images, 'b 3 h w', 'images')"),
    Fault("field-same-axis", "receptive_field", "lines.transpose(2, 3)", "lines"),
    Fault("field-last-excluded", "_seen", "int(reached[-1]) + 1", "int(reached[-1])"),
    Fault("hooks-stay", "_hooked", "handle.remove()", "pass"),
    # ── images ───────────────────────────────────────────────────────────────────────────────────────────────────────
    Fault("uint8-truncates", "to_uint8", ".round()", ""),
    Fault("sheet-black-edge", "add_margin", "value=1.0", "value=0.0"),
    Fault("beside-extra-pad", "beside", " for image in images) - pad", " for image in images)"),
    Fault("enlarge-one-axis", "enlarge", "repeat_interleave(scale, -2)", "repeat_interleave(scale, -1)"),
    Fault("colorize-truncates", "colorize", ".round().long()", ".long()"),
    Fault("limits-not-absolute", "color_limits", "values.abs().max()", "values.max()"),
    Fault("overlay-too-bright", "overlay", "(1 - alpha) * image", "image"),
    Fault("box-in-place", "draw_box", "image.detach().clone()", "image.detach()"),
    Fault("box-one-late", "draw_box", "{x0, x1 - 1}", "{x0, x1}"),
    Fault("outline-black-on-top", "draw_outline", "(width + 1, 0.0), (width, 1.0)", "(width, 1.0), (width + 1, 0.0)"),
    Fault("text-lines-overlap", "text_image", "size // 4 + i * line", "size // 4"),
    Fault("caption-wrong-side", "caption", "image.shape[2]", "image.shape[1]"),
    Fault("bars-overflow", "bars", "min(max(value, low), high) - low", "value - low"),
    Fault("centered-corner", "centered", "(side - length) // 2 for", "0 * length for"),
    Fault("poster-squeezed", "save_poster", "image.shape[1] / image.shape[2]", "image.shape[2] / image.shape[1]"),
    Fault("png-as-jpeg", "png_bytes", '"PNG"', '"JPEG"'),
    Fault("jpeg-fixed-quality", "jpeg_bytes", 'whole(quality, "quality", 1, 100)', "90"),
    Fault("bytes-transposed", "_encoded", "permute(1, 2, 0)", "permute(2, 1, 0)"),
    # ── objectives ───────────────────────────────────────────────────────────────────────────────────────────────────
    Fault("objective-missing-one", "Objective.__call__", "if missing:", "if len(missing) > 1:"),
    Fault("objective-loses-layers", "Objective.__add__", "self.layers + other.layers", "self.layers"),
    Fault("objective-minus-is-plus", "Objective.__sub__", "self(acts) - other(acts)", "self(acts) + other(acts)"),
    Fault("objective-same-sign", "Objective.__neg__", "-self(acts)", "self(acts)"),
    Fault("channel-sum", "channel", ".mean(1)", ".sum(1)"),
    Fault("peak-absolute", "peak", ".amax(1)", ".abs().amax(1)"),
    Fault("neuron-x-y", "neuron", "values[:, row, column]", "values[:, column, row]"),
    Fault("direction-sum", "direction", "flatten(2).mean(2)", "flatten(2).sum(2)"),
    Fault("layer-sum", "layer_energy", ".pow(2).mean(1)", ".pow(2).sum(1)"),
    Fault("logit-fixed-layer", "logit", "_class_unit(class_index, layer)", '_class_unit(class_index, "fc")'),
    Fault("probability-over-images", "probability", "softmax(1)", "softmax(0)"),
    Fault("margin-against-zero", "margin", "-torch.inf", "0.0"),
    Fault("each-more-images", "each", "if b != len(objectives)", "if b < len(objectives)"),
    Fault("score-keeps-gradient", "score", "torch.no_grad()", "torch.enable_grad()", "objectives"),
    Fault("score-fixed-batch", "score", 'images.split(whole(batch_size, "batch_size", 1))', "images.split(128)", "objectives"),
    # ── pixels ───────────────────────────────────────────────────────────────────────────────────────────────────────
    Fault("color-order", "color_histogram", "red * parts + green", "green * parts + red"),
    Fault("color-wraps", "color_histogram", "clamp(0, parts - 1)", "remainder(parts)"),
    Fault("edge-whole-turn", "edge_histogram", "angle % torch.pi / torch.pi", "angle % (2 * torch.pi) / (2 * torch.pi)"),
    Fault("edges-unscaled", "edges", "table / (around.sqrt() + 1e-3)", "table / (around.sqrt().mean() + 1e-3)"),
    Fault("svm-fits-test", "linear_svm", "search.fit(known.numpy(), train_labels.numpy())",
          "search.fit(asked.numpy(), test_labels.numpy())"),
    Fault("svm-one-class", "linear_svm", 'check_labels(train_labels, len(train), "train_labels", FOLDS)',
          'check_labels(train_labels, len(train), "train_labels")'),
    Fault("resampled-without-tails", "resampled", "(1 - share) / 2, (1 + share) / 2", "1 - share, share"),
    Fault("resampled-fewer-images", "resampled", "multinomial(len(values),", "multinomial(len(values) // 2,"),
    Fault("images-of-any-range", "check_images", "images.min() < 0 or images.max() > 1", "False"),
    Fault("labels-of-any-length", "check_labels", "len(labels) != count or ", ""),
    Fault("explorer-own-scale", "_shared_limits", "maps if heat.numel() == 1 else heat", "heat"),
    Fault("explorer-box-of-nothing", "_strongest", "heat.max() <= 0", "False", "pixels"),
    Fault("compressed-small-axes", "compressed", "(known - middle) @ axes[:size].T, (asked - middle) @ axes[:size].T",
          "(known - middle) @ axes[-size:].T, (asked - middle) @ axes[-size:].T"),
    Fault("turn-unscaled", "_turned", "axes[:, kept] / sizes[kept].sqrt()", "axes[:, kept] / sizes[kept]", "pixels"),
    # ── datasets ─────────────────────────────────────────────────────────────────────────────────────────────────────
    Fault("masks-first-rows", "ConceptSet.masks", "maps = self.segments[rows]", "maps = self.segments"),
    Fault("masks-colors-of-first", "ConceptSet.masks", "color_index(self.images[rows])",
          "color_index(self.images[:len(rows)])"),
    Fault("object-labels-of-first", "ConceptSet.object_masks", "self.labels[rows]", "self.labels[:len(rows)]"),
    Fault("batches-lose-last", "ConceptSet.batches", ".split(size)", ".split(size)[:-1]"),
    Fault("pictures-all", "ConceptSet.pictures", "self.images[rows]", "self.images"),
    Fault("regions-color-offset", "ConceptSet.regions", "last + kinds % tints", "kinds % tints"),
    Fault("labels-of-all", "load_images", "arrays[key][:n]", "arrays[key]"),
    Fault("cifar-256", "load_images", ".div_(255)", ".div_(256)"),
    Fault("segments-overflow", "load_concepts", "segments.astype(np.int16)", "segments.astype(np.uint8)"),
    Fault("images-256", "read_images", "div_(255)", "div_(256)"),
    Fault("tiles-by-column", "_tiles", "permute(0, 2, 4, 1, 3)", "permute(2, 0, 4, 1, 3)"),
    Fault("count-zero", "_count", 'whole(n, "n", 1, total', 'whole(n, "n", 0, total', "datasets"),
    Fault("pairs-shift", "load_counterfactuals", "variants[changed] += arrays", "variants[changed] -= arrays"),
    Fault("pairs-left", "load_counterfactuals", ".cumsum(2, dtype=np.uint8)", ".cumsum(1, dtype=np.uint8)"),
    Fault("pairs-green", "load_counterfactuals", "colors[..., ::2] += colors", "colors[..., :2] += colors"),
    # ── priors/line y priors/sampling ────────────────────────────────────────────────────────────────────────────────
    Fault("line-variance", "Bumps.density", "sigma).exp()", "sigma / 2).exp()"),
    Fault("line-arrow-back", "Bumps.arrow", "self.centers - x[..., None]", "x[..., None] - self.centers"),
    Fault("line-guess-swapped", "Bumps.best_guess", "own * x[..., None] + noise * self.centers", "noise * x[..., None] + own * self.centers"),
    Fault("line-mean-unweighted", "Bumps.mean", "self.weights * self.centers", "self.centers / 3"),
    Fault("sample-no-two", "sample", "math.sqrt(2 * PACE)", "math.sqrt(PACE)"),
    Fault("sample-times-heat", "sample", "pull * uphill", "uphill / pull.clamp(min=1e-6)"),
    Fault("sample-sigma-plain", "sample", "sigma ** 2 * pull", "sigma * pull"),
    Fault("gradient-mean", "gradient_of", "score.sum()", "score.mean()"),
    # ── counterfactuals ──────────────────────────────────────────────────────────────────────────────────────────────
    Fault("cluster-alone", "_by_scene", "scene.unique(return_inverse=True)",
          "torch.arange(len(scene)).unique(return_inverse=True)"),
    Fault("interaction-sign", "interaction", "- (before - without_a)", "+ (before - without_a)"),
    Fault("deletion-order", "deletion", "descending=True", "descending=False"),
    Fault("cascade-first", "cascade", "reversed(list(", "iter(list("),
    Fault("inpaint-outside", "inpaint", "denoiser(found + sigma * noise, sigma), images)",
          "denoiser(found + sigma * noise, sigma), found + noise)"),
    Fault("rest-own", "answers", "scatter(1, labels[:, None], -torch.inf)", "scatter(1, labels[:, None], 0.0)", "pairs"),
    # ── plotting ─────────────────────────────────────────────────────────────────────────────────────────────────────
    Fault("sheet-not-larger", "show_sheet", "enlarge(tiles.detach().cpu(), _scale(", "enlarge(tiles.detach().cpu(), 1 or _scale("),
    Fault("sheet-first-heading", "show_sheet", "rows[i // cols]", "rows[0]"),
    Fault("sheet-fixed-quality", "picture_of", "quality is None", "True"),
    Fault("picture-half-width", "picture_of", "Picture(data, image.shape[2]", "Picture(data, image.shape[2] // 2"),
    Fault("figure-other-size", "picture_of_figure", "dpi=DOTS", "dpi=150"),
    Fault("heatmap-not-symmetric", "show_heatmap", "color_limits(heat, symmetric)", "color_limits(heat)"),
    Fault("scale-upside-down", "color_bar", "torch.linspace(high, low", "torch.linspace(low, high"),
    Fault("text-never-wider", "text_width", "default=0) + size", "default=0) * 0 + size"),
    Fault("table-not-escaped", "Table.html", "{escape(cell)}", "{cell}"),
    Fault("table-mark-last", "show_table", "written[mark][0] =", "written[-1][0] ="),
    Fault("curves-no-names", "show_curves", "if len(curves) > 1:", "if len(curves) > 2:"),
    Fault("bars-upside-down", "show_bars", "range(len(names)), lengths,", "range(len(names))[::-1], lengths,"),
    Fault("interval-symmetric", "show_intervals", "[low, high], [i, i]", "[2 * value - high, high], [i, i]"),
    Fault("spread-signed", "show_spread", '"+" if floor == 0', '"+" if floor != 0'),
    Fault("list-of-numbers", "read_tensor", "not any(isinstance(part", "any(isinstance(part"),
    Fault("concept-by-number", "_read_concept", "isinstance(value, int) or", "isinstance(value, float) or"),
    Fault("dice-is-sum", "_shared_over", "concept * concepts", "concepts"),
    Fault("cloud-mean", "show_spread", "np.median(numbers)", "np.mean(numbers)"),
    Fault("paths-transposed", "show_paths", 'indexing="xy"', 'indexing="ij"'),
    # ── occlusion ────────────────────────────────────────────────────────────────────────────────────────────────────
    Fault("boxes-one-short", "occluder_boxes", 'corners + whole(size, "size")', 'corners + whole(size, "size") - 1'),
    Fault("boxes-miss-border", "_starts", "length - size + stride", "length - size + 1"),
    Fault("boxes-never-whole", "_starts", 'whole(size, "size", 1, length', 'whole(size, "size", 1, length - 1'),
    Fault("grid-transposed", "boxes_grid_shape", 'return len(_starts(h, size, stride, "h")), len(_starts(w, size, stride, "w"))',
          'return len(_starts(w, size, stride, "w")), len(_starts(h, size, stride, "h"))'),
    Fault("sides-one-more", "_sides", "(y < y1)", "(y <= y1)"),
    Fault("occlude-cross", "occlude", "] & cols[", "] | cols["),
    Fault("cover-the-rest", "cover_mask", "), cover, image", "), image, cover"),
    Fault("mean-of-all-channels", "fill_image", "image.mean((1, 2), keepdim=True)", "image.mean()"),
    Fault("noise-never-same", "fill_image", "generator=torch.Generator().manual_seed(0)", "generator=None"),
    Fault("scores-ignore-fill", "occlusion_scores", "boxes, fill, lambda", "boxes, 0.0, lambda"),
    Fault("map-sign", "occlusion_map", "scores[0] - scores[1:]", "scores[1:] - scores[0]"),
    Fault("map-stride-equal", "occlusion_map", "if stride > size:", "if stride >= size:"),
    Fault("sweep-stride-equal", "sizes_sweep", "stride <= size", "stride < size"),
    Fault("probabilities-over-boxes", "class_probabilities", "softmax(1)", "softmax(0)"),
    Fault("winners-by-column", "winners", "argmax(1)", "argmax(0)"),
    Fault("paint-sum", "paint_boxes", " / (rows.T @ cols)", ""),
    Fault("lowest-is-highest", "lowest_box", "argmin()", "argmax()"),
    Fault("coverage-of-image", "coverage", "/ _area(mask)", "/ mask.numel()"),
    Fault("share-absolute", "share_on_mask", "heat.detach().clamp(min=0)", "heat.detach().abs()"),
    Fault("mode-not-restored", "intact", "module.training = training", "pass"),
    Fault("blur-dark-border", "_blurred", "count_include_pad=False", "count_include_pad=True"),
    # ── optimization ─────────────────────────────────────────────────────────────────────────────────────────────────
    Fault("canvas-start-shared", "PixelCanvas.__init__", "nn.Parameter(self.start.clone())",
          "nn.Parameter(self.start)"),
    Fault("canvas-out-of-range", "PixelCanvas.after_step", "pixels.clamp(0, 1)", "pixels"),
    Fault("canvas-always-l2", "PixelCanvas.after_step", "self.radius.to(pixels.device), self.norm)",
          "self.radius.to(pixels.device))"),
    Fault("noise-same-seed", "noise", "dice(seed)", "dice(0)"),
    Fault("within-stretches", "within", ".clamp(max=1)", ""),
    Fault("maximize-goes-down", "maximize", "maximize=True", "maximize=False"),
    Fault("maximize-keeps-late", "maximize", "if step % keep_every == 0", "if (step + 1) % keep_every == 0"),
    Fault("maximize-last-transformed", "maximize", "_score(model, objective, images))",
          "_score(model, objective, images, transform))"),
    Fault("gallery-frames-axis", "gallery", "torch.cat(frames, 1)", "torch.cat(frames)"),
    Fault("gallery-same-seed", "gallery", "noise(1, size, seed=seed)", "noise(1, size)"),
    Fault("dream-forgets", "dream", "dreamed - base", "dreamed - canvas.start"),
    Fault("diversity-counts-itself", "diversity", "(likeness.sum(1) - 1)", "likeness.sum(1)"),
    Fault("diversity-of-largest", "diversity_of", ".mean().item()", ".amax().item()"),
    Fault("style-not-normalized", "style_likeness", "F.normalize((flat @ flat.transpose(1, 2)).flatten(1), dim=1)",
          "(flat @ flat.transpose(1, 2)).flatten(1)"),
    Fault("relu-stays-redirected", "redirect_relu", "handle.remove()", "pass"),
    Fault("relu-wrong-way", "_Redirected.backward", "(slope > 0)", "(slope < 0)"),
    Fault("penalty-sees-transformed", "_score", "acts[INPUT] = images", "acts[INPUT] = shown"),
    Fault("cppn-corner", "CPPNCanvas.points", "+ 1 - size", "- size"),
    Fault("cppn-transposed", "CPPNCanvas.points", 'torch.stack([x, y,', 'torch.stack([y, x,'),
    Fault("cppn-rows-again", "CPPNCanvas.at", "range(y, min(y + rows, size))", "range(0, min(rows, size - y))"),
    Fault("cppn-one-formula", "CPPNCanvas.__init__", "manual_seed(seed + i)", "manual_seed(seed)"),
    Fault("cppn-no-slope", "CPPNCanvas.forward", ".unflatten(2,", ".detach().unflatten(2,"),
    Fault("cppn-no-tone", "CPPNCanvas.colors", " + self.tone", ""),
    Fault("cppn-only-odd", "bend", "angle.square() - 0.45", "angle - 0.45"),
    Fault("gray-of-batch", "gray_signed", "_top(values, share)", "_top(values, share).amax()"),
    Fault("gray-by-maximum", "_top", "round(share * flat.shape[1])", "flat.shape[1]", "gradients"),
    Fault("push-weakest", "push", "gradient.abs() if seed is None", "-gradient.abs() if seed is None"),
    Fault("push-downwards", "push", "size * gradient.sign()", "-size * gradient.sign()"),
    Fault("agreement-with-itself", "neighbour_agreement", "gradient[..., 1:]", "gradient[..., :-1]"),
    # ── regularization ───────────────────────────────────────────────────────────────────────────────────────────────
    Fault("variation-twice-vertical", "total_variation", "images.diff(dim=3)", "images.diff(dim=2)"),
    Fault("l1-sum", "distance_l1", ".abs().mean(", ".abs().sum("),
    Fault("l2-root", "distance_l2", ".pow(2).mean((1, 2, 3))", ".pow(2).mean((1, 2, 3)).sqrt()"),
    Fault("blur-not-normalized", "blur", "(weights / weights.sum())", "weights"),
    Fault("blur-narrow", "blur", "(2 * sigma ** 2)", "(sigma ** 2)"),
    Fault("high-from-cut", "high_frequency_share", "> cut", ">= cut"),
    Fault("high-with-mean", "high_frequency_share", "images - images.mean((2, 3), keepdim=True)", "images"),
    Fault("jitter-one-less", "jitter", "2 * reach + 1", "2 * reach"),
    Fault("rotate-radians", "rotate", "torch.deg2rad(degrees * _uniform(len(images), generator))",
          "degrees * _uniform(len(images), generator)"),
    Fault("scale-inverse", "scale", "torch.eye(2) / factor", "torch.eye(2) * factor"),
    Fault("warp-ratio", "_warp", "[1.0, h / w], [w / h, 1.0]", "[1.0, w / h], [h / w, 1.0]"),
    Fault("noise-not-centered", "pixel_noise", "torch.randn(", "torch.rand("),
    Fault("compose-backwards", "compose", "for transform in transforms:", "for transform in reversed(transforms):"),
    Fault("score-under-sum", "score_under", ".mean(0)", ".sum(0)"),
    Fault("fourier-no-decay", "FourierCanvas.__init__", '** -real(decay, "decay", -4, 4)', "** -1.0"),
    Fault("fourier-not-scaled", "FourierCanvas.__init__", "(weight / weight.pow(2).mean().sqrt())", "weight"),
    Fault("fourier-colors-turned", "FourierCanvas.forward", "ij,bjhw->bihw", "ji,bjhw->bihw"),
    Fault("fourier-infinite", "spectrum_of", "eps=EDGE", "eps=1e-12"),
    Fault("fourier-not-weighed", "FourierCanvas.encode", " / self.weight", ""),
    Fault("fourier-no-after", "FourierCanvas.after_step", "self.after(self())", "self()"),
    Fault("soft-noise-of-batch", "soft_noise", "maps.std((1, 2, 3), keepdim=True)", "maps.std()"),
    Fault("colors-variance", "color_matrix", "deviations.sqrt()", "deviations"),
    Fault("frequencies-squared", "frequencies", ").sqrt()", ")"),
    Fault("path-no-transpose", "ascent_path", "(basis.T @ gradient)", "gradient"),
    # ── exemplars ────────────────────────────────────────────────────────────────────────────────────────────────────
    Fault("layout-perplexity", "layout", "TSNE(perplexity=perplexity,", "TSNE("),
    Fault("layout-seed", "layout", "torch.Generator().manual_seed(seed)", "torch.Generator().manual_seed(0)"),
    Fault("maps-half", "load_maps", "torch.from_numpy(arrays[name]).float()", "torch.from_numpy(arrays[name])"),
    Fault("pca-not-centered", "principal_axes", "svd(vectors - middle", "svd(vectors"),
    Fault("continuity-is-trust", "map_quality", "(both, both[::-1])", "(both, both)"),
    Fault("quality-same-seed", "map_quality", "dice(seed)", "dice(0)"),
    Fault("neighbours-in-order", "neighbour_preservation", "here[:, :, None] == there[:, None, :]",
          "here[:, :, None] == there[:, :, None]"),
    Fault("grid-not-squared", "assign_to_grid", ".pow(2)", ""),
    Fault("seams-with-itself", "seams", "(len(vectors) * (len(vectors) - 1))", "len(vectors) ** 2"),
    Fault("points-turned", "show_points", "[:, ::-1]", ""),
    Fault("points-one-mark", "_draw_map", "MARKS[kind // len(INKS)]", "MARKS[0]"),
    Fault("points-name-corner", "_middle", ".argmin()", ".argmax()", "points"),
    Fault("points-names-covered", "_free_place", "or abs(put[1] - c) >= LINE", "or True"),
    Fault("same-group-one-neighbour", "same_group", "neighbours(points, k)", "neighbours(points, 1)"),
    Fault("centers-not-means", "center_distances", ".mean(0)", ".sum(0)"),
    Fault("order-by-size", "_ranks", "stats.rankdata(far.detach().cpu())", "far.detach().cpu().numpy()", "maps"),
    Fault("shuffle-keeps-names", "shuffled_order", 'torch.rand(whole(times, "times", 1), count, generator=dice(seed)).argsort(1)',
          "torch.arange(count).repeat(times, 1)"),
    Fault("shuffle-of-one-side", "shuffled_order", "turns[:, cols]]", "cols[None]]"),
    Fault("crowding-no-half", "crowding", "(0.5 *", "(1.0 *"),
    Fault("crowding-perimeter", "crowding", ".volume", ".area"),
    Fault("spread-cut-equal", "spread_sheet", "marks >= cut", "marks > cut"),
    Fault("som-sheared", "SOM.__init__", "(y % 2) / 2 * hexagonal", "y / 2 * hexagonal"),
    Fault("som-never-last", "SOM.fit", "epoch / max(epochs - 1, 1)", "epoch / epochs"),
    Fault("som-width", "SOM.step", "2 * width ** 2", "2 * width"),
    Fault("som-farthest", "SOM.winners", "largest=False", "largest=True"),
    Fault("som-error-squared", "SOM.quantization_error", ".norm(dim=1).mean()", ".pow(2).sum(1).mean()"),
    Fault("som-topographic-sign", "SOM.topographic_error", "~self.adjacent", "self.adjacent"),
    Fault("som-own-neighbour", "SOM.adjacent", "(far > 0) & ", ""),
    Fault("som-no-diagonals", "SOM.adjacent", "else 1.5", "else 1.1"),
    Fault("umatrix-sum", "SOM.u_matrix", " / near.sum(1).clamp(min=1)", ""),
    Fault("hits-short", "SOM.hits", ", minlength=len(self.places)", ""),
    Fault("nearest-farthest", "SOM.nearest", "argmin(1)", "argmax(1)"),
    Fault("som-plane-turned", "SOM._plane", "self.rows >= self.cols", "self.rows < self.cols"),
    Fault("affinities-sum-two", "affinities", "(2 * n)", "n"),
    Fault("affinities-bits", "affinities", "math.log(perplexity)", "math.log2(perplexity)"),
    Fault("tsne-not-centered", "tsne", "points - points.mean(0)", "points"),
    Fault("tsne-gain-sign", "tsne", "slope * speed < 0", "slope * speed > 0"),
    Fault("tsne-gradient-half", "gradient", "return 4 *", "return 2 *", "tsne"),
    Fault("trials-lose-one", "Trials.split", "slice(first, None)", "slice(first + 1, None)"),
    Fault("choose-worst-order", "choose", "order[n - k:].flip(0)", "order[n - k:]"),
    Fault("choose-seed", "choose", "dice(seed)", "dice(0)"),
    Fault("patches-x-for-y", "peak_patches", "peak // width", "peak % width"),
    Fault("patches-black", "peak_patches", "value=GRAY", "value=0.0"),
    Fault("roc-pairs", "roc_areas", "yes * (yes + 1) / 2", "yes * (yes - 1) / 2"),
    Fault("area-interval-swapped", "area_interval", "(positives - 1) * better + (negatives - 1) * worse",
          "(negatives - 1) * better + (positives - 1) * worse", "measures"),
    Fault("area-interval-one-tail", "area_interval", "(1 + share) / 2", "share", "measures"),
    Fault("selectivity-unknown", "selectivity", "areas.nan_to_num(0.0)", "areas"),
    Fault("survives-least", "areas_by_group", "< least", "<= least"),
    Fault("trials-answers", "choice_trials", "answers[:, None] == 1", "answers[:, None] == 0"),
    Fault("automatic-farthest", "automatic_answers", "argmax(1)", "argmin(1)"),
    Fault("automatic-one-reference", "automatic_answers", ".mean(1)", "[:, 0]"),
    Fault("automatic-not-centered", "automatic_answers", "vectors.mean(0)", "0 * vectors.mean(0)"),
    Fault("trials-leak", "choice_trials", "values[:half, units].topk", "values[:, units].topk"),
    Fault("traits-side", "object_traits", "masks.sum(1) * place", "masks.sum(2) * place"),
    Fault("traits-background", "_common", "counts[:, 1:].argmax(1)", "counts.argmax(1)"),
    Fault("features-first-mark", "features", "fingerprint(model, images,",
          "fingerprint(model, images[:1],"),
    Fault("features-mark-no-pool", "fingerprint", "{asked} {tuple", "{tuple", "kept"),
    Fault("features-always-mean", "features_by_layer", "_pooled(acts[name], pool)", '_pooled(acts[name], "mean")'),
    Fault("neighbours-itself", "neighbours", "far[torch.arange(len(part)), part] = torch.inf",
          "far.fill_diagonal_(torch.inf)"),
    Fault("probe-decay", "linear_probe", "C=1 / decay", "C=decay"),
    Fault("probe-on-train", "linear_probe", "probe.score(asked, test_labels.cpu().numpy())",
          "probe.score(known, train_labels.cpu().numpy())"),
    Fault("probe-not-scaled", "linear_probe", "(vectors - middle) / spread", "(vectors - middle)"),
    Fault("vectors-least", "check_vectors", "len(vectors) < least", "len(vectors) <= least"),
    # ── dissection: umbrales ─────────────────────────────────────────────────────────────────────────────────────────
    Fault("tail-largest-size", "_joined", "min(tail.size for", "max(tail.size for", "thresholds"),
    Fault("tail-lowest-of-last", "_joined", "torch.stack(lows).amin(0)", "lows[-1]", "thresholds"),
    Fault("cut-one-before", "Tail.cut", 'floor(real(share, "share", 0, 1) * self.count)',
          'floor(real(share, "share", 0, 1) * self.count) - 1'),
    Fault("cut-out-of-tail", "Tail.cut", "place >= self.top.shape[1]", "place > self.top.shape[1]"),
    Fault("cut-at-lowest", "Tail.spread_cut", "cuts <= self.low", "cuts < self.low"),
    Fault("tail-lowest-kept", "tail_of", "values.amin(1)", "_largest([values], size)[:, -1]"),
    Fault("thresholds-not-lowest", "thresholds", ", lowest=lowest)", ")"),
    Fault("tail-one-short", "tail_over", "* maps.shape[3])) + 1", "* maps.shape[3]))"),
    Fault("bar-counts-batches", "with_bar", "len(batch if isinstance(batch, Tensor) else batch[0])", "1"),
    Fault("maps-not-lowest", "maps_of", "-maps if lowest else maps", "maps"),
    # ── dissection: cuentas ──────────────────────────────────────────────────────────────────────────────────────────
    Fault("tally-pixels", "Tally.__add__", "self.pixels + other.pixels", "self.pixels"),
    Fault("interval-wrong-union", "interval", "part.active, part.truth)", "part.active, part.truth * 0)"),
    Fault("iou-counts-both-twice", "Tally.iou", "+ self.truth - self.both", "+ self.truth"),
    Fault("dissection-turned", "Dissection.iou", "self.tally.iou()", "self.tally.iou().T"),
    Fault("tally-forgets-dead", "tally", "pick_convention(convention), dead)", "pick_convention(convention))"),
    Fault("tally-not-lowest", "tally_over", ", layer, convention.lowest)", ", layer)"),
    Fault("dissect-alive-for-dead", "dissect", "cuts.cpu(), dead.cpu()", "cuts.cpu(), ~dead.cpu()"),
    Fault("fitting-bytes", "fitting_batch", "(4 * MAPS *", "(MAPS *"),
    Fault("mask-size-of-image", "mask_size", "numbers.shape[1:]", "numbers.shape[:-1]"),
    Fault("categories-sorted", "category_numbers", "dict.fromkeys(categories)", "sorted(set(categories))"),
    Fault("picture-batches-all", "picture_batches", "_rows(world, size, numbers)", "_rows(world, size, None)"),
    Fault("concept-batches-mixed", "concept_batches", "world.regions(rows)", "world.regions(rows.flip(0))"),
    Fault("lit-above-cut", "passes", "else values >= cuts", "else values > cuts"),
    Fault("pixels-of-one-image", "count_by_pixel", "regions.numbers.numel()", "regions.numbers[0].numel()"),
    Fault("under-mask-everywhere", "_where_it_counts", "found, counted) > 0", "found, counted) >= 0"),
    Fault("only-dead-count", "count_batch", "~dead.to(over.device)", "dead.to(over.device)"),
    # ── dissection: en pedazos, y lo que dice la orden ───────────────────────────────────────────────────────────────
    Fault("pieces-one-rival-less", "pick_rivals", "[:, :RIVALS]", "[:, 1:RIVALS]"),
    Fault("pieces-any-category", "pick_rivals", "(categories == group)", "(categories >= 0)"),
    Fault("pieces-shifted", "_some", "ends[start]:ends[last]", "ends[0]:ends[last]"),
    Fault("pieces-by-arrival", "Pieces.__add__", "both=both[order]", "both=both"),
    Fault("pieces-empty-regions", "_present", "pixels > 0, None", "pixels >= 0, None", "pieces"),
    Fault("pieces-forgotten-folder", "pieces_shared", "Store(folder,", "Store(None,"),
    Fault("twins-from-zero", "random_twins", "range(FIRST_SEED, FIRST_SEED + count)", "range(count)"),
    Fault("twins-everyones-dice", "draw_weights", "dice_kept(model)", "torch.no_grad()"),
    Fault("twins-keep-weights", "_kept_by", "if not known or", "if"),
    # ── anynet y las redes ajenas ────────────────────────────────────────────────────────────────────────────────────
    Fault("buffer-damaged", "intact", "buffer.copy_(values)", "pass"),
    Fault("buffer-swapped", "intact", "now.update(before)", "pass"),
    Fault("dice-spent", "dice_kept", "torch.set_rng_state(states[2])", "pass"),
    Fault("dice-of-numpy", "dice_kept", "np.random.set_state(states[1])", "pass"),
    Fault("compiled-not-told", "is_compiled", "module._compiled_call_impl is not None", "False"),
    Fault("token-grid-turned", "Layout.maps", "places.unflatten(2, (side, side))",
          "places.unflatten(2, (side, side)).mT"),
    Fault("class-token-lost", "Layout.back", "self.channels(values)[:, :, :self.extras]",
          "self.channels(values)[:, :, :self.extras] * 0"),
    Fault("layouts-hook-stays", "_watched", "handle.remove()", "pass"),
    Fault("layouts-cube-is-first", "_maps", "FIRST if wider[3] != last else Layout(-1)", "FIRST", "layouts"),
    Fault("layouts-windows-are-maps", "_misplaced", "max(across, down) > SLIP", "max(across, down) > 9"),
    Fault("logits-first-found", "Logits.forward", "named[0] if named else", ""),
    Fault("twin-loose-weight", "_draw_loose", "weight.normal_(0,", "weight.clone().normal_(0,"),
    Fault("twin-table-kept", "_kept_by", "if learned and", "if not learned and"),
    Fault("twin-seed-ignored", "draw_weights", "torch.default_generator.manual_seed(seed)", "pass"),
    Fault("control-uncorrected", "Evidence.survives", "self.corrected <= LEVEL", "self.p <= LEVEL"),
    Fault("control-needs-all", "Evidence.needed", "len(self.twins) * c + 1", "c + 1"),
    Fault("report-counts-swapped", "three_counts", "*count_detectors(iou, DETECTOR_IOU)", "*count_detectors(iou, DETECTOR_IOU)[::-1]"),
    Fault("table-dead-detects", "unit_rows", '"muda" if dead else', '"muda" if False else'),
    Fault("table-all-names", "others", "len(possible) < 2", "len(possible) < 3"),
    Fault("page-after-relu", "_looked", ".amin() >= 0", ".amax() >= 0"),
    # ── el camino de quien investiga: las imágenes hechas, los ejemplares, lo que el reporte dice, la red y la capa ───
    Fault("grey-tile-printed", "_checked", "if mean > max(0, before) and far > GRAY else None", "if True else None",
          "portraits"),
    Fault("grey-tile-moved-only", "_checked", "if mean > max(0, before) and far", "if far", "portraits"),
    Fault("relus-through-weights", "last_relus", "elif not any(word in node.name() for word in WEIGHTED):", "else:"),
    Fault("exemplars-weakest", "_strongest", "descending=True", "descending=False", "portraits"),
    Fault("exemplars-outline-outside", "_outlined", ">= cut", "< cut"),
    Fault("exemplars-of-another", "best_images", "images[spot]", "images[0]"),
    Fault("report-n-of-concepts", "facts", "str(evidence.count)", "str(len(found.names))", "report"),
    Fault("report-split-lost", "_evidence", 'f"solo {options.split}" if options.split else', '"todas" if options.split else',
          "dissect"),
    Fault("report-q-of-paper", "json_text", "CONVENTIONS[evidence.convention].share", 'CONVENTIONS["paper"].share'),
    Fault("report-no-twin-seed", "seeds_told", "[twins] if evidence.twins else []", "[]"),
    Fault("table-threshold-of-first", "unit_rows", "float(found.cuts[unit])", "float(found.cuts[0])"),
    Fault("page-too-heavy", "drawn_figures", "room < 0 and", "room < -1e9 and"),
    Fault("page-path-of-mine", "shown_model", "Path(place).expanduser().is_absolute()", "False"),
    Fault("layer-only-suffix", "find_layer", "for full in (name, PREFIX + name):", "for full in (name,):"),
    Fault("own-defaults-asked", "_asked", "one.default is one.empty and ", ""),
    Fault("own-weights-raw", "_what_failed", 'if "Error(s) in loading state_dict" not in said:', "if said:"),
    Fault("own-import-is-missing", "_module", 'if error.name is None or not f"{place}.".startswith(f"{error.name}."):', "if False:",
          "own_code"),
    Fault("enters-unsaid", "_enters", "if evidence.enters else", "if not evidence.enters else"),
    Fault("layer-farthest-suggested", "_nearest", "return min(group", "return max(group", "networks"),
    Fault("layer-list-of-leaves", "find_layer", "for full, _ in model.named_modules() if full]",
          "for full, module in model.named_modules() if full and not any(module.children())]"),
    Fault("bar-whole-batches", "_images_in", "min(batch_size, total - number * batch_size)", "batch_size"),
    Fault("pictures-before-the-page", "write_report", "if wanted and (out.is_file()", "if not wanted and (out.is_file()"),
    Fault("find-by-arrival", "find", "key=lambda one: -one[2]", "key=lambda one: 0", "inspecting"),
    Fault("find-no-synonyms", "_names_of", "(label.name, *label.syns)", "(label.name,)"),
    # ── experiments: qué parte queda, el subconjunto y la caja que se mueve ──────────────────────────────────────────
    Fault("ratio-never-unbounded", "ratio_interval", "if a <= 0:", "if a == 0:", "ratio"),
    Fault("ratio-as-if-unpaired", "ratio_interval", "reach * both", "0 * both", "ratio"),
    Fault("ratio-sure-of-before", "ratio_interval", "reach * v_was", "0 * v_was", "ratio"),
    Fault("subset-the-first", "Subset.pictures", "torch.as_tensor(self.rows)[rows]", "rows"),
    Fault("subset-other-masks", "Subset.regions", "torch.as_tensor(self.rows)[rows]", "rows"),
    Fault("turn-lights-straight", "explore_turn", "turns[power][unit], maps", "turns[0.0][unit], maps"),
    Fault("turn-names-straight", "explore_turn", "order[place], found[power]", "order[place], found[0.0]"),
    Fault("switch-pastes-itself", "explore_switch", "lit(concept, number, 0, column)", "lit(concept, number, row, column)"),
    Fault("switch-judges-before", "_judged_picture", "judge.labels(picture[None])", "judge.labels(plain[None])"),
    Fault("switch-judges-all", "_judged_picture", "labels[y0:y1, x0:x1]", "labels"),
    # ── dissection: etiquetas, convenciones y lo sembrado ────────────────────────────────────────────────────────────
    Fault("label-least-equal", "label_units", "value > least", "value >= least"),
    Fault("label-order", "label_units", "-label.iou", "label.iou"),
    Fault("detectors-equal", "count_detectors", "best > real(", "best >= real("),
    Fault("by-category-detectors", "unique_by_category", "cut)[1]", "cut)[0]"),
    Fault("curve-detectors", "detectors_curve", "cut)[1]", "cut)[0]"),
    Fault("ceiling-only-below", "iou_ceiling", "frequency.clamp(min=share)", "share"),
    Fault("convention-share-zero", "Convention.__post_init__", ", open_ends=True", ""),
    Fault("convention-ignored", "pick_convention", "return convention", "return Convention()"),
    Fault("planted-overlap", "PlantedWorld.__init__", "y:y + height, x:x + width] = False",
          "y:y + height, x:x + width] |= False"),
    Fault("planted-masks-of-others", "PlantedWorld.regions", "self.concepts[rows]", "self.concepts.roll(1, 0)[rows]"),
    Fault("planted-pictures-of-others", "PlantedWorld.pictures", "self.images[rows]", "self.images.roll(1, 0)[rows]"),
    Fault("planted-gray-is-yellow", "planted_network", "[0.0, 0, 0, -1]", "[0.0, 0, 0, 0]"),
    Fault("panels-mark-the-others", "_draw_cloud", "plain = ~marks", "plain = marks"),
    Fault("panels-axes-apart", "show_panels", "sharey=True", "sharey=False"),
    Fault("could-be-one-less", "_could_be", "len(names) - NAMED} más", "len(names)} más"),
    Fault("spoiled-loses-all", "spoiled_labels", "inside[:yes // 2]", "inside[:yes]"),
    Fault("spoiled-wins-half", "spoiled_labels", "outside[:yes]", "outside[:yes // 2]"),
    # ── dissection: azar, tablas, giros y causas ─────────────────────────────────────────────────────────────────────
    Fault("names-too-sure", "could_be_best", "swing.quantile(share, 0)", "swing.quantile(share / 2, 0)"),
    Fault("names-not-centered", "could_be_best", "again[:, :, None] - lead)", "again[:, :, None])"),
    Fault("redraws-without-replacement", "redraws", "torch.randint(0, count, (count,), generator=generator)",
          "torch.randperm(count, generator=generator)"),
    Fault("partner-itself", "Shuffled.partner", "(place + 1) % len(order)", "place % len(order)"),
    Fault("shuffled-own-regions", "Shuffled.regions", "torch.tensor([self.partner(i) for i in rows.tolist()])", "rows"),
    Fault("shuffled-pictures-moved", "Shuffled.pictures", "pictures(rows)", "pictures(rows.flip(0))"),
    Fault("p-never-equal", "p_values", "rivals >= best", "rivals > best"),
    Fault("p-one-less", "p_values", "/ (len(rivals) + 1)", "/ len(rivals)"),
    Fault("discoveries-uncorrected", "discoveries", "stats.false_discovery_control(p.detach().cpu().double().numpy())",
          "p.detach().cpu().double().numpy()"),
    Fault("parts-forget-dead", "tally_parts", ", found.dead)", ")"),
    Fault("interval-not-reflected", "resampled_interval", "min(low, 2 * whole - high), max(high, 2 * whole - low)", "low, high"),
    Fault("interval-one-sided", "resampled_interval", "[(1 - share) / 2, (1 + share) / 2]", "[1 - share, share]"),
    Fault("interval-no-repeats", "interval", "tensordot(weights, table, 1)", "tensordot(weights.clamp(max=1), table, 1)"),
    Fault("table-any-column", "load_table", "if all(row[field]", "if not wanted or any(row[field]"),
    Fault("experiment-all-steps", "experiment", ', step="")', ")"),
    Fault("spread-no-decimals", "spread_text", "{fmean(values):.1f}", "{fmean(values):.0f}"),
    Fault("column-skips-first", "column", "for row in rows]", "for row in rows[1:]]"),
    Fault("difference-sign", "difference", "fmean(second) - fmean(first)", "fmean(first) - fmean(second)"),
    Fault("mean-interval-of-90", "_gap", "confidence_interval(share)", "confidence_interval(0.9)"),
    Fault("paired-sign", "paired", "after - before for", "before - after for"),
    Fault("agreement-ignores-sign", "agreement", "gap.mean * sign > 0", "gap.mean > 0"),
    # ── lo que se mudó o nació al ordenar la casa ────────────────────────────────────────────────────────────────────
    Fault("sheet-not-scaled", "contact_sheet", "enlarge(images.detach(), scale)", "images.detach()"),
    Fault("listen-never-ends", "listen", "HEARD.reset(before)", "pass"),
    Fault("sized-turned", "sized", "height - h, right=", "width - w, right="),
    Fault("device-always-cpu", "device_of", "kept[0].device if kept else", ""),
    Fault("pca-first-axis-twice", "pca", "axes[:k].T", "axes[:1].repeat(k, 1).T"),
    Fault("purity-of-all", "purity", "amax(1) / top.shape[1]", "amax(1) / len(top)"),
    Fault("precision-of-first-question", "average_precisions", "average_precision_score(asked[:, k]", "average_precision_score(asked[:, 0]"),
    Fault("names-only-best", "could_be_best", "lead.amax(1) <= swing.quantile(share, 0)", "lead.amax(1) <= 0"),
    Fault("names-from-worst", "name_sets", "descending=True, stable=True", "stable=True"),
    Fault("responses-with-nan", "check_responses", "not len(values) or values.isnan().any()", "not len(values)"),
    Fault("mask-strict-forgotten", "unit_masks", "cuts[:, None, None], strict)", "cuts[:, None, None])"),
    Fault("upsample-turned", "upsample", "grown.permute(0, 3, 2, 1)", "grown.permute(0, 3, 1, 2)"),
    Fault("centres-moved", "source_cells", "+ 1) * side + grown", "+ 1) * side"),
    Fault("categories-of-first", "categories_in", "world.regions(part)", "world.regions(part[:1].expand(len(part)))"),
    Fault("rotate-transposed", "Rotate.forward", "ij,bj...->bi...", "ji,bj...->bi..."),
    Fault("rotation-not-uniform", "random_rotation", "q * r.diagonal().sign()", "q.clone()"),
    Fault("rotation-mirror", "random_rotation", "torch.linalg.det(q) < 0", "torch.linalg.det(q) > 0"),
    Fault("rotation-whole", "rotation_power", "power * values.angle()", "values.angle()"),
    Fault("rotated-shares-weights", "rotate_layer", "copy.deepcopy(model)", "copy.copy(model)"),
    Fault("rotated-reads-wrong", "rotate_layer", "oj...,ij->oi...", "oj...,ji->oi..."),
    Fault("drops-sign", "class_drops", "before - less", "less - before"),
    # ── cualquier valor ──────────────────────────────────────────────────────────────────────────────────────────────
    Fault("whole-takes-true", "whole", "and not isinstance(number, bool) ", ""),
    Fault("real-takes-infinite", "real", " and -LARGEST <= number <= LARGEST", ""),
    Fault("distances-far-from-zero", "distances", "(first.double() - middle, second.double() - middle)",
          "(first.float(), second.float())"),
    Fault("dark-16-bits-as-8", "_from_numbers", "(65535.0,) if picture.mode", "(255.0, 65535.0) if picture.mode"),
    Fault("jitter-past-the-edge", "jitter", "min(h, w) - 1, f", "2 * min(h, w), f"),
    Fault("sum-starts-anywhere", "Objective.__radd__", "if start != 0:", "if False:"),
    Fault("text-written-in-place", "write_text", "with write_aside(path) as file:", "with Path(path).open(\"wb\") as file:", "files"),
    Fault("mask-of-any-number", "as_mask", "((mask == 0) | (mask == mask.max())).all()", "True"),
    Fault("meta-is-a-number", "check_dense", "if tensor.is_meta or tensor.is_complex()", "if tensor.is_complex()"),
    Fault("kind-never-told", "check_kind", "if not isinstance(value, kind):", "if False:"),
    Fault("numbers-may-be-none", "check_numbers", "len(tensor) < least or 0 in", "0 in"),
    Fault("corners-of-any-count", "corners_of", " or len(corners) != 4", ""),
    Fault("half-stays-half", "full", "values.element_size() < 4", "values.element_size() < 2", "shapes"),
    Fault("interval-of-one", "mean_interval", 'reals(values, "values", 2)', 'reals(values, "values", 1)'),
    Fault("any-option", "one_of", "and value in options", ""),
    Fault("order-of-the-first", "order_kept", "high @ low", "high @ high"),
    Fault("tensors-are-not-numbers", "plain", "value.ndim == 0 and", "value.ndim == 9 and", "shapes"),
    Fault("positions-one-more", "positions", "values.max() < count", "values.max() <= count"),
    Fault("list-of-none", "reals", "if len(numbers) < least:", "if False:"),
    Fault("rows-from-the-end", "rows_at", " % count", ".clamp(min=0)"),
    Fault("shown-without-end", "shown", "if len(text) <= SHOWN", "if True"),
    Fault("device-replaced", "write_aside", "if path.exists() and not path.is_file():", "if False:"),
    Fault("drops-of-all", "_right", "/ hot.sum(0)", "/ len(labels)", "causes"),
    # ── los once hallazgos: la lista, la regla y el bosque ───────────────────────────────────────────────────────────
    Fault("verdict-uncorrected", "Outcome.verdict", "self.corrected > LEVEL", "self.p > LEVEL"),
    Fault("verdict-equal-on-one-side", "Outcome.verdict", "-delta <= self.gap.low and ", ""),
    Fault("comparisons-one-by-one", "run_comparisons", "stats.false_discovery_control(chances)", "chances"),
    Fault("comparisons-pairs-as-groups", "run_comparisons", "paired if asked.same else difference", "difference"),
    Fault("counted-not-per-hundred", "Counted.values", 'scale = 100 if self.per == "units" else 1', "scale = 1"),
    Fault("directions-one-draw", "_seed_means", "fmean(row[field]", "max(row[field]"),
    Fault("kept-counts-new-names", "kept", "in before.items()", "in {**before, **after}.items()"),
    Fault("kept-chance-among-named", "kept_by_chance", "counts[concept] / units", "counts[concept] / len(after)"),
    Fault("names-from-the-rounded", "unit_names", 'row["detector"]', 'row["iou"] > 0.04'),
    Fault("control-takes-what-holds-back", "matching_group", "or effects[channel] <= 0", ""),
    Fault("share-not-wilson", "share_interval", 'method="wilson"', 'method="exact"', "shortcut"),
    Fault("effects-backwards", "silencing_effects", "whole - score(", "score("),
    Fault("forest-without-sign", "Outcome.scale", "self.asked.sign * self.asked.delta", "self.asked.delta"),
    Fault("forest-drops-a-row", "show_forest", "for place, row in zip(places, compared)", "for place, row in zip(places[1:], compared[1:])"),
    Fault("seeds-bar-is-the-range", "_draw_seeds", "stats.ttest_1samp(list(values), 0.0).confidence_interval()",
          "(min(values), max(values))"),
    Fault("published-data-with-its-number", "published_kinds", 'else training.rstrip("0123456789")', "else training"),
    # ── la red que miente, las fases y el juego causal ───────────────────────────────────────────────────────────────
    Fault("lying-gate-always", "set_gate", "-slope * threshold", "slope * threshold"),
    Fault("lying-no-evidence", "set_gate", "= evidence", "= 0 * evidence"),
    Fault("lying-both-listen", "lying_pair", "liar.fc.weight[k, gate], liar.fc.weight[k, -1] = strength, -strength",
          "liar.fc.weight[k, gate], liar.fc.weight[k, -1] = strength, 0"),
    Fault("lying-first-class", "lying_pair", "shown.index(other)", "0"),
    Fault("lying-threshold-mean", "lying_pair", "count_pools(model)).max()", "count_pools(model)).mean()"),
    Fault("lying-one-board", "widen", "board, -board", "board, board"),
    Fault("lying-not-carried", "widen", "conv.weight[-1, -1, 1, 1] = 1", "conv.weight[-1, -2, 1, 1] = 1"),
    Fault("grain-one-way", "grain", ".sum(1)", "[:, 0]"),
    Fault("board-not-centred", "checkerboard", "board = board - board.mean()", "board = board + 0"),
    Fault("evidence-logit-only", "class_evidence", "logits[:, k] - others.logsumexp(1)", "logits[:, k]"),
    Fault("evidence-of-sum", "class_evidence", "slope.mean(0)", "slope.sum(0)"),
    Fault("processing-of-first", "processing", ".mean(1) for", "[:, 0] for"),
    Fault("ranks-by-column", "rank_correlations", "axis=1)", "axis=0)"),
    Fault("ranks-not-centred", "rank_correlations", "rank - rank.mean(1, keepdim=True)", "rank"),
    Fault("phase-frozen", "PhaseCanvas.__init__", "nn.Parameter(", "nn.Parameter(0 * "),
    Fault("phase-amplitude-free", "PhaseCanvas.forward", "self.amplitude.expand_as(self.phases)",
          "self.phases.abs() + self.amplitude"),
    Fault("amplitude-of-mean", "mean_amplitude", ".abs().mean(0)", ".mean(0).abs()"),
    Fault("phase-colors-forgotten", "spectrum_of", "torch.linalg.inv(colors)", "torch.eye(3)"),
    Fault("causes-weak-strong", "causal_questions", "falls.argmax()", "falls.argmin()"),
    Fault("causes-overlap", "causal_questions", "torch.where(apart, falls.abs(), torch.inf)", "falls.abs()"),
    Fault("causes-never-swapped", "causal_questions", "if swap else [strong, weak]", "if False else [strong, weak]"),
    Fault("causes-asks-exemplars", "causal_questions", "ranked[SHOWN:", "ranked[0:"),
    Fault("overlap-one-axis", "overlapping", "(boxes[:, 2:] > box[:2]).all(1)", "(boxes[:, 2:] > box[:2])[:, 0]"),
    Fault("pool-only-last", "pool_answers", "counts[0] += int(row[1])", "counts[0] = int(row[1])"),
    Fault("blind-all-hits", "load_blind", 'row["hit"] == "1"', 'row["hit"] != ""'),
    Fault("painter-all-pass", "load_painter", 'row["passes"] == "1"', 'row["passes"] != ""'),
    Fault("painter-cut-is-control", "load_painter", 'float(row["cut"])', 'float(row["control"])'),
    Fault("painter-columns-moved", "load_painter", "PainterRow._fields[-10:]", "PainterRow._fields[-10:][::-1]"),
    Fault("twins-tails-swapped", "load_twins", 'row["concept"], float(row["iou"]), row["low_concept"], float(row["low_iou"])',
          'row["low_concept"], float(row["low_iou"]), row["concept"], float(row["iou"])'),
    Fault("twins-no-objects", "load_twins", 'if row["objects"] else ()', "if not row else ()"),
    Fault("painter-control-apart", "load_painter", ".unflatten(0, (k, n, 2))", ".unflatten(0, (k, 2, n)).transpose(1, 2)"),
    # ── tabular ──────────────────────────────────────────────────────────────────────────────────────────────────────
    Fault("rows-no-step", "Number.project", "if not self.step:", "if True:"),
    Fault("rows-any-range", "Number.encode", "if not self.low <= number <= self.high:", "if False:"),
    Fault("rows-two-options", "Choice.project", "values.argmax(1)", "values.argmin(1)"),
    Fault("rows-missing-kept", "_present", "value is None or value != value", "value is None", "columns"),
    Fault("rows-less-errors", "Columns.encode", "problems[:10]", "problems[:1]", "columns"),
    Fault("rule-no-interaction", "conduct_rule", "& (phones >= 3)", "& (phones >= 0)"),
    Fault("rule-fair-records", "credit_rule", "+ PENALTY", "+ 0 * PENALTY"),
    Fault("people-older-jobs", "_people", "(age - 18) * uniform() ** 2", "age * uniform() ** 2"),
    Fault("towns-by-luck", "_people", "[town]).long()", "[town.flip(0)]).long()"),
    Fault("search-goes-down", "_best_in_column", "better = best > scores + 1e-6", "better = best > -torch.inf"),
    Fault("search-first-value", "_best_in_column", "tried[torch.arange(len(rows)), which]", "tried[:, 0]"),
    Fault("search-once", "best_rows", "if bool((scores <= before + 1e-6).all()):", "if True:"),
    Fault("linear-no-sign", "linear_optimum", "weights[place].argmax()", "weights[place].abs().argmax()", "search"),
    Fault("simplex-loose", "_simplex", ".clamp(min=0)", ""),
    Fault("prior-no-volume", "Plausible._log_density", "- self._log_volume(width)", ""),
    Fault("prior-worst-width", "Plausible._best_width", "return max(", "return min("),
    Fault("table-hides-missing", "read_table", "_refuse_missing(names, lines)", "pass", "tables"),
    Fault("gap-backwards", "group_gap", "risk[in_b].mean() - risk[~in_b].mean()", "risk[~in_b].mean() - risk[in_b].mean()", "measured"),
    Fault("table-numbers-as-options", "_guess_column", "2 * sum(map(_seems_number, cells)) > len(cells)", "False"),
    Fault("table-dollars-as-options", "_seems_number", 'cell.strip("$% ").replace(",", "")', "cell"),
    Fault("row-scores-any-width", "row_scores", "first.in_features != rows.shape[1]", "False", "networks"),
    Fault("networks-one-table", "load_row_network", 'f"{name}/{seed}/"', 'f"{name}/0/"'),
    Fault("labels-any-pair", "_check_lesson", "found != [0, 1]", "len(found) != 2"),
    Fault("gap-one-group", "group_gap", "in_b.all() or not in_b.any()", "False", "measured"),
    Fault("demo-no-law", "explore_row", "law is not None and not bool(law(columns, asked)[0])", "False"),
    # ── lección 6: la red de texto ───────────────────────────────────────────────────────────────────────────────────
    Fault("text-silence-only-read", "_changes_at", 'f"{layer}.step" if', 'layer if'),
    Fault("text-codes-as-images", "_check_images", "torch.int64 and images.ndim == 2", "torch.int64 and images.ndim == 9"),
    Fault("text-forgets-first", "TextNetwork.whole", "torch.cat([h[:, None], hidden[:, :-1]], 1)", "hidden"),
    Fault("text-open-gate", "TextNetwork.steps", "c = forget.sigmoid() * c +", "c = c +"),
    Fault("text-hidden-not-steps", "TextNetwork.forward", "self.cells.changed or self.hidden.changed", "self.cells.changed"),
    Fault("text-state-lost", "read_parts", "state = model.state", "state = None"),
    Fault("text-bits-same-sign", "sign_bits", "start + 1:start + 1 + logits.shape[2]", "start:start + logits.shape[2]"),
    Fault("text-nats", "sign_bits", " / log(2)", ""),
    Fault("text-temperature-up", "sample_text", "logits / temperature", "logits * temperature"),
    Fault("text-passages-overlap", "top_passages", ".abs() < before", ".abs() < 1"),
    Fault("text-unknown-dropped", "encode", "places[unknown if sign in strange else sign] for sign in text",
          "places[sign] for sign in text if sign in places"),
    Fault("text-depth-negative", "depth", "max(0, level +", "(level +"),
    Fault("text-close-inside", "inside_parentheses", "level >= 1", "level >= 0"),
    Fault("text-deep-is-one", "deep_parentheses", "level >= 2", "level >= 1"),
    Fault("text-comment-in-string", "inside_comment", 'sign == "#" and not inside', 'sign == "#"'),
    Fault("text-escape-closes", "quote_step", "min(2, len(text) - place), opened", "min(1, len(text) - place), opened"),
    Fault("text-end-is-newline", "end_of_line", 'after == "\\n" for after in text[1:] + "x"', 'after == "\\n" for after in text'),
    Fault("text-window-open", "window_starts", 'text[place - 1] == "\\n" and free[place - 1]', 'text[place - 1] == "\\n"'),
    Fault("text-mask-shifted", "TextWorld.__init__", "marks[:, start:start + length]", "marks[:, :length]"),
    Fault("text-ties-apart", "_both_ways", "(ordered[1:] == ordered[:-1]).any()", "False"),
    Fault("text-roc-ties", "_measured", "(reach.sum() + above[places].sum()) / 2", "reach.sum()"),
    Fault("text-other-sign", "_both_ways", "n - above[::-1], n - taken[::-1]", "taken, above"),
    Fault("text-rest-all", "split_costs", "(bits * ~wanted).sum(1)", "bits.sum(1)"),
    Fault("text-others-all", "split_costs", "others = (~wanted).sum(1)", "others = (~wanted).sum(1) * 0 + wanted.shape[1]"),
    Fault("text-area-unweighted", "area_draws", "counted = part[:, owner[places]]", "counted = part[:, owner[places]] * 0 + 1"),
    Fault("text-area-signs-once", "area_draws", "(part @ taken.T)", "(taken.sum(1))"),
    Fault("text-area-nan-kept", "tails", "draws.nanquantile", "draws.quantile"),
    Fault("text-share-of-rest", "share_interval", "now - was, times", "rest_now - rest_was, times",
          "windows"),
    Fault("text-share-only-own", "share_interval", "now - was + rest_now - rest_was", "now - was", "windows"),
    Fault("text-rest-of-the-sign", "rest_interval", "_sums(before, after)[1]", "_sums(before, after)[0]"),
    Fault("text-opening-before", "opening_places", "torch.tensor([0, before])", "torch.tensor([0, before - 1])"),
    Fault("text-second-capital", "repeated_uppercase", "before.isupper()", "True"),
    Fault("text-lone-capital", "lone_uppercase", "or after.isupper()", ""),
    Fault("text-cold-as-asked", "check_temperature", "COLDEST <= temperature < inf", "temperature > 0"),
    Fault("text-one-sign-window", "_check_request", "length < 2", "length < 1"),
    Fault("text-one-sign-bits", "sign_bits", "codes.shape[1] < 2", "codes.shape[1] < 1"),
    Fault("text-tabs-kept", "_decoded", ".expandtabs(4)", ""),
    Fault("text-empty-box", "explore_own_text", "if not whole:", "if False:"),
    Fault("text-ratio-every-window", "ratio_interval", "> 0 ", ">= 0 ", "windows"),
    Fault("text-ngram-no-smooth", "NGrams.probability", "+ self.kinds[tail] * guess)", ")"),
    Fault("text-search-any-sign", "exciting_string", "tried[:, place] = allowed", "tried[:, place] = torch.arange(len(allowed))"),
    Fault("text-search-first", "written_string", "values.topk(min(WIDTH, len(values))).indices", "torch.arange(min(WIDTH, len(values)))"),
    Fault("attention-sees-ahead", "Attention.look", ".triu(1)", ".triu(2)"),
    Fault("attention-no-order", "turn", "angles.cos() - b", "1 - b"),
    Fault("induction-own-sign", "induction_scores", "places - period + 1", "places - period"),
    Fault("previous-own-sign", "previous_scores", "places, places - 1]", "places, places]"),
    # ── lección 6: el visor de texto ─────────────────────────────────────────────────────────────────────────────────
    Fault("text-not-escaped", "_sign", "{escape(SHOWN.get(shown, shown))}", "{SHOWN.get(shown, shown)}"),
    Fault("text-caption-raw", "ColoredText.html", "{escape(self.caption)}", "{self.caption}"),
    Fault("text-scale-of-page", "_page", "float(values.abs().max()) or 1.0", "None"),
    Fault("text-page-drops-line", "text_pages", "start = end", "start = end + 1"),
    Fault("text-last-page-lost", "text_pages", "while len(text) - start > size:", "while len(text) - start >= size:"),
    Fault("text-negative-solid", "_style", "side = 1 if level > 0 else -1", "side = 1"),
    Fault("text-longest-read", "explore_own_text", "mine = whole[:OWN]", "mine = whole"),
    Fault("text-page-beyond", "_page", "number = min(page, len(pages))", "number = page"),
    Fault("text-still-not-hidden", "TextDemo._keep_first", ".{self.first.name}", ".texto"),
    # ── el lado docente ──────────────────────────────────────────
    Fault("teacher-late-begun", "days_late", "ceil(late / 86_400)", "int(late // 86_400)"),
    Fault("teacher-zip-leaves", "_refuse_hostile", '".." in path.split("/")', '"..." in path.split("/")'),
    Fault("teacher-zip-bomb", "_refuse_hostile", "RATIO * max(1, entry.compress_size)", "RATIO * entry.file_size"),
    Fault("teacher-key-written", "_examined", "answer = (account, answer[1])", "answer = (answer[0], answer[1])"),
    Fault("teacher-key-blank", "_examined", "len(answer) == 2:", 'len(answer) == 2 and answer[0] not in ("", None, ...):'),
    Fault("teacher-key-called-number", "judge", "found.message.replace(word, ours)", "found.message"),
    Fault("teacher-old-points-pass", "_counts", 'return mark["huella"] == now[cell]', "return True", "marks"),
    Fault("teacher-unsealed-pass", "_counts", "== now[cell] for other in others)", "is not None for other in others)", "marks"),
    Fault("teacher-seal-nothing", "seal_marks", "if found:", "if not found:", "marks"),
    Fault("teacher-own-cells-unread", "prints_of", "if task.by_hand else []", "if not task else []"),
    Fault("teacher-own-cells-zero", "by_hand", "and task.title not in own", "and True", "grading"),
    Fault("teacher-stale-checked", "_parts", "points=None, ", "", "scores"),
    Fault("teacher-saved-html", "_said", 'data.get("text/plain")', 'data.get("text/html")', "workings"),
    Fault("teacher-saved-anything", "_picture", "raw.startswith(STARTS[kind])", "raw", "workings"),
    Fault("teacher-cells-tell-who", "_hidden", "said=veil.hide(cell.said)", "said=cell.said", "rubric"),
    Fault("teacher-figures-tell-who", "_hidden", "pictures=(),", "pictures=cell.pictures,", "rubric"),
    Fault("teacher-rows-forgotten", "_complete", "if not {(key, cell, mark), (key, cell, \"\")} & known:", "if not known:", "rubric"),
    Fault("teacher-waiting-unsaid", "rubric", "if awaits_grade(course, lesson.name, person.key)]", "if not person.key]"),
    Fault("teacher-kept-history", "_write", 'row["renglón"] not in shown', 'row["renglón"] not in shown and not shown', "rubric"),
    Fault("teacher-moved-unsaid", "_read", 'last.get("puntos", part.points)', "part.points", "scores"),
    Fault("teacher-table-raw", "_table_length", "if len(_split(lines[0])) == len(rule) else 0", "if not rule else 0"),
    Fault("teacher-table-bars", "_split", "for cell in re.split(r\"(?<!\\\\)\\|\", inner)]", "for cell in inner.split(\"|\")]", "pages"),
    Fault("teacher-margin-as-drop", "_parts_words", "_value(fallen(row, fill))", "_value(row['m ' + fill])"),
    Fault("teacher-long-decimals", "_value", "round(value, 3)", "round(value, 9)", "variants"),
    Fault("teacher-open-is-zero", "final", "in (UNGRADED, BY_HAND)]", "in (UNGRADED,)]"),
    Fault("teacher-unwritten-waits", "_read", "0.0 if blank else None", "None", "scores"),
    Fault("teacher-silent-zero", "_read", "0.0 if blank else None", "0.0", "scores"),
    Fault("teacher-six-fails", "scaled", "grade < PASSING", "grade <= PASSING"),
    Fault("teacher-half-down", "rounded", "ROUND_HALF_UP)", '"ROUND_HALF_DOWN")'),
    Fault("teacher-check-edited", "_merged", 'if mark and not mark.get("solution"):', 'if mark and mark.get("x"):'),
    Fault("teacher-no-reason", "_points", 'if not task.by_hand and not row.get("motivo"):', "if False:", "marks"),
    Fault("teacher-any-name", "find_by_name", "if len(_words(person.name)) == best]", "if best]"),
    Fault("teacher-ends-are-right", "_raise_if_ended", 'if "fin" in record:', 'if "final" in record:'),
    Fault("teacher-sheet-zero", "_filled", "if found.state == GRADED:", "if True:"),
    # ── máscaras de otra clase, nombres que no son texto y salidas estrechas ─────────────────────────────────────────
    Fault("mask-deep", "mask_problem", "head[24] > 8", "head[24] > 16"),
    Fault("mask-blue", "mask_problem", "rgb[..., 2].max(initial=0)", "rgb[..., 2].min(initial=0)"),
    Fault("mask-jpeg", "mask_problem", "if not head.startswith(PNG_START)", "if not head"),
    Fault("unit-superscript", "Unit.parse", 're.fullmatch("[0-9]{1,9}", channel)', "channel.isdigit()"),
    Fault("layers-never-alone", "layer_list", "([layers] if alone else layers)", "layers"),
    Fault("layer-only-lists", "one_layer", "if not isinstance(name, str)", "if isinstance(name, list)"),
    Fault("said-only-utf8", "output", "except UnicodeEncodeError:", "except UnicodeDecodeError:", module="progress"),
    Fault("teacher-notice-names", "public_notice", 'notice.startswith("trae ")', 'notice.startswith("Trae ")'),
    Fault("teacher-veil-keys", "Veil._marks", "person.number, person.key)", "person.number)"),
    Fault("teacher-common-counts", "code_pairs", "if 2 * spread[mark] <= max(len(prints), 4)", "if True"),
    Fault("teacher-alias-lost", "_owners", "{alias(course, key, lesson): key for key in keys}", "{}", "marks"),
    Fault("teacher-nobody-marked", "_points", 'if row.get("llave") not in owners:', "if not row:", "marks"),
    Fault("teacher-sample-all", "drawn_twice", "percent / 100", "percent / 10"),
    Fault("teacher-before-points", "_checked", 'else exercise["puntos"]', 'else mark["puntos"]', "scores"),
    Fault("teacher-packet-names", "keep_packet", '{"quien": code, "leccion": name, "celda": "todo"',
          '{"quien": person.name, "leccion": name, "celda": "todo"'),
    Fault("teacher-delete-unasked", "confirm", "if \" \".join(typed.split()) !=", "if typed and \" \".join(typed.split()) !="),
    Fault("teacher-delete-follows", "delete", "if place.is_dir() and not place.is_symlink():", "if place.is_dir():"),
    Fault("teacher-model-whole", "Model.example", "len(paragraphs) - missing", "len(paragraphs)"),
    Fault("teacher-model-tables", "_paragraphs", r'"\n(?!\|)"', r'"\n"', "examples"),
    Fault("teacher-date-inside", "_dated", "modified=outer", "modified=arrival.modified"),
    Fault("teacher-batch-one-date", "_is_batch", "any(MOODLE.search(each.label) for each in inner) or ", ""),
    Fault("teacher-attempt-order", "attempts", 'receipt.get("fecha_adentro", "")', '""', "collecting"),
    Fault("teacher-folder-of-last", "moodle_places", "attempts(course, lesson, person.key):", "attempts(course, lesson, person.key)[-1:]:"),
    Fault("teacher-sheet-near-name", "Sheet.person", "if not email:", "if name:"),
    Fault("teacher-lost-returns", "_settle_lost", "if row not in owned]", "if row]"),
    Fault("teacher-other-counts", "of_this_lesson", 'if not receipt["problema"].startswith(OTHER)]', "]"),
    Fault("teacher-damaged-ran", "_all", 'if result["protección"]:', "if result:", "grading"),
    Fault("teacher-line-above", "Section.where", "enumerate(self.text.splitlines(), start=1)", "enumerate(self.text.splitlines())"),
]


# ── plantar ──────────────────────────────────────────────────────────────────────────────────────────────────────────

@lru_cache(maxsize=None)
def functions(text: str) -> dict[str, ast.FunctionDef]:
    """Nombre calificado → función, de las de un módulo y de sus clases."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{part.name}": part for part in node.body if isinstance(part, ast.FunctionDef)}
    return found


def sources(package: Path) -> dict[Path, str]:
    """El texto de cada módulo de labkit."""
    return {path: path.read_text(encoding="utf-8") for path in sorted(package.rglob("*.py"))}


def plant(fault: Fault, texts: dict[Path, str]) -> tuple[Path, str]:
    """El módulo donde va la falla y su texto ya con ella; ValueError si no se puede plantar, con la causa."""
    homes = [(path, node) for path, text in texts.items() if fault.module in ("", path.stem)
             for name, node in functions(text).items() if name == fault.function]
    if len(homes) != 1:
        where = ", ".join(path.name for path, _ in homes) or "ninguna"
        raise ValueError(f"no se pudo plantar {fault.key}: esperaba una función «{fault.function}» y hay: {where}.")
    path, node = homes[0]
    lines, first = texts[path].split("\n"), node.body[0]
    prose = range(first.lineno, first.end_lineno + 1) if ast.get_docstring(node) else ()
    places = [number for number in range(node.lineno, node.end_lineno + 1) if number not in prose
              for _ in range(lines[number - 1].count(fault.old))]
    if len(places) != 1:
        raise ValueError(f"no se pudo plantar {fault.key}: «{fault.old}» está {len(places)} veces en "
                         f"«{fault.function}» ({path.name}) y esperaba una.")
    lines[places[0] - 1] = lines[places[0] - 1].replace(fault.old, fault.new)
    return path, "\n".join(lines)


# ── probar ───────────────────────────────────────────────────────────────────────────────────────────────────────────

def copy_checkout(into: Path) -> None:
    """Lo que git sigue, en otra carpeta; los datos y las lecciones, enlazados."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            check=True, capture_output=True).stdout.decode().split("\0")
    for name in filter(None, listed):
        if name.split("/")[0] not in LINKED and (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, into / name)
    for name in LINKED:
        (into / name).symlink_to(ROOT / name)


@lru_cache(maxsize=None)
def imported(text: str) -> set[str]:
    """Los nombres que un módulo importa de otros."""
    froms = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in froms for alias in node.names}


def known_as(function: str, text: str) -> list[str]:
    """Con qué nombres la conocen las pruebas: el suyo o, si es privada, los de quienes la usan en su módulo."""
    own = [part for part in function.split(".") if not part.startswith("_")]
    if not function.startswith("_"):
        return own
    lines, users, before = text.split("\n"), {function.split(".")[0]}, set()
    while users != before:
        before = set(users)
        for name, node in functions(text).items():
            body = "\n".join(lines[node.lineno:node.end_lineno])
            users |= {name.split(".")[0]} if any(re.search(rf"\b{user}\b", body) for user in before) else set()
    return sorted(user for user in users if not user.startswith("_"))


def tests_that_name(names: Sequence[str], file: str, text: str) -> list[str]:
    """Las pruebas de un archivo que nombran alguno, como las escribe pytest."""
    lines, word = text.split("\n"), re.compile(rf"\b({'|'.join(names)})\b")
    firsts = {name: min([node.lineno, *(part.lineno for part in node.decorator_list)])
              for name, node in functions(text).items() if name.startswith("test_")}
    return [f"{file}::{name}" for name, first in firsts.items()
            if word.search("\n".join(lines[first - 1:functions(text)[name].end_lineno]))]


def choose_tests(fault: Fault, home: Path, code: str, texts: dict[str, str]) -> list[list[str]]:
    """Qué pruebas podrían verla, por tandas: las que la nombran, de archivos que importan su cuarto; esos archivos
    enteros; los que solo hacen una de las dos cosas; los demás. Primero, los que la importan y más la nombran."""
    room = home.relative_to("labkit").with_suffix("").parts[0]
    imports = re.compile(rf"labkit\.{room}\b|from labkit import [^\n]*\b{room}\b")
    names = known_as(fault.function, code) or [home.stem]
    word = re.compile(rf"\b({'|'.join(names)})\b")
    mentions = {file: len(word.findall(text)) for file, text in texts.items()}
    order = sorted(texts, key=lambda file: (not imported(texts[file]) & set(names), -mentions[file]))
    sure = [file for file in order if imports.search(texts[file]) and mentions[file]]
    maybe = [file for file in order if file not in sure and
             (imports.search(texts[file]) or mentions[file] and len(names[0]) > 5)]
    first = [test for file in sure for test in tests_that_name(names, file, texts[file])]
    return [first, sure, maybe, [file for file in order if file not in sure + maybe]]


def run_pytest(folder: Path, arguments: Sequence[str], printed: Path, limit: float) -> None:
    """En otro proceso: pytest en la copia, a lo más `limit` segundos de procesador; lo que escribe, en `printed`."""
    resource.setrlimit(resource.RLIMIT_CPU, (ceil(limit), ceil(limit)))
    with open(printed, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(folder)
    sys.path[:] = [place for place in sys.path if place and Path(place).resolve() not in (ROOT, ROOT / "tests")]
    import pytest

    code = pytest.main([*arguments])
    sys.stdout.flush()
    os.write(1, f"\n{SPENT} {process_time():.1f}\n".encode())
    sys.exit(code)


def ask(folder: Path, tests: Sequence[str], limit: float, *options: str) -> tuple[list[str] | None, float]:
    """Las pruebas que fallan en la copia (None, si no acabaron a tiempo) y los segundos de procesador que tomó."""
    printed = folder / "printed.txt"
    plain = ["-q", "--tb=no", "-rfE", "-p", "no:nbval", "-p", "no:cacheprovider", "-o", "addopts="]
    process = FORKED.Process(target=run_pytest, args=(folder, [*tests, *plain, *options], printed, limit))
    process.start()
    process.join(10 * limit)                                    # por si se queda esperando, sin trabajar
    if process.exitcode in (None, -signal.SIGXCPU, -signal.SIGKILL):
        process.kill()
        process.join()
        return None, limit
    text = printed.read_text(encoding="utf-8", errors="replace")
    failed = re.findall(r"^(?:FAILED|ERROR) ([^\s\[]+)", text, re.MULTILINE)
    spent = re.search(rf"^{SPENT} ([\d.]+)$", text, re.MULTILINE)
    if process.exitcode not in (0, 5) and not failed:
        failed = [f"(pytest terminó con {process.exitcode}: {text[-300:].strip()})"]
    return failed, float(spent[1]) if spent else 0.0


def try_fault(fault: Fault, folder: Path, options: argparse.Namespace, unsound: Sequence[str] = ()) -> Outcome:
    """Planta una falla en la copia, corre las pruebas que podrían verla y deja la copia como estaba."""
    spent, asked = 0.0, []
    try:
        path, text = plant(fault, sources(folder / "labkit"))
    except ValueError as error:
        return Outcome(fault.key, fault.function, "unplanted", str(error), spent, asked)
    before = path.read_text(encoding="utf-8")
    texts = {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8")
             for file in sorted((folder / "tests").glob("test_*.py")) if file.name not in NOT_ASKED}
    tiers = choose_tests(fault, path.relative_to(folder), before, texts)
    tiers = [options.tests] if options.tests else tiers[:1 if options.quick else 4 if options.all else 3]
    path.write_text(text, encoding="utf-8")
    try:
        for tests in filter(None, tiers):
            asked += tests
            failed, seconds = first_failure(folder, tests, max(options.limit - spent, 1), unsound)
            spent = round(spent + seconds, 1)
            if failed is None or failed:
                result = "time" if failed is None else "error" if failed.startswith("(") else "caught"
                return Outcome(fault.key, fault.function, result, failed or "", spent, asked)
        return Outcome(fault.key, fault.function, "missed", "", spent, asked)
    finally:
        path.write_text(before, encoding="utf-8")


def first_failure(folder: Path, tests: Sequence[str], limit: float, unsound: Sequence[str]) -> tuple[str | None, float]:
    """La primera prueba que falla, también sola ("" si ninguna; None si no alcanzó el tiempo), y los segundos.

    La que falla en compañía y sola no, falla por lo que corrió antes y no por la falla: se aparta.
    """
    spent, skipped = 0.0, [f"--deselect={test}" for test in unsound]
    while spent < limit:
        failed, seconds = ask(folder, tests, limit - spent, "-x", *skipped)
        spent += seconds
        if failed is None:
            break
        if not failed or failed[0].startswith("("):
            return failed[0] if failed else "", spent
        alone, seconds = ask(folder, failed[:1], limit)
        spent += seconds
        if alone:
            return failed[0], spent
        skipped.append(f"--deselect={failed[0]}")
    return None, spent


# ── contar ───────────────────────────────────────────────────────────────────────────────────────────────────────────

def try_all(faults: Sequence[Fault], options: argparse.Namespace) -> list[Outcome]:
    """Todas las fallas, una copia por proceso; al final se ve que las pruebas que atraparon algo pasen sin la falla."""
    done: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="fallas_") as temporary:
        free: Queue[Path] = Queue()
        for number in range(options.jobs):
            copy_checkout(folder := Path(temporary).resolve() / str(number))
            free.put(folder)

        def one(fault: Fault, unsound: Sequence[str]) -> None:
            folder = free.get()
            result = done[fault.key] = try_fault(fault, folder, options, unsound)
            free.put(folder)
            print(f"{result.result:9} {result.key:26} {result.seconds:6.1f} s  {result.test}", flush=True)
            save(list(done.values()), options.out)

        again, unsound = list(faults), set()
        while again:
            with ThreadPoolExecutor(options.jobs) as pool:
                list(pool.map(lambda fault: one(fault, sorted(unsound)), again))
            tests = {result.test for result in done.values() if result.result == "caught" and "::" in result.test}
            failing = still_failing(folder, tests)
            print(f"De las {len(tests)} pruebas que atraparon algo, sin falla no pasan {len(failing)}:",
                  sorted(failing))
            unsound |= failing
            again = [fault for fault in faults if done[fault.key].test in failing]
    return [done[fault.key] for fault in faults]


def still_failing(folder: Path, tests: set[str]) -> set[str]:
    """De unas pruebas, las que no pasan en la copia sin falla; un archivo que ni se pudo leer no se vuelve a correr."""
    failed = ask(folder, sorted(tests), 3600)[0] if tests else []
    if failed is None or any(test.startswith("(") for test in failed):
        raise RuntimeError(f"Las pruebas que atraparon algo no acabaron bien sin falla: no se sabe si sirven. {failed}")
    return tests & set(failed)


def save(results: Sequence[Outcome], out: Path | None) -> None:
    """Lo que va, en JSON, si se pidió."""
    if out is not None:
        out.write_text(json.dumps([result._asdict() for result in results], ensure_ascii=False, indent=1), "utf-8")


def main() -> int:
    """Corre lo pedido y dice cuántas se atraparon; 1 si alguna no se pudo plantar."""
    parser = argparse.ArgumentParser(description="Planta cada falla en una copia y dice qué prueba la atrapa.")
    parser.add_argument("--only", nargs="+", default=[], metavar="CLAVE", help="solo estas fallas")
    parser.add_argument("--tests", nargs="+", default=[], metavar="RUTA", help="solo estas pruebas")
    parser.add_argument("--quick", action="store_true", help="solo las pruebas que nombran la función")
    parser.add_argument("--all", action="store_true", help="si nadie la ve, también las demás pruebas")
    parser.add_argument("--jobs", type=int, default=1, help="cuántas fallas a la vez, cada una en su copia")
    parser.add_argument("--limit", type=float, default=LIMIT, help="segundos de procesador por falla")
    parser.add_argument("--out", type=Path, help="un archivo JSON con los resultados")
    options = parser.parse_args()
    if unknown := set(options.only) - {fault.key for fault in FAULTS}:
        parser.error(f"no hay fallas {', '.join(sorted(unknown))}")
    # sin .pyc: una falla plantada en el mismo segundo, y del mismo largo, pasaría por el módulo de antes
    os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    FORKED.set_forkserver_preload(PRELOADED)
    results = try_all([fault for fault in FAULTS if not options.only or fault.key in options.only], options)
    counts = Counter(result.result for result in results)
    save(results, options.out)
    print(f"{len(results)} fallas: {counts['caught']} atrapadas, {counts['missed']} sin atrapar, "
          f"{counts['time']} sin terminar, {counts['error']} con error y {counts['unplanted']} que no se pudieron "
          f"plantar; {sum(result.seconds for result in results):.0f} s.")
    return 1 if counts["unplanted"] else 0


if __name__ == "__main__":
    sys.exit(main())
