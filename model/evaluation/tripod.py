"""TRIPOD+AI (Collins et al. 2024, BMJ 385:e078378): 27 items, with their parts.

The form is that of `model.evaluation.checklists.read_items`; names in braces are facts and links.
"""

from typing import Final

TITLE: Final = "TRIPOD+AI (Collins et al. 2024)"

TEXT: Final = """\
1. Title (answered)
The title of the {link_card} names the outcome, the population and chest X-rays; it reports both
development and evaluation.

2. Abstract (in part)
[README](../README.md#the-model): data, method, test figures and limits. There is no structured
abstract by TRIPOD+AI for Abstracts, because there is no article.

3a. Context, rationale, existing models (in part)
Diagnosis, not prognosis: a second opinion on a film that a clinician reads anyway ({link_use}).
The published networks on this collection and how they fell elsewhere: {link_output}. A systematic
review of existing models was not made.

3b. Target population, purpose, users (answered)
Patients aged {ages} with a frontal chest X-ray; users are clinicians who read the film themselves
({link_use}).

3c. Known health inequalities (not done)
The children's collection has no sex, ethnicity, income or insurance, those of the adults at most
age and sex, so nothing can be said of these groups.

4. Objectives (answered)
To develop one network for children and adults, and to evaluate it on the official test of the
children's collection, on adults of whom both classes come from one hospital, and on normal older
children.

5a. Sources of data (answered)
See {link_data}: public collections, chosen because they are public, not because they represent a
clinic. External: other patients of NIH ChestX-ray8 with the classes of the RSNA readers.

5b. Dates (not done)
The collections do not say; only the years of publication are known.

6a. Setting (in part)
Children: one hospital (Guangzhou Women and Children's Medical Center), routine care. Adults: one
hospital in Bethesda, one in Hannover, and articles of many. Which departments: not said.

6b. Eligibility (in part)
See {link_data}. Whether patients were consecutive, and why each had an X-ray, is not known.

6c. Treatments (not done)
The collection does not say.

7. Preparation and quality (answered)
Each file is decoded and checked by the code that serves (`model/reading/`), borders and viewers'
windows are cut off, the film is squashed to {side} px. Files that cannot be read are listed and
left out. It cannot be said whether that differs between sociodemographic groups.

8a. Outcome (answered)
Pneumonia on the film as the collection's readers labelled it, at the time of the film
({link_data}). It is a reading, not a microbiological finding.

8b. Who assessed it (in part)
Two expert physicians graded each film and a third checked the test set; their training and
demographics are not stated.

8c. Blinding of the outcome (not done)
The collection does not say what the readers knew of the patient. They did not know this model.

9a. Choice of predictors (answered)
The film alone. File name, size, resolution and tags never reach the network, because they alone
separate the classes ({link_others}).

9b. Definition of predictors (answered)
{side} x {side} grey values, read before any label; `model/reading/xray.py`.

9c. Who assessed predictors (not applicable)
No predictor is read by a person.

10. Sample size (in part)
All films of the collection are used; no sample size was calculated. The intervals say how much
the {test_images} films of {test_patients} patients support; the [acceptance
test](decisions/acceptance.md) calculates the number that a hospital needs.

11. Missing data (answered)
The film is the only predictor: there is no model without it. Unreadable files are left out and
counted by the training run.

12a. Use of the data (answered)
{training_images} films to fit, {validation_images} to choose epoch, threshold, band and
calibration, {test_images} to evaluate; by patient ({link_split}).

12b. Handling of predictors (answered)
ImageNet's means are subtracted; no other standardisation ({link_model}).

12c. Type of model and building (answered)
ResNet50 with a head on conv4 and one on conv5, {epochs} epochs on {views} augmented views, seed
{seed}; loss and optimizer were compared ({link_model}); all other tries are in
{link_experiments}. Internal validation by held-out patients.

12d. Clusters (in part)
Intervals resample patients, within whom films are alike. Between hospitals: one for development
and one external; two say nothing of heterogeneity.

12e. Measures and plots (answered)
AUC, precision and recall, sensitivity, specificity, predictive values by prevalence, Brier score,
calibration error and curve, all with intervals ({link_scores}). Decision curves were not drawn:
the harm of a miss and of an alarm is not known; the table of thresholds has both.

12f. Updating (answered)
Platt scaling on validation, at a prevalence of one half. A hospital may get a threshold and
calibration of its own ({link_acceptance}), which is not part of the model.

12g. How predictions are calculated (answered)
`python -m model.inference`, the HTTP API (`/openapi.json`) or the page; the code is
`model/serving/predictor.py`.

13. Class imbalance (answered)
Both classes have the same total weight in the loss and in calibration: three of four training
films are ill only because of how they were collected. The probability is that of a prevalence of
one half, and the page converts it to the site's.

14. Fairness (not done)
Without sex, ethnicity or origin of the patients in the collection no approach to fairness could
be tried or checked. A hospital's own test reports by age band, view and device.

15. Output (answered)
A probability, a decision at {threshold} (the highest threshold that finds {target} of the
validation pneumonias) and a finding that is uncertain from {band} ({link_scores},
[why](decisions/threshold-rule.md)).

16. Training against evaluation data (in part)
The official test is of the same hospital, but its normal films are harder: specificity
{specificity} there. How the two were collected is not known. The external set differs in age,
country, readers and definition of the outcome.

17. Ethics (not applicable)
Public, de-identified collections; no patient was contacted and none of the films is of this
project. Their approvals are in the cited articles.

18a. Funding (not done)
The repository records none.

18b. Conflicts of interest (not done)
The repository records no statement of its contributors.

18c. Protocol (in part)
None was registered. The rules for threshold, band and number of test readings were written before
the test was read ([decisions](decisions/README.md), {link_experiments}).

18d. Registration (not done)
A retrospective study of public data was not registered.

18e. Data sharing (answered)
The collections are public; {link_data} has their addresses and licences.

18f. Code sharing (answered)
All of it is in this repository (Apache-2.0), with the weights (CC BY-NC-SA 4.0), the lock of all
packages, and `make train`, `make report`, `make evidence`.

19. Patients and public (not done)
Nobody of either was involved.

20a. Flow of participants (answered)
Training {training_images} films of {training_patients} patients ({training_pneumonias}
pneumonias), validation {validation_images} of {validation_patients} ({validation_pneumonias}),
test {test_images} of {test_patients} ({test_pneumonias}).

20b. Characteristics (in part)
Counts by class, by source and age, and by cause of pneumonia ({link_others}). Sex and severity are
not in every collection.

20c. Comparison with development data (in part)
Prevalence and counts by split ({link_split}); the films' distance from those of training decides
on refusal ({link_others}).

21. Numbers in each analysis (answered)
In each table of the {link_card}, beside the figures.

22. Full model (answered)
`model/artifact/pneumonia.keras`, with threshold and calibration in `pneumonia.json`; version
{version} is the digest of all. No restriction but CC BY-NC-SA 4.0 and *not a medical device*.

23a. Performance (answered)
On the official test AUC {auc_roc}, sensitivity {sensitivity}, specificity {specificity}, accuracy
{accuracy}, Brier score {brier}, calibration error {ece}; sensitivity by cause: {causes}.
Sociodemographic groups: not available. Plots: {link_scores}.

23b. Heterogeneity between clusters (in part)
By source and age: {link_others}. Adults of whom both classes are of one hospital: AUC
{adults_auc}, specificity {adults_specificity}, of {adults_patients} patients.

24. Results of updating (answered)
Calibration error after Platt scaling: {ece}; with equal class weights {ece_balanced}.

25. Interpretation (answered)
[README](../README.md#what-it-must-not-be-used-for) and {link_output}. Issues of fairness cannot
be judged from these data.

26. Limitations (answered)
Few hospitals, classes of adults that come from different sources, no pneumonia of 6 to 17 years, no
microbiology, a test that earlier candidates were scored on, {alarms} false alarms on it:
{link_split}, {link_output}.

27a. Poor or missing input (answered)
Unreadable, blank, tiny, lateral and other images are refused with the reason; small or doubtful
ones get a warning and no verdict ({link_output}). Refused were {refusals}.

27b. Users' part and expertise (answered)
A clinician who reads chest X-rays, before seeing the result if the site wants it
({link_oversight}).

27c. Next steps (answered)
A hospital's own test in silent weeks before use ({link_acceptance}); pneumonias and normal films
of adults from one source to train on ({link_experiments}).
"""
