"""TRIPOD+AI (Collins et al. 2024, BMJ 385:e078378): 27 items, with their parts."""

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
_UNKNOWN: Final = "The collection does not say"

TITLE: Final = "TRIPOD+AI (Collins et al. 2024)"

ITEMS: Final = (
    Item(
        "1",
        "Title",
        "answered",
        "The title of the "
        f"{_CARD}) names the outcome, the population and chest X-rays; "
        "it reports both development and evaluation.",
    ),
    Item(
        "2",
        "Abstract",
        "in part",
        "[README](../README.md#the-model): data, method, test figures and "
        "limits. There is no structured abstract by TRIPOD+AI for Abstracts, because there is no "
        "article.",
    ),
    Item(
        "3a",
        "Context, rationale, existing models",
        "in part",
        "Diagnosis, not prognosis: a second "
        f"opinion on a film that a clinician reads anyway ({_USE}). The published networks on this "
        f"collection and how they fell elsewhere: {_OUTPUT}. A systematic review of existing "
        f"models was "
        "not made.",
    ),
    Item(
        "3b",
        "Target population, purpose, users",
        "answered",
        "Patients aged {ages} with a frontal chest "
        f"X-ray; users are clinicians who read the film themselves ({_USE}).",
    ),
    Item(
        "3c",
        "Known health inequalities",
        "not done",
        "The collection has no sex, ethnicity, income or "
        "insurance of the children, so nothing can be said of these groups.",
    ),
    Item(
        "4",
        "Objectives",
        "answered",
        "To develop a network, and to evaluate it on the official test of "
        "the collection and on adults of another hospital, whom it must not be used for.",
    ),
    Item(
        "5a",
        "Sources of data",
        "answered",
        f"{_DATA}: Kermany et al. 2018, chosen because it is "
        "public and of children, not because it represents a clinic. External: NIH ChestX-ray8 "
        "with the classes of the RSNA readers.",
    ),
    Item("5b", "Dates", "not done", f"{_UNKNOWN}; only the year of publication is known."),
    Item(
        "6a",
        "Setting",
        "in part",
        "One hospital (Guangzhou Women and Children's Medical Center), routine "
        "care. Which departments: the collection does not say.",
    ),
    Item(
        "6b",
        "Eligibility",
        "in part",
        f"{_DATA}. Whether children were consecutive, and why each had an X-ray, is not known.",
    ),
    Item("6c", "Treatments", "not done", f"{_UNKNOWN}."),
    Item(
        "7",
        "Preparation and quality",
        "answered",
        "Each file is decoded and checked by the code that "
        "serves (`model/reading/`), borders and viewers' windows are cut off, the film is squashed "
        "to "
        "{side} px. Files that cannot be read are listed and left out. It cannot be said whether "
        "that "
        "differs between sociodemographic groups.",
    ),
    Item(
        "8a",
        "Outcome",
        "answered",
        "Pneumonia on the film as the collection's readers labelled it, at the "
        f"time of the film ({_DATA}). It is a reading, not a microbiological finding.",
    ),
    Item(
        "8b",
        "Who assessed it",
        "in part",
        "Two expert physicians graded each film and a third checked the "
        "test set; their training and demographics are not stated.",
    ),
    Item(
        "8c",
        "Blinding of the outcome",
        "not done",
        "The collection does not say what the readers knew of "
        "the patient. They did not know this model.",
    ),
    Item(
        "9a",
        "Choice of predictors",
        "answered",
        "The film alone. File name, size, resolution and tags never "
        f"reach the network, because they alone separate the classes ({_OTHERS}).",
    ),
    Item(
        "9b",
        "Definition of predictors",
        "answered",
        "{side} x {side} grey values, read before any label; `model/reading/xray.py`.",
    ),
    Item("9c", "Who assessed predictors", "does not apply", "No predictor is read by a person."),
    Item(
        "10",
        "Sample size",
        "in part",
        "All films of the collection are used; no sample size was "
        "calculated. The intervals say how much the {test_images} films of {test_patients} "
        "patients support; "
        "the [acceptance test](decisions/acceptance.md) calculates the number that a hospital "
        "needs.",
    ),
    Item(
        "11",
        "Missing data",
        "answered",
        "The film is the only predictor: there is no model without it. "
        "Unreadable files are left out and counted by the training run.",
    ),
    Item(
        "12a",
        "Use of the data",
        "answered",
        "{training_images} films to fit, {validation_images} to choose "
        f"epoch, threshold, band and calibration, {{test_images}} to evaluate; by patient "
        f"({_SPLIT}).",
    ),
    Item(
        "12b",
        "Handling of predictors",
        "answered",
        f"ImageNet's means are subtracted; no other standardisation ({_MODEL}).",
    ),
    Item(
        "12c",
        "Type of model and building",
        "answered",
        "ResNet50 with a head on conv4 and one on conv5, "
        "{epochs} epochs on {views} augmented views, seed {seed}; loss and optimizer were compared "
        f"({_MODEL}); all other tries are in {_EXPERIMENTS}. Internal validation by held-out "
        f"patients.",
    ),
    Item(
        "12d",
        "Clusters",
        "in part",
        "Intervals resample patients, within whom films are alike. Between "
        "hospitals: one for development and one external; two say nothing of heterogeneity.",
    ),
    Item(
        "12e",
        "Measures and plots",
        "answered",
        "AUC, precision and recall, sensitivity, specificity, "
        "predictive values by prevalence, Brier score, calibration error and curve, all with "
        "intervals "
        f"({_SCORES}). Decision curves were not drawn: the harm of a miss and of an alarm is not "
        f"known; the "
        "table of thresholds has both.",
    ),
    Item(
        "12f",
        "Updating",
        "answered",
        "Platt scaling on validation, at a prevalence of one half. A hospital "
        "may get a threshold and calibration of its own ([acceptance](decisions/acceptance.md)), "
        "which is "
        "not part of the model.",
    ),
    Item(
        "12g",
        "How predictions are calculated",
        "answered",
        "`python -m model.inference`, the HTTP API "
        "(`/openapi.json`) or the page; the code is `model/serving/predictor.py`.",
    ),
    Item(
        "13",
        "Class imbalance",
        "answered",
        "Both classes have the same total weight in the loss and in "
        "calibration: three of four training films are ill only because of how they were "
        "collected. The "
        "probability is that of a prevalence of one half, and the page converts it to the site's.",
    ),
    Item(
        "14",
        "Fairness",
        "not done",
        "Without sex, ethnicity or origin of the patients in the collection no "
        "approach to fairness could be tried or checked. A hospital's own test reports by age "
        "band, "
        "view and device.",
    ),
    Item(
        "15",
        "Output",
        "answered",
        "A probability, a decision at {threshold} (the highest threshold that "
        "finds {target} of the validation pneumonias) and a finding that is uncertain from {band} "
        f"({_SCORES}, [why](decisions/threshold-rule.md)).",
    ),
    Item(
        "16",
        "Training against evaluation data",
        "in part",
        "The official test is of the same hospital, but "
        "its normal films are harder: specificity {specificity} there. How the two were collected "
        "is not "
        "known. The external set differs in age, country, readers and definition of the outcome.",
    ),
    Item(
        "17",
        "Ethics",
        "does not apply",
        "Public, de-identified collections; no patient was contacted and "
        "none of the films is of this project. Their approvals are in the cited articles.",
    ),
    Item("18a", "Funding", "not done", "The repository records none."),
    Item(
        "18b",
        "Conflicts of interest",
        "not done",
        "The repository records no statement of its contributors.",
    ),
    Item(
        "18c",
        "Protocol",
        "in part",
        "None was registered. The rules for threshold, band and number of test "
        f"readings were written before the test was read ([decisions](decisions/README.md), "
        f"{_EXPERIMENTS}).",
    ),
    Item(
        "18d",
        "Registration",
        "not done",
        "A retrospective study of public data was not registered.",
    ),
    Item(
        "18e",
        "Data sharing",
        "answered",
        "The collections are public: doi 10.17632/rscbjbr9sj (CC BY 4.0) "
        "and the NIH Clinical Center.",
    ),
    Item(
        "18f",
        "Code sharing",
        "answered",
        "All of it is in this repository (Apache-2.0), with the weights "
        "(CC BY 4.0), the lock of all packages, and `make train`, `make report`, `make evidence`.",
    ),
    Item("19", "Patients and public", "not done", "Nobody of either was involved."),
    Item(
        "20a",
        "Flow of participants",
        "answered",
        "Training {training_images} films of {training_patients} "
        "patients ({training_pneumonias} pneumonias), validation {validation_images} of "
        "{validation_patients} ({validation_pneumonias}), test {test_images} of {test_patients} "
        "({test_pneumonias}).",
    ),
    Item(
        "20b",
        "Characteristics",
        "in part",
        f"Counts by class, and by cause of pneumonia ({_OTHERS}). Age by "
        "child, sex and severity are not in the collection.",
    ),
    Item(
        "20c",
        "Comparison with development data",
        "in part",
        "Prevalence and counts by split "
        f"({_SPLIT}); the films' distance from those of training decides on refusal ({_OTHERS}).",
    ),
    Item(
        "21",
        "Numbers in each analysis",
        "answered",
        f"In each table of the {_CARD}), beside the figures.",
    ),
    Item(
        "22",
        "Full model",
        "answered",
        "`model/artifact/pneumonia.keras`, with threshold and calibration in "
        "`pneumonia.json`; version {version} is the digest of all. No restriction but CC BY 4.0 "
        "and "
        "*not a medical device*.",
    ),
    Item(
        "23a",
        "Performance",
        "answered",
        "On the official test AUC {auc_roc}, sensitivity {sensitivity}, "
        "specificity {specificity}, accuracy {accuracy}, Brier score {brier}, calibration error "
        "{ece}; "
        f"sensitivity by cause: {{causes}}. Sociodemographic groups: not available. Plots: "
        f"{_SCORES}.",
    ),
    Item(
        "23b",
        "Heterogeneity between clusters",
        "in part",
        "One external hospital, adults: AUC {adults_auc}, "
        "specificity {adults_specificity}, of {adults_patients} patients.",
    ),
    Item(
        "24",
        "Results of updating",
        "answered",
        "Calibration error after Platt scaling: {ece}; with equal class weights {ece_balanced}.",
    ),
    Item(
        "25",
        "Interpretation",
        "answered",
        "[README](../README.md#what-it-must-not-be-used-for) and "
        f"{_OUTPUT}. Issues of fairness cannot be judged from these data.",
    ),
    Item(
        "26",
        "Limitations",
        "answered",
        f"One hospital, no microbiology, no demographics, a test that earlier "
        f"candidates were scored on, {{alarms}} false alarms on it: {_SPLIT}, {_OUTPUT}.",
    ),
    Item(
        "27a",
        "Poor or missing input",
        "answered",
        "Unreadable, blank, tiny, lateral and other images are "
        "refused with the reason; small or doubtful ones get a warning and no verdict "
        f"({_OUTPUT}). Refused were {{refusals}}.",
    ),
    Item(
        "27b",
        "Users' part and expertise",
        "answered",
        "A clinician who reads chest X-rays, before seeing the "
        "result if the site wants it "
        "([human oversight](../model/artifact/MODEL_CARD.md#9-human-oversight)).",
    ),
    Item(
        "27c",
        "Next steps",
        "answered",
        "A hospital's own test in silent weeks before use "
        f"([acceptance](decisions/acceptance.md)); adults are being tried ({_EXPERIMENTS}).",
    ),
)
