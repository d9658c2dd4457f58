"""Demostraciones interactivas: cada `explore_…` da una, lista para mostrarse en un cuaderno."""
from labkit.widgets.causes import causal_questions, explore_causes, pool_answers
from labkit.widgets.choices import Trials, automatic_answers, choice_trials, explore_choice
from labkit.widgets.counterfactuals import explore_counterfactuals
from labkit.widgets.demo import Demo
from labkit.widgets.dissection import explore_concepts, explore_detectors, explore_threshold
from labkit.widgets.exemplars import explore_map
from labkit.widgets.experiments import explore_switch, explore_turn
from labkit.widgets.occlusion import explore_images, explore_masks, explore_occlusion, explore_patch, explore_upload
from labkit.widgets.optimization import explore_budget, explore_frames, explore_gallery, explore_units, watch
from labkit.widgets.pixels import explore_channels, explore_photo
from labkit.widgets.priors import explore_arrows, explore_liar, explore_temperature
from labkit.widgets.regularization import explore_blind, explore_recipes
from labkit.widgets.sequences import TextDemo, explore_cells, explore_own_text, explore_samples
from labkit.widgets.tabular import explore_row

__all__ = ["Demo", "TextDemo", "Trials", "automatic_answers", "causal_questions", "choice_trials", "explore_arrows",
           "explore_blind", "explore_budget", "explore_causes", "explore_cells", "explore_channels", "explore_choice",
           "explore_concepts", "explore_counterfactuals", "explore_detectors", "explore_frames", "explore_gallery",
           "explore_images", "explore_liar", "explore_map", "explore_masks", "explore_occlusion", "explore_own_text",
           "explore_patch", "explore_photo", "explore_recipes", "explore_row", "explore_samples", "explore_switch",
           "explore_temperature", "explore_threshold", "explore_turn", "explore_units", "explore_upload",
           "pool_answers", "watch"]
