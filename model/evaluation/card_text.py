"""The words of the model card; `model.evaluation.card` fills in the figures."""

CARD = """\
# Model card: pneumonia in frontal chest X-rays

The ten parts follow CLAIM, TRIPOD+AI and the transparency principles of FDA, Health Canada and
MHRA. Figures that were not measured are marked as such. Brackets hold 95 % intervals from a
bootstrap that resamples patients ({resamples} draws), not images.

## 1. What this is

**Not a medical device**: not approved by any authority, not for use without a clinician.

| | |
|---|---|
| Version | `{version}`, a digest of weights, threshold, calibration and figures |
| Developer and contact | the maintainers of the repository that holds this file |
| Trained | {trained} |
| Figures measured | {date} |

## 2. Intended use

A second opinion on frontal (PA or AP) chest X-rays of {patients}, for a clinician who also
reads the image, in a setting like those that the data come from. It gives a probability of
pneumonia, a decision at a stored threshold and a coarse heat map. The clinician decides; a result
never replaces reading the image.

Out of scope: {exclusions}; lateral views; CT or any other examination; screening;
ruling out pneumonia; distinguishing bacterial from viral pneumonia; any other disease; sorting a
worklist automatically; another hospital, until the model has been evaluated on its own images.

## 3. Data

{data_text}

## 4. Split

The unit is the patient; no patient is in two splits. {train} training,
{validation} validation and {test} test images:

{splits}

Sex, ethnicity and severity by split are not available.

Exact duplicates among the children: about 25 pairs within the training images, 6 within the test
set, none across. The best epoch was chosen on augmented views of the validation patients, because
unaugmented ones look solved while the test set does not; threshold and calibration were chosen on
their unaugmented X-rays. Nothing in this version was chosen on the test set, but earlier candidates
were scored on it, so its figures are slightly optimistic. Data digest `{data}`.

## 5. Model and training

Input: grey, {side} x {side} px; the whole image is squashed to a square and a sixteenth cut off at
each edge. File name, size and metadata never reach the network, a ResNet50 (He et al. 2015).

{training_text}

Seed {seed}; code `{commit}`; weights `{weights}` (SHA-256, first twelve digits); initial weights
`{initial_weights}`; {versions}. Hardware: {hardware}.

![Loss and AUC by epoch](training.png)

### Why binary cross-entropy

It is a proper scoring rule: its minimum is at the true probability, and the model reports a
probability and a threshold on it. Focal loss (Lin et al. 2017) was designed for one object among
thousands of background boxes; it down-weights the easy examples, which here are most normal lungs,
and pulls probabilities towards the middle, which calibration then has to correct. For three ill to
one normal, class weights are enough. Measured by `python -m model.training.ablation` on augmented
validation views, uncalibrated and at a threshold of 0.5, for the head on pooled conv4 with
everything else the same:

{loss}

### Why Adam

conv5 starts partly from ImageNet and partly, like the head, from random values, and there are few
epochs and few images: one learning rate has to suit gradients of very different size, which Adam
(Kingma and Ba 2015) rescales. SGD with momentum can do as well, but its rate must be tuned for each
set-up; Nadam (Dozat 2016) adds Nesterov momentum to Adam, which matters little in a short run with
warm-up; Adadelta (Zeiler 2012) adapts its own step size, which starts very small. Measured in the
same way:

{optimizer}

## 6. Performance

| | official test | validation |
|---|---|---|
{scores}

Threshold {threshold:.3f}. On the official test the model detects {true_positive} of {ill}
pneumonias and misses {false_negative}; it calls {true_negative} of {normals} normal images normal
and {false_positive} pneumonia.

![ROC, precision-recall, decisions, reliability, probabilities, predictive values](evaluation.png)

The value of a decision depends on the prevalence of pneumonia among the patients examined (at the
stored threshold; {prevalence} is the prevalence in the official test, far above that of any
clinic):

{predictive_values}

### Why recall comes first, and why this threshold

A missed pneumonia may go untreated; a false alarm costs a second look by the clinician, who reads
the image anyway. So the threshold is the highest that still detects {target:.0%} of the validation
pneumonias{shares}, chosen without the test set. {trade} A hospital that weighs the two errors
differently, or sees far fewer pneumonias, needs another threshold:

{operating_points}

### The uncertain band

{band}

In it a result is *uncertain*; above it is *pneumonia likely*, below it *no pneumonia
detected*, which is not "normal". Sensitivity and specificity are those outside the band:

{uncertain}

{coverage}

## 7. Calibration, robustness, other images

**Calibration.** The probability holds for a group in which half have pneumonia (Platt scaling on
validation, with equal class weights). The table above has Brier score and ECE of the official test
as collected; with equal class weights, its ECE is {ece_balanced}. Panel d shows the reliability
curve.

**Subgroups.** Pneumonias by cause, as labelled in the collection, against all normal images:

{subgroups}

**Robustness.** The test images with mild changes:

{robustness}

{sizes}

**By source and age**, of films that the network was not trained on, at the stored threshold. A
group with one class has no AUC; where each class comes from another source, the AUC of an age also
says how well sources are told apart:

{held_out}

{older_children}

**Other origin.** Adults of NIH ChestX-ray8 (Wang et al. 2017), classes by radiologists (Shih et al.
2019), never used for fitting; here ill and normal films are of one source:

{adults}

{unlabelled}

**Images that are not frontal chest X-rays** are refused by their distance from chest X-rays in the
network's features (`model/serving/density.py`); near the limit they get a warning ("doubted"). Fit
and limit used half of the unlabelled adults, by patient, and none of the other sets:

{ood}

A photograph or a chest X-ray on its side is far beyond the limit; a lateral view, an inverted one
or another body part near the chest may not be.

**Arithmetic.** All other figures here are of float32. Where the processor has bfloat16, the network
runs in it, provided that its answers to the golden X-rays are within a tolerance that was chosen on
validation (`model/serving/precision.py`): {tolerance_logit} of the logit, {tolerance_distance} of
the distance, {tolerance_heatmap} of the heat map in units of the logit. An answer whose tolerance
reaches the threshold, an end of the uncertain band or a limit of the distance is computed again in
float32. So two machines may show slightly different probabilities and heat maps, but they decide
alike while the tolerance holds; a larger difference of the logit in the table means that it did not
hold for every image of that set. Probabilities and heat maps are as shown, from 0 to 1.
{measured_on}

{precisions}

**What the file alone reveals.** At original size the collection's classes differ in size and
compression, which a model can learn instead of lungs. Without a look at the image:

{baselines}

![Every AUC in one plot](auc.png)

**Worst errors.** `python -m model.evaluation.report` draws them with their heat maps. They are
images of patients and are not in the repository.

## 8. How to read the output

The decision compares the probability with the threshold; what is shown is the finding, which is
uncertain in a band around it. {ages} The heat map is Grad-CAM (Selvaraju et al. 2017), summed over
conv4 and conv5 on a {cells} x {cells} grid: it shows roughly which areas raised the score. It does
not outline disease or explain the decision. It is drawn for normal decisions too. Where it
highlights something other than lung, distrust the result.

{heatmap}

{heatmap_checks}

Input: one upright, frontal chest X-ray, at least {side} px on its shorter side (smaller ones, down
to {least} px, get a warning; blank and damaged ones are refused). A border of one grey level and a
viewer's window around the film are cut off first, the latter with a warning; a border that is
neither of one level nor parallel to the edges is not detected. A negative, rotated or mirrored film
gets a warning when a probe on its mean grey levels is confident; more than half of the mirrored
films go undetected.

Known failures: on the official test {false_positive} of {normals} normal images were called
pneumonia, because training and test images differ in ways that affect the network. A sharper or
larger file of the same film gets a higher probability (above: training images at original
size), so expect more false alarms on films at full size than the test shows. Of other films than
those above nothing is known; a published ResNet-50 fell from AUC 0.95 on this test
set to 0.54 on another hospital's images (Xin 2021).

## 9. Human oversight

Read the image before the result. Automation bias is real: in a reader study of chest X-rays a wrong
result raised misses from 2.7 % to between 21 and 33 % (Bernstein et al. 2023). The clinician's own
reading is stored with the result and overrides it; nothing is decided or sent by the model alone. A
normal decision is no reason to send a patient home.

## 10. Operation and change

- Every prediction is stored with the model version, and with the clinician's reading if there is
  one; logs hold no file names and no images.
- Watch the share of X-rays called pneumonia, the share refused, and the readings that disagree. An
  unexplained change in any of them means that images or patients have changed: stop and measure.
- Before use elsewhere, and at least once a year: measure on local, labelled images and choose the
  threshold again. Every new version gets its own threshold, calibration, report and card.
- The weights are checked against their digest at every start. Uploads are untrusted: type, size and
  content are checked before decoding. The model has not been tested against adversarial images.
"""
