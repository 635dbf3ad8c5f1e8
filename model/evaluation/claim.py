"""CLAIM, the 2024 update (Tejani et al. 2024, Radiol Artif Intell 6:e240300): 44 items.

The form is that of `model.evaluation.checklists.read_items`; names in braces are facts and links.
"""

from typing import Final

TITLE: Final = "CLAIM, 2024 update (Tejani et al. 2024)"

TEXT: Final = """\
1. AI methodology in title or abstract (answered)
[README](../README.md): a fine-tuned ResNet50, a convolutional neural network.

2. Summary of the study (in part)
[README](../README.md#the-model); there is no article with a structured abstract.

3. Background, intended use and role (answered)
A second opinion for a clinician: {link_use}.

4. Aims and hypotheses (in part)
The aims are floors and goals for test and adults, written before training; no statistical
hypothesis was tested.

5. Prospective or retrospective (answered)
Retrospective: the films were there before the model.

6. Goal of the study (answered)
To make and evaluate a model; not a trial of its use.

7. Data sources (answered)
Public collections: {link_data}, {link_others}.

8. Inclusion and exclusion (in part)
Those of the collection ({link_data}); of its films none is left out that can be read.

9. Preprocessing (answered)
See {link_model}; code in `model/reading/`.

10. Selection of subsets (answered)
Whole frontal films; no part is chosen by a person. A sixteenth is cut off at each edge.

11. De-identification (answered)
By those who published the collections. In service nothing that identifies leaves the decoder
([how](operation.md)).

12. Missing data (answered)
There is one input, the film; unreadable files are left out and listed by the run.

13. Image acquisition (not done)
Devices, dose and software are not in the collections, whose files are JPEG.

14. Definition of the reference standard (answered)
Readers' label of the film: {link_data}.

15. Rationale of the reference standard (in part)
It is the only one that the collections have. It agrees with a clinician's question, not with
microbiology.

16. Source of annotations (in part)
Children: two expert physicians; their experience and instructions are not stated. Adults:
{link_data}.

17. Annotation of the test set (in part)
A third expert checked it. Disagreements are not published.

18. Variability of readers (not done)
The single readings are not published, so it cannot be measured; a hospital can measure it on its
own films (*Reader study*).

19. Assignment to partitions (answered)
Training and validation: random by patient and class, seed {seed}. Test: as the collection's
authors chose it, how is not known.

20. Level of separation (answered)
The patient ({link_split}).

21. Sample size of the test (in part)
That of the official test, {test_images} films of {test_patients} patients; not calculated.
Intervals show what it supports.

22. The model (answered)
Input {side} x {side} grey; ResNet50, heads on conv4 and conv5, one logit: {link_model}; all
layers are in `model/network/graph.py`.

23. Software (answered)
{versions}; all packages with their versions are in `requirements.txt`. Hardware of the training:
{hardware}.

24. Initial weights (answered)
ImageNet for conv1 to conv4, conv5 in part; then those of the first run ({link_model}).

25. Training (answered)
{epochs} epochs, {views} augmented views; every argument is in `pneumonia.json`, and
[training.md](training.md) says how far a second run repeats it.

26. Choice of the final model (answered)
The best epoch by validation on augmented views; candidates by validation ({link_experiments}).

27. Ensembles (answered)
The logit is the mean of two heads of one network; there is no other ensemble.

28. Metrics (answered)
See {link_scores}: discrimination, calibration, and both errors by threshold and prevalence.

29. Uncertainty (answered)
95 % intervals by a bootstrap of patients, {resamples} draws. No significance tests. For a single
film: an uncertain band, with the promise of split conformal prediction: {promise} are called
wrongly outside it ({link_scores}).

30. Robustness (answered)
{changes} changes of the image, of which the one that costs most is {worst_change}
({link_others}).

31. Explainability (answered)
Grad-CAM, with deletion and insertion against Grad-CAM++ and orders that know nothing of the
network, random weights (correlation with the map of a wholly random network: {randomised}), and
peaks in the lungs ({link_output}). Against boxes of radiologists: not done, because no set here
has any.

32. Internal evaluation (answered)
Validation AUC {validation_auc}; official test {auc_roc} ({link_scores}).

33. External testing (in part)
Adults of whom no patient was trained on, {adults_patients}: AUC {adults_auc} against normal,
{adults_other_auc} against other abnormal films; other normal adults of that hospital were trained
on ({link_others}). No external set of children is public with such labels.

34. Registration of a trial (not applicable)
There was no trial.

35. Included and excluded (answered)
Training {training_images}, validation {validation_images}, test {test_images} films; refused by
the model: {refusals}.

36. Demographics by partition (not done)
Age by group where the collections have it ({link_others}); no sex or severity; counts by class,
source and cause are there.

37. Performance with uncertainty (answered)
AUC {auc_roc}, precision and recall area {auc_pr}, Brier score {brier}, calibration error {ece}
({link_scores}).

38. Diagnostic performance and precision (answered)
At the threshold {threshold}: sensitivity {sensitivity}, specificity {specificity}; {missed}
missed, {alarms} false alarms. Share that is uncertain: {uncertain_share}.

39. Failure analysis (in part)
`python -m model.evaluation.report` draws the worst errors with their maps; they are patients'
images and are not published. What the model fails on is in {link_output}.

40. Limitations (answered)
See {link_split}, {link_output}, [README](../README.md#what-it-must-not-be-used-for).

41. Implications for practice (answered)
See {link_oversight}, {link_operation}, and a hospital's own test first ({link_acceptance}).

42. Protocol and technical details (in part)
The repository itself; {link_experiments} has every reading of the test. No protocol was
registered.

43. Availability (answered)
Code, weights and raw results are in this repository; the data are public ([NOTICE](../NOTICE)).

44. Funding (not done)
The repository records none.
"""
