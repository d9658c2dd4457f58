"""Revisar lo que recibe cada lección. Lo que vale para cualquier tensor o número está en `shapes`."""
from labkit.checks.images import (
    as_batches,
    as_colors,
    as_images,
    as_transform,
    as_transforms,
    check_climbable,
    check_labelled,
    check_scores,
    class_number,
    number_or_images,
    one_per_image,
    varied_pixels,
)
from labkit.checks.vectors import (
    as_grid,
    as_perplexity,
    as_questions,
    as_size,
    check_labels_of,
    check_pairs,
    check_points,
    check_probabilities,
    check_responses,
    check_rotation,
    check_several,
    check_spread,
    check_varies,
    check_vectors,
    dice,
    whole_list,
)

__all__ = ["as_batches", "as_colors", "as_grid", "as_images", "as_perplexity", "as_questions", "as_size",
           "as_transform", "as_transforms", "check_climbable", "check_labelled", "check_labels_of",
           "check_pairs", "check_points", "check_probabilities", "check_responses", "check_rotation",
           "check_scores", "check_several", "check_spread", "check_varies", "check_vectors", "class_number",
           "dice", "number_or_images", "one_per_image", "varied_pixels", "whole_list"]
