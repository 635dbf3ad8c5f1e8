"""The model card of one artifact, written from its metadata alone."""

from pathlib import Path
from typing import Any

from model.artifact import Artifact
from model.evaluation import predictive_values

CARD_NAME = "MODEL_CARD.md"
PREVALENCES = (0.05, 0.2, 0.5)

_NAMES = {
    "auc_roc": "AUC (ROC)",
    "auc_pr": "AUC (precision-recall)",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ece": "Expected calibration error",
    "brier": "Brier score",
}

_TEXT = """\
# Model card: pneumonia in children's chest X-rays

Version `{version}`. **Not a medical device.** Headings follow CLAIM and TRIPOD+AI.

## Intended use

A second look at frontal (PA or AP) chest X-rays of children aged 1 to 5 by a clinician who reads
the image too. It gives a probability of pneumonia, a decision at a stored threshold and a coarse
heat map. The clinician decides; a result never replaces reading the image.

Not for: adults, infants under one year, lateral views, CT or any other examination; screening;
deciding that a child is healthy; telling bacterial from viral pneumonia; any other disease. It does
not yet recognise that an image is no chest X-ray: it answers for a photograph of a cat as well.

## Data

Kermany et al. 2018, Cell 172:1122 (doi 10.17632/rscbjbr9sj, CC BY 4.0): frontal X-rays of children
aged 1 to 5 from one hospital (Guangzhou Women and Children's Medical Center), read by two
physicians and, for the test set, a third. {train} training, {validation} validation and {test}
test images; the split is by patient, and no test image was trained on or chose a setting. Sex,
exact age, scanner and severity are not available, so no figure can be given for them.

## Network

ResNet50 (He et al. 2015) at 224 x 224 px, grey. conv1 to conv4 hold ImageNet weights and were not
trained; conv5 and the head of {dense} units, which pools both conv4 and conv5, were, for {epochs}
epochs on augmented views (crops, rotation, window, gamma, equalisation, blur, noise, hidden
rectangles, lead letters, shutters; no flips). The head leaves out an edge of one seventh, because
letters, arms and collimation there tell the classes of this collection apart. Seed {seed}; code
`{commit}`; data `{data}`; weights `{weights}`.

## Figures

With 95 % intervals, from a bootstrap that resamples patients. Epoch, threshold ({threshold:.3f})
and calibration come from augmented views of the validation patients: the threshold is the highest
that still calls {target:.0%} of their pneumonias, because a missed pneumonia costs more than a
false alarm. The official test set was read once for this version, at the end.

| | official test | validation, augmented views |
|---|---|---|
{rows}

Test images at the threshold: {true_positive} pneumonias found and {false_negative} missed;
{true_negative} normals called normal and {false_positive} called pneumonia.

What a decision is worth depends on how common pneumonia is among the children examined:

| prevalence | of those called pneumonia, ill | of those called normal, healthy |
|---|---|---|
{values}

![ROC curve, reliability and histogram on the official test](evaluation.png)
![Training](training.png)

## How to read it

The probability is stated for a group in which half have pneumonia (Platt scaling on validation
with both classes weighing the same). The heat map is Grad-CAM (Selvaraju et al. 2017), summed over
conv4 and conv5 on a 14 x 14 grid: it shows roughly where the evidence for pneumonia came from and
is no outline of disease. Where it lights up something other than lung, distrust the result.

## Limits that were seen

- On the official test {false_positive} of {normals} normal X-rays were called pneumonia. Training
  and test images differ in ways that the network still notices.
- Trained and tested on one hospital. A published ResNet-50 went from AUC 0.95 on this test set to
  0.54 on another hospital's images (Xin 2021). Expect worse results elsewhere, and measure first.
- People trust a machine's answer too much: in reader studies a wrong one raised misses from 2.7 %
  to over 21 %. Read the image before the result.

## Change

A new version gets its own threshold and calibration, and every prediction names its version.
"""


def write_card(folder: Path, artifact: Artifact) -> None:
    """Write MODEL_CARD.md beside the weights."""
    test, validation = artifact.scores["test"], artifact.scores["validation_augmented"]
    confusion = test["confusion"]
    arguments = artifact.training["arguments"]
    text = _TEXT.format(
        version=artifact.version,
        test=test["images"],
        **artifact.training["images"],
        **{name: arguments[name] for name in ("epochs", "seed")},
        dense=" and ".join(str(units) for units in arguments["dense"]),
        target=arguments["sensitivity"],
        commit=artifact.training["commit"],
        data=artifact.training["data_sha256"][:12],
        weights=artifact.weights_sha256[:12],
        threshold=artifact.threshold,
        rows="\n".join(
            f"| {label} | {_interval(test[key])} | {_interval(validation[key])} |"
            for key, label in _NAMES.items()
        ),
        values="\n".join(_value_row(test, prevalence) for prevalence in PREVALENCES),
        normals=confusion["true_negative"] + confusion["false_positive"],
        **confusion,
    )
    (folder / CARD_NAME).write_text(text)


def _interval(figure: list[float]) -> str:
    value, low, high = figure
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _value_row(test: dict[str, Any], prevalence: float) -> str:
    ppv, npv = predictive_values(test["sensitivity"][0], test["specificity"][0], prevalence)
    return f"| {prevalence:.0%} | {ppv:.0%} | {npv:.1%} |"
