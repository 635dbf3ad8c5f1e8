"""The words of the model card; `model.evaluation.card` fills in the figures."""

CARD = """\
# Model card: pneumonia in children's chest X-rays

The ten parts follow CLAIM, TRIPOD+AI and the transparency principles of FDA, Health Canada and
MHRA. Every figure is measured; where it is not, this card says so. Brackets hold 95 % intervals
from a bootstrap that resamples patients ({resamples} draws), not images.

## 1. What this is

**Not a medical device**: not approved by any authority, not for use without a clinician.

| | |
|---|---|
| Version | `{version}`, a digest of weights, threshold, calibration and figures |
| Developer and contact | the maintainers of the repository that holds this file |
| Trained | {trained} |
| Figures measured | {date} |

## 2. Intended use

A second look at frontal (PA or AP) chest X-rays of children aged 1 to 5, by a clinician who reads
the image too, in a setting like the one hospital that the data come from. It gives a probability of
pneumonia, a decision at a stored threshold and a coarse heat map. The clinician decides; a result
never replaces reading the image.

Out of scope: adults; infants under one year; lateral views; CT or any other examination; screening;
ruling pneumonia out; telling bacterial from viral pneumonia; any other disease; sorting a worklist
without a person; another hospital before its own images were measured.

## 3. Data

Kermany et al. 2018, Cell 172:1122 (doi 10.17632/rscbjbr9sj, CC BY 4.0): frontal chest X-rays of
children aged 1 to 5 from retrospective cohorts of one hospital (Guangzhou Women and Children's
Medical Center), taken in routine care. Included were images that passed a check of quality;
unreadable ones were removed. Two expert physicians graded each image, a third checked the test set.
A label is that reading, not a microbiological finding. Dates, scanners, agreement between the
readers, and what became of the children: not available.

## 4. Split

The unit is the patient, read from the file name; no patient is in two splits. {train} training,
{validation} validation and {test} test images:

{splits}

Age, sex, ethnicity and severity by split: not available.

Exact duplicates: about 25 pairs inside the training images, 6 inside the test, none across. The
epoch comes from augmented views of the validation patients, because plain images look solved while
the test does not; threshold and calibration come from their X-rays as they are. The test set chose
nothing in this version; earlier candidates were scored on it too, so treat its figures as slightly
favourable. Data digest `{data}`.

## 5. Model and training

Input: grey, {side} x {side} px, the whole image squashed without its aspect ratio, a sixteenth cut
off at each edge; file name, size and metadata never reach the network. ResNet50 (He et al. 2015):
conv1 to conv4 hold ImageNet weights and were not trained; conv5 and its head of {dense} units were,
for {epochs} epochs on {views} augmented views of each image, then another such head on conv4 alone;
the logit is the mean of both. Views differ in crop, aspect ratio, rotation, sharpness, exposure,
noise, compression, hidden rectangles, lead letters and shutters; no flips, because the heart is on
the left. The mean aspect ratio of each class, which the squash made a sign of it, is undone in
training, and the variance of the logit between two views of an image is part of the loss (weight
{consistency}). The heads leave out an edge of one seventh, where letters, arms and collimation tell
the classes of this collection apart. A normal image weighs as much as an ill one.

Seed {seed}; code `{commit}`; weights `{weights}` (SHA-256, first twelve digits); initial weights
`{initial_weights}`; {versions}. Hardware: {hardware}.

![Loss and AUC by epoch](training.png)

### Why binary cross-entropy

It is a proper scoring rule: it is least when the output is the true probability, and this card
promises a probability and a threshold on it. Focal loss (Lin et al. 2017) was made for one object
among thousands of background boxes; it turns down the easy examples, which here are most normal
lungs, and pulls probabilities to the middle, so that calibration has more to mend. At three ill to
one normal, class weights do for the imbalance. Our own figures (`python -m
model.training.ablation`), on augmented views of validation, uncalibrated and at 0.5, for the head
alone on pooled conv4 with everything else the same:

{loss}

### Why Adam

conv5 starts partly from ImageNet and partly, like the head, from random values, for a few epochs on
few images: one learning rate has to fit gradients of very different size, which is what Adam
(Kingma and Ba 2015) scales by itself. SGD with momentum can end as well, but wants its rate found
for each set-up; Nadam (Dozat 2016) adds Nesterov's momentum to Adam, a small difference in a short
run with warm-up; Adadelta (Zeiler 2012) sets its own step, which starts very small. Our own
figures, measured in the same way:

{optimizer}

## 6. Performance

| | official test | validation |
|---|---|---|
{scores}

Threshold {threshold:.3f}. On the official test it finds {true_positive} of {ill} pneumonias and
misses {false_negative}; of {normals} normals it calls {true_negative} normal and {false_positive}
pneumonia.

![ROC, precision-recall, decisions, reliability, probabilities, predictive values](evaluation.png)

What a decision is worth depends on how common pneumonia is among the children examined (at the
stored threshold; 62.5 % is the share in the official test, no clinic is like that):

{predictive_values}

### Why recall comes first, and why this threshold

A pneumonia that is missed may go untreated; a false alarm costs a second look by the clinician who
reads the image anyway. So the threshold is the highest that still calls {target:.0%} of the
validation pneumonias, chosen without the test. {trade} Whoever weighs the two errors otherwise, or
sees far fewer pneumonias than here, needs another threshold:

{operating_points}

## 7. Calibration, robustness, other images

**Calibration.** The probability is stated for a group in which half have pneumonia (Platt scaling
on validation, both classes weighing the same). Brier score and ECE of the official test as it was
collected are in the table above; with both classes weighing the same, its ECE is {ece_balanced}.
Panel d shows the reliability curve.

**Subgroups.** Pneumonias by the cause that the collection names, against all normals:

{subgroups}

**Robustness.** The test images, mildly changed:

{robustness}

{sizes}

**Other origin.** Adults are out of the intended use; they show what another hospital can do to the
figures. NIH ChestX-ray8 (Wang et al. 2017), classes by radiologists (Shih et al. 2019), never
fitted:

{adults}

{unlabelled}

**Images that are no frontal chest X-ray** are refused by their distance from chest X-rays in the
network's own features (`model/serving/density.py`), and doubted with a warning near the limit. Half
of the unlabelled adults, by patient, had a part in fit and limit; nothing of the other sets had:

{ood}

A chest X-ray on its side or a photograph is far beyond the limit; a lateral view, an inverted one
or another body part near the chest may not be.

**What the file alone tells.** At original size the collection's classes differ in size and
compression, which a careless model learns instead of lungs. Without a look at the picture:

{baselines}

![Every AUC in one picture](auc.png)

**Worst errors.** `python -m model.evaluation.report` draws them with their heat maps. They are
pictures of patients and are not in the repository.

## 8. How to read the output

The decision compares the probability with the threshold; a probability near it means undecided. The
heat map is Grad-CAM (Selvaraju et al. 2017), summed over conv4 and conv5 on a 14 x 14 grid: it
shows roughly where the evidence for pneumonia came from, is no outline of disease, and says nothing
of why. It is drawn for normal decisions too. Where it lights up something other than lung, distrust
the result.

{heatmap}

Input: one frontal chest X-ray, upright, at least 224 px on its shorter side (smaller ones, down to
100 px, come with a warning; blank and damaged ones are refused). A border of one level and a
viewer's window around the film are cut off before the network sees it, the second with a warning; a
border that is neither of one level nor parallel to the edges is not found. A film that hangs as a
negative, turned or mirrored is warned of when a probe on its grey means is sure; most mirrored
films (more than half) go unnoticed. Known failures: on the official
test {false_positive} of {normals} normals were called pneumonia, because training and test images
differ in ways that the network still notices; trained and tested on one hospital, and a published
ResNet-50 went from AUC 0.95 on this test set to 0.54 on another hospital's images (Xin 2021).

## 9. Human oversight

Read the image before the result. People trust a machine's answer too much: in reader studies a
wrong one raised misses from 2.7 % to between 21 and 33 %. The clinician's own reading is stored
beside the result and stands above it; nothing is decided or sent by the model alone. A normal
decision is no reason to send a child home.

## 10. Operation and change

- Every prediction is stored with the version that made it, and with the clinician's reading where
  there is one; logs hold no file name and no image.
- Watch the share of X-rays called pneumonia, the share refused, and the readings that disagree. Any
  of them moving without a reason means that images or patients have changed: stop and measure.
- Before use elsewhere, and at least once a year: measure on local, labelled images and choose the
  threshold anew. A new version always gets its own threshold, calibration, report and card.
- The weights are checked against their digest at every start. Uploads are untrusted: type, size and
  content are checked before decoding. Nobody has tested the model against images made to deceive
  it.
"""
