"""CLAIM, the 2024 update (Tejani et al. 2024, Radiol Artif Intell 6:e240300): 44 items."""

from typing import Final

from model.evaluation.checklists import Item

_CARD = "[model card](../model/artifact/MODEL_CARD.md"
_DATA: Final = f"{_CARD}#3-data)"
_USE: Final = f"{_CARD}#2-intended-use)"
_SPLIT: Final = f"{_CARD}#4-split)"
_MODEL: Final = f"{_CARD}#5-model-and-training)"
_SCORES: Final = f"{_CARD}#6-performance)"
_OTHERS: Final = f"{_CARD}#7-calibration-robustness-other-images)"
_OUTPUT: Final = f"{_CARD}#8-how-to-read-the-output)"
_EXPERIMENTS: Final = "[EXPERIMENTS.md](../model/EXPERIMENTS.md)"

TITLE: Final = "CLAIM, 2024 update (Tejani et al. 2024)"

ITEMS: Final = (
    Item(
        "1",
        "AI methodology in title or abstract",
        "answered",
        "[README](../README.md): a fine-tuned ResNet50, a convolutional neural network.",
    ),
    Item(
        "2",
        "Summary of the study",
        "in part",
        "[README](../README.md#the-model); there is no article with a structured abstract.",
    ),
    Item(
        "3",
        "Background, intended use and role",
        "answered",
        f"A second opinion for a clinician: {_USE}.",
    ),
    Item(
        "4",
        "Aims and hypotheses",
        "in part",
        "The aims are floors and goals for test and adults, written "
        "before training; no statistical hypothesis was tested.",
    ),
    Item(
        "5",
        "Prospective or retrospective",
        "answered",
        "Retrospective: the films were there before the model.",
    ),
    Item(
        "6",
        "Goal of the study",
        "answered",
        "To make and evaluate a model; not a trial of its use.",
    ),
    Item("7", "Data sources", "answered", f"Public collections: {_DATA}, {_OTHERS}."),
    Item(
        "8",
        "Inclusion and exclusion",
        "in part",
        f"Those of the collection ({_DATA}); of its films none is left out that can be read.",
    ),
    Item("9", "Preprocessing", "answered", f"{_MODEL}; code in `model/reading/`."),
    Item(
        "10",
        "Selection of subsets",
        "answered",
        "Whole frontal films; no part is chosen by a person. A sixteenth is cut off at each edge.",
    ),
    Item(
        "11",
        "De-identification",
        "answered",
        "By those who published the collections. In service nothing "
        "that identifies leaves the decoder ([how](operation.md)).",
    ),
    Item(
        "12",
        "Missing data",
        "answered",
        "There is one input, the film; unreadable files are left out and listed by the run.",
    ),
    Item(
        "13",
        "Image acquisition",
        "not done",
        "Devices, dose, positioning and software are not in the collection, whose files are JPEG.",
    ),
    Item(
        "14",
        "Definition of the reference standard",
        "answered",
        f"Readers' label of the film: {_DATA}.",
    ),
    Item(
        "15",
        "Rationale of the reference standard",
        "in part",
        "It is the only one that the collection "
        "has. It agrees with a clinician's question, not with microbiology.",
    ),
    Item(
        "16",
        "Source of annotations",
        "in part",
        "Two expert physicians; their experience and instructions are not stated.",
    ),
    Item(
        "17",
        "Annotation of the test set",
        "in part",
        "A third expert checked it. Disagreements are not published.",
    ),
    Item(
        "18",
        "Variability of readers",
        "not done",
        "The single readings are not published, so it cannot be "
        "measured; a hospital can measure it on its own films (*Reader study*).",
    ),
    Item(
        "19",
        "Assignment to partitions",
        "answered",
        "Training and validation: random by patient and class, "
        "seed {seed}. Test: as the collection's authors chose it, how is not known.",
    ),
    Item("20", "Level of separation", "answered", f"The patient ({_SPLIT})."),
    Item(
        "21",
        "Sample size of the test",
        "in part",
        "That of the official test, {test_images} films of "
        "{test_patients} patients; not calculated. Intervals show what it supports.",
    ),
    Item(
        "22",
        "The model",
        "answered",
        "Input {side} x {side} grey; ResNet50, heads on conv4 and conv5, one "
        f"logit: {_MODEL}; all layers are in `model/network/graph.py`.",
    ),
    Item(
        "23",
        "Software",
        "answered",
        "{versions}; all packages with their versions are in "
        "`requirements.txt`. Hardware of the training: {hardware}.",
    ),
    Item(
        "24",
        "Initial weights",
        "answered",
        f"ImageNet for conv1 to conv4; conv5 in part ({_MODEL}).",
    ),
    Item(
        "25",
        "Training",
        "answered",
        "{epochs} epochs, {views} augmented views; every argument is in "
        "`pneumonia.json`, and [training.md](training.md) says how far a second run repeats it.",
    ),
    Item(
        "26",
        "Choice of the final model",
        "answered",
        "The best epoch by validation on augmented views; "
        f"candidates by validation ({_EXPERIMENTS}).",
    ),
    Item(
        "27",
        "Ensembles",
        "answered",
        "The logit is the mean of two heads of one network; there is no other ensemble.",
    ),
    Item(
        "28",
        "Metrics",
        "answered",
        f"{_SCORES}: discrimination, calibration, and both errors by threshold and prevalence.",
    ),
    Item(
        "29",
        "Uncertainty",
        "answered",
        "95 % intervals by a bootstrap of patients, {resamples} draws. No "
        "significance tests. For a single film: an uncertain band, with the promise of split "
        "conformal "
        f"prediction: {{promise}} are called wrongly outside it ({_SCORES}).",
    ),
    Item(
        "30",
        "Robustness",
        "answered",
        "{changes} changes of the image, of which the one that costs most is "
        f"{{worst_change}} ({_OTHERS}).",
    ),
    Item(
        "31",
        "Explainability",
        "answered",
        "Grad-CAM, with deletion and insertion against Grad-CAM++ and "
        "orders that know nothing of the network, random weights (correlation with the map of a "
        "wholly random "
        f"network: {{randomised}}), and peaks in the lungs ({_OUTPUT}). Against boxes of "
        f"radiologists: not "
        "done, because no set here has any.",
    ),
    Item(
        "32",
        "Internal evaluation",
        "answered",
        f"Validation AUC {{validation_auc}}; official test {{auc_roc}} ({_SCORES}).",
    ),
    Item(
        "33",
        "External testing",
        "in part",
        "Adults of another hospital and country, {adults_patients} "
        f"patients: AUC {{adults_auc}} against normal, {{adults_other_auc}} against other abnormal "
        f"films "
        f"({_OTHERS}). No external set of children is public with such labels.",
    ),
    Item("34", "Registration of a trial", "does not apply", "There was no trial."),
    Item(
        "35",
        "Included and excluded",
        "answered",
        "Training {training_images}, validation "
        "{validation_images}, test {test_images} films; refused by the model: {refusals}.",
    ),
    Item(
        "36",
        "Demographics by partition",
        "not done",
        "The collection has no age, sex or severity of the "
        "single child; counts by class and cause are there.",
    ),
    Item(
        "37",
        "Performance with uncertainty",
        "answered",
        "AUC {auc_roc}, precision and recall area {auc_pr}, "
        f"Brier score {{brier}}, calibration error {{ece}} ({_SCORES}).",
    ),
    Item(
        "38",
        "Diagnostic performance and precision",
        "answered",
        "At the threshold {threshold}: sensitivity "
        "{sensitivity}, specificity {specificity}; {missed} missed, {alarms} false alarms. Share "
        "that is "
        "uncertain: {uncertain_share}.",
    ),
    Item(
        "39",
        "Failure analysis",
        "in part",
        "`python -m model.evaluation.report` draws the worst errors with "
        "their maps; they are patients' images and are not published. What the model fails on is "
        "in "
        f"{_OUTPUT}.",
    ),
    Item(
        "40",
        "Limitations",
        "answered",
        f"{_SPLIT}, {_OUTPUT}, [README](../README.md#what-it-must-not-be-used-for).",
    ),
    Item(
        "41",
        "Implications for practice",
        "answered",
        "[Human oversight]"
        "(../model/artifact/MODEL_CARD.md#9-human-oversight), [operation and change]"
        "(../model/artifact/MODEL_CARD.md#10-operation-and-change), and a hospital's own test "
        "first "
        "([acceptance](decisions/acceptance.md)).",
    ),
    Item(
        "42",
        "Protocol and technical details",
        "in part",
        f"The repository itself; {_EXPERIMENTS} has every "
        "reading of the test. No protocol was registered.",
    ),
    Item(
        "43",
        "Availability",
        "answered",
        "Code, weights and raw results are in this repository; the data are "
        "public ([NOTICE](../NOTICE)).",
    ),
    Item("44", "Funding", "not done", "The repository records none."),
)
