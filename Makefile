# The few commands a person types. Each is a script under scripts/, or a line.
#
#   make run ARGS="--upstream http://localhost:11434/v1"

.DEFAULT_GOAL := help
.PHONY: help run test test-kafka kafka check chaos abuse bench flame fuzz micro baseline trace-cost docs dashboards dashboards-test up down compose-test image chart chart-install keda-test edge-test collector-test

ARGS ?=
CARGO ?= cargo

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The development profile: dependencies are optimised in it too, it builds in half the time of a release, and `make test`
# needs the same build.
run: ## Install what is missing, build, and start everything in one process with a demo model
	@scripts/install run
	@$(CARGO) build --locked --package narthex
	@exec "$$(scripts/target-directory)/debug/narthex" dev $(ARGS)

test: ## Install what the tests need, run all of them, and stop what was started
	@scripts/install test
	@scripts/test

test-kafka: ## Of the tests, those on a real Kafka node
	@scripts/install kafka
	@$(CARGO) test --locked --package broker-kafka
	@$(CARGO) test --locked --package narthex --test cluster on_kafka

kafka: ## Start a Kafka node of one's own, say where it listens, and stop it with Ctrl-C
	@scripts/install kafka
	@scripts/with-kafka sh -c 'echo "Kafka listens on $$TEST_KAFKA; Ctrl-C stops it."; cat > /dev/null'

check: ## Format, lints, documentation, licences, architecture, shell scripts
	@scripts/install check
	@scripts/check

FAULTS ?= 300
STREAMS ?= 200
BROKER ?= redis

chaos: ## Kill, freeze and cut off a cluster under load, and check every byte: FAULTS=1000 STREAMS=200 SEED=7 BROKER=redis|redis-cluster|kafka
	@scripts/install chaos
	@$(if $(filter kafka,$(BROKER)),scripts/install kafka)
	@scripts/chaos --broker $(BROKER) --faults $(FAULTS) --streams $(STREAMS) $(if $(SEED),--seed $(SEED)) $(ARGS)

ROUNDS ?= 6

abuse: ## Abuse a gateway in twelve ways while honest clients stream, and measure what they notice: ROUNDS=6
	@scripts/install chaos
	@scripts/chaos abuse --rounds $(ROUNDS) $(ARGS)

bench: ## Measure what a token costs, what Narthex adds, and more: SCENES=tokens,latency BROKER=memory|redis|redis-cluster|kafka ARGS="--peers --json"
	@scripts/install chaos
	@$(if $(filter kafka,$(BROKER)),scripts/install kafka)
	@$(if $(findstring --peers,$(ARGS)),scripts/install peers)
	@scripts/bench --broker $(BROKER) $(if $(SCENES),--scenes $(SCENES)) $(ARGS)

flame: ## Draw where gateway and worker spend their time: docs/images/flame-*.svg; needs perf and inferno
	@scripts/flame

TIME ?= 600

fuzz: ## Try the parsers of what comes in with anything, guided by coverage: TIME=600 TARGET=upstream JOBS=2
	@scripts/install fuzz
	@scripts/fuzz --time $(TIME) $(if $(JOBS),--jobs $(JOBS)) $(TARGET)

micro: ## Count the instructions of one event in each hot spot, and take its time: CASE=render_sse
	@scripts/install micro
	@scripts/test-instructions $(CASE)
	@$(CARGO) bench --locked --quiet --profile micro --package micro --bench time -- $(CASE)

baseline: ## Move the baseline that instructions are held against, when a change has to cost more, or costs less
	@scripts/install micro
	@scripts/test-instructions --record

trace-cost: ## Measure what traces cost: off, at 1 % and at 100 %, in one run
	@scripts/install test
	@$(CARGO) test --locked --release --package narthex --test cluster -- --ignored --nocapture what_traces_cost

docs: ## Write the pages that are made from the program itself
	@$(CARGO) run --quiet --locked --package narthex -- config --reference > docs/configuration.md

dashboards: ## Write Grafana's dashboards from deploy/grafana/dashboards.py
	@scripts/install dashboards
	@.venv/bin/python -B deploy/grafana/dashboards.py

dashboards-test: ## Look at the dashboards: a real Grafana draws them in a real browser, each panel is checked: IMAGES=folder keeps the pictures
	@scripts/install viewer
	@$(CARGO) build --locked --package narthex
	@TEST_NARTHEX="$$(scripts/target-directory)/debug/narthex" \
		GRAFANA_HOME="$${GRAFANA_HOME:-$$(scripts/target-directory)/tools/grafana}" scripts/test-dashboards

up: ## Start a cluster with Docker: two gateways, two workers, Redis, a load balancer
	docker compose up --build --detach --wait
	@echo "The cluster listens on http://127.0.0.1:$${PORT:-8080}/v1; 'make down' stops it."

down: ## Stop that cluster
	docker compose down

compose-test: ## Run docker-compose.yml on a Docker engine of one's own, with images made of Debian's packages; takes root and dockerd: COMPILE=yes WATCHED=yes
	@scripts/install kafka
	@$(if $(WATCHED),scripts/install watched)
	$(if $(COMPILE),,@$(CARGO) build --locked --release --package narthex)
	@TEST_NARTHEX="$$(scripts/target-directory)/release/narthex" WATCHED="$(WATCHED)" scripts/test-compose

image: ## Build the container image
	DOCKER_BUILDKIT=1 docker build --file deploy/Dockerfile --tag "$${IMAGE:-narthex}:$${IMAGE_TAG:-dev}" .

chart: ## Lint the Helm chart, test its templates, and check what they make against the schemas and the program
	@scripts/install chart
	@scripts/test-chart

chart-install: ## Install the chart in a real API server with nodes that are none, upgrade it, scale it, remove it
	@scripts/install cluster
	@scripts/test-install

keda-test: ## Let a real KEDA scale the chart's workers by what they have to do, on Redis, a Redis Cluster and Kafka; takes a network of its own
	@scripts/install keda
	@$(CARGO) build --locked --package narthex
	@TEST_NARTHEX="$$(scripts/target-directory)/debug/narthex" scripts/test-keda

edge-test: ## Let a real Traefik, nginx and HAProxy lead to the chart's gateways, and a real Prometheus with its adapter scale them; takes a network of its own
	@scripts/install edge
	@$(CARGO) build --locked --package narthex
	@TEST_NARTHEX="$$(scripts/target-directory)/debug/narthex" scripts/test-edge

collector-test: ## Push to a real OpenTelemetry Collector with Datadog's exporter, and hold what came against what was told
	@scripts/install collector
	@$(CARGO) build --locked --package narthex
	@TEST_NARTHEX="$$(scripts/target-directory)/debug/narthex" scripts/test-collector
