"""The catalogue: derivations with one planted mistake each, and right ones that are numerically awkward."""

from catalogue import attention, classifier, layer_norm, lesson, perceptron, shared_weight
from catalogue.awkward import awkward_cases
from catalogue.subject import Case, Subject, planted

SUBJECTS: tuple[Subject, ...] = (
    lesson.SUBJECT,
    perceptron.SUBJECT,
    classifier.SUBJECT,
    layer_norm.SUBJECT,
    attention.SUBJECT,
    shared_weight.SUBJECT,
)

MISTAKES: tuple[Case, ...] = tuple(
    case
    for module in (lesson, perceptron, classifier, layer_norm, attention, shared_weight)
    for case in planted(module.SUBJECT, module.MISTAKES)
)

RIGHT: tuple[Case, ...] = tuple(case for subject in SUBJECTS for case in awkward_cases(subject))

__all__ = ["MISTAKES", "RIGHT", "SUBJECTS", "Case", "Subject"]
