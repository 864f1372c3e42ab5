# The commands of this project. `make` alone lists them.
# PYTHON= selects the Python for the virtual environments, ENGINE= the local database (dynoxide or ministack),
# JOBS= the number of test processes (default: one per processor).

PORT ?= 8080
JOBS ?= auto
SIZE ?= 100

# The local database. npm installs dynoxide, which exists for this platform only.
ENGINE ?= $(shell command -v npm >/dev/null && [ "$$(uname -sm)" = "Linux x86_64" ] && echo dynoxide || echo ministack)
dynoxide := local/engine/node_modules/.package-lock.json
ministack := .venv-ministack/installed
scimmy := bench/peers/scimmy/node_modules/.package-lock.json
cspell := docs_site/node_modules/.package-lock.json
newman := tests/judges/newman/node_modules/.package-lock.json
axe := browser/axe/node_modules/.package-lock.json
engine := $(if $(AWS_ENDPOINT_URL_DYNAMODB),,$($(ENGINE)))

export ENGINE PYTHON STEP
export PYTHONPATH := src
export SAM_CLI_TELEMETRY := 0
unexport PYTHONDONTWRITEBYTECODE  # without the cache, each of the many processes compiles all its modules

.PHONY: help install run muster test test-fast nightly e2e judges openapi browser pictures replay differential compare explain bench check docs build invoke sam-local deploy deploy-built rollback smoke protect lock clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

install: .venv/installed .venv/bin/muster .venv-browser/installed .venv-docs/installed .venv-judges/installed .venv-lambda/installed .venv-openapi/installed .venv-sam/installed $(engine) $(ministack) $(axe) $(cspell) $(newman) ## Install what the commands need, except make bench; each also installs what it needs itself

# The port is checked before anything is installed. STEP is printed in front of what is installed.
run: ## Run the endpoint on this machine until Ctrl-C (PORT=8080, PARAMETERS="RateLimit=1")
	@sh local/python.sh -m local.preflight run "$(PORT)"
	@$(MAKE) -s .venv/installed .venv/bin/muster STEP="Step 1 of 3: "
	$(if $(engine),@$(MAKE) -s $(engine) STEP="Step 2 of 3: ")
	@echo "Step 3 of 3: starting the endpoint"
	@.venv/bin/python -u -m local --port "$(PORT)" $(addprefix --parameter ,$(PARAMETERS))

muster: .venv/bin/muster ## Install the command line .venv/bin/muster
	@.venv/bin/muster --help

# A file is the unit of distribution: its fixtures, such as a running server, exist in one process only. The order of
# files stays, since the last files are short: at the end no process waits long for the others.
parallel := .venv/bin/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

fast := tests/protocol tests/service tests/events tests/auth tests/aws tests/test_rfc_examples.py tests/test_docs.py

test: .venv/installed $(engine) $(ministack) ## Run the tests, except those of nightly (JOBS=)
	@$(parallel) -m "not nightly and not built and not e2e"

test-fast: .venv/installed ## Run the fast tests, within a minute
	@$(parallel) -m "not nightly and not built and not e2e and not slow" $(fast)

nightly: .venv/installed $(engine) $(ministack) ## Run the large tests, the judges, make openapi and make e2e (SIZE= percent of their full size)
	@NIGHTLY_SIZE=$(SIZE) $(parallel) -m "nightly and not e2e"
	@$(MAKE) -s judges
	@$(MAKE) -s openapi
	@$(MAKE) -s e2e SHORT=$(filter-out 100,$(SIZE))

e2e: .venv/installed $(ministack) ## Deploy the built functions to an emulator of AWS, and use them (SHORT=1 without upgrade, judges and replay)
	$(check_python313)
	@$(MAKE) -s .venv-sam/installed .venv-lambda/installed $(local_build) $(if $(SHORT),,.venv-judges/installed)
	@NIGHTLY_SIZE=$(if $(SHORT),5,100) $(parallel) -m "e2e$(if $(SHORT), and not nightly)" tests/deployment

# The judges have their own environment, so they do not load the fixtures of the other tests.
judges: .venv/installed .venv-judges/installed $(engine) $(newman) ## Run SCIM clients and test suites of others against a local run (SIZE=)
	@NIGHTLY_SIZE=$(SIZE) .venv-judges/bin/pytest --confcutdir tests/judges tests/judges

openapi: .venv/installed .venv-openapi/installed $(engine) ## Compare the responses of a local run with docs/build/openapi.yaml, by schemathesis (SIZE=)
	@NIGHTLY_SIZE=$(SIZE) .venv-openapi/bin/pytest --confcutdir tests/openapi tests/openapi

browser: .venv-browser/installed $(axe) ## Test the console in a real browser (CHROMIUM=)
	@PYTHONPATH=. .venv-browser/bin/pytest browser

pictures: .venv-browser/installed $(axe) ## Take the screenshots in docs/images, with the tests of make browser (CHROMIUM=)
	@PYTHONPATH=. .venv-browser/bin/pytest browser --pictures

replay: .venv/installed ## Send the recorded requests of identity providers to a deployment (URL= TOKEN= PROVIDER=)
	@.venv/bin/python -m tests.idp "$(URL)" "$(TOKEN)" $(PROVIDER)

differential: .venv/installed ## Compare 20,000 PATCH requests and 100,000 filters with scim2-models
	@NIGHTLY_SIZE=100 .venv/bin/pytest tests/differential

compare: .venv/installed ## Compare the responses with those of another commit (COMMIT=)
	@.venv/bin/python -m tests.recorder $(COMMIT)

explain: .venv/installed ## Show the plan and the cost of a query (FILTER='...' SORT=)
	@.venv/bin/python -m local.explain '$(subst ','\'',$(FILTER))' '$(SORT)'

bench: .venv/installed .venv-bench/installed $(dynoxide) $(scimmy) ## Measure and compare with other servers, write docs/contribute/performance.md (ONLY= measures one part, writes nothing)
	@.venv/bin/python -m bench $(addprefix --only ,$(ONLY))

check: .venv/installed .venv-sam/installed .venv-docs/installed $(cspell) ## Check style, types, imports, the template, the pages and their language
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv-sam/bin/cfn-lint template.yaml examples/*/template.yaml
	AWS_DEFAULT_REGION=us-east-1 .venv-sam/bin/sam validate --lint
	docs_site/node_modules/.bin/cspell lint --no-progress --no-summary --cache --cache-strategy content --cache-location .cspell_cache
	.venv-docs/bin/python -m docs_site
	.venv/bin/pytest -q tests/docs tests/test_docs.py

docs: .venv-docs/installed ## Build the documentation site in .site/html
	@.venv-docs/bin/python -m docs_site

# Missing programs and settings are reported before anything is installed.
check_python313 := @python3.13 --version >/dev/null 2>&1 || { echo "error: the functions are built with python3.13, which is not on the PATH; \
to get it: uv python install 3.13, or pyenv install 3.13, or see https://www.python.org/downloads" >&2; exit 1; }

# An environment in samconfig.toml: its stack and its parameters.
CONFIG_ENV ?= default

build: ## Build the deployment packages of the functions in .aws-sam/build (CONFIG_ENV=)
	$(check_python313)
	@$(MAKE) -s .venv-sam/installed
	.venv-sam/bin/sam build --config-env $(CONFIG_ENV)
	@.venv-sam/bin/python -m deployment.packages .aws-sam/build

# The functions of this machine's architecture, for the emulator and for `sam local`.
local_build := .aws-sam/local/build/finished

invoke: .venv/installed $(engine) ## Send a sample event to the built function, in AWS's runtime (EVENT=); without EVENT, all, and compare the responses
	$(check_python313)
	@$(MAKE) -s .venv-sam/installed .venv-lambda/installed $(local_build)
	@$(if $(EVENT),.venv/bin/python -m local.emulator "$(EVENT)",.venv/bin/pytest -q -m built tests/emulator)

ADDRESS ?= 172.17.0.1

sam-local: .venv/installed ## Let `sam local` use the services of make run, until Ctrl-C (ADDRESS= of Docker's bridge network)
	$(check_python313)
	@$(MAKE) -s .venv-sam/installed $(local_build)
	@.venv/bin/python -u -m local.sam_local "$(ADDRESS)"

$(local_build): $(shell find src -type f -not -name '*.pyc' 2>/dev/null) template.yaml deployment/packages.py
	.venv-sam/bin/sam build --build-dir $(@D) --cache-dir .aws-sam/local/cache \
		--parameter-overrides Architecture=$(if $(filter x86_64,$(shell uname -m)),x86_64,arm64)
	@.venv-sam/bin/python -m deployment.packages $(@D)
	@touch $@

deploy: ## Build, and deploy to your AWS account (CONFIG_ENV=dev or prod, see samconfig.toml)
	$(check_python313)
	@sh local/python.sh -m deployment.preflight $(CONFIG_ENV)
	@$(MAKE) -s build
	@$(MAKE) -s deploy-built

deploy-built: .venv-sam/installed ## Deploy what make build has built (CONFIG_ENV=, SAM_OPTIONS= for sam deploy)
	@sh local/python.sh -m deployment.preflight $(CONFIG_ENV)
	@[ -d .aws-sam/build ] || { echo "error: nothing is built; run make build first" >&2; exit 1; }
	@.venv-sam/bin/python -m deployment.versions $(CONFIG_ENV)
	.venv-sam/bin/sam deploy --config-env $(CONFIG_ENV) $(SAM_OPTIONS)
	@.venv-sam/bin/python -m deployment.table_protection $(CONFIG_ENV)
	@.venv-sam/bin/python -m deployment.versions $(CONFIG_ENV)

rollback: .venv-sam/installed ## Return to the functions before the last deployment (CONFIG_ENV=)
	@.venv-sam/bin/python -m deployment.versions $(CONFIG_ENV) rollback

smoke: .venv/installed ## Check a deployed stack with a throw-away customer (STACK= ONLY= URL= WAIT=)
	@test -n "$(STACK)" || { echo "error: set the name of the stack, for example: make smoke STACK=muster" >&2; exit 2; }
	@.venv/bin/python -m deployment.smoke --stack "$(STACK)" $(if $(ONLY),--only "$(ONLY)") $(if $(URL),--url "$(URL)") $(if $(WAIT),--wait "$(WAIT)")

protect: .venv-sam/installed ## Turn on deletion protection, stream, TTL and backups of a table (TABLE=, default: the stack's)
	@.venv-sam/bin/python -m deployment.table_protection $(CONFIG_ENV) $(TABLE)

UV ?= uv
COMPILE := $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

lock: ## Update the lock files from pyproject.toml (needs uv and npm)
	$(COMPILE) pyproject.toml --group dev -o requirements/dev.txt
	$(COMPILE) pyproject.toml -c requirements/dev.txt -o src/requirements.txt
	$(COMPILE) --group browser -o requirements/browser.txt
	$(COMPILE) --group sam -o requirements/sam.txt
	$(COMPILE) --group ministack -o requirements/ministack.txt
	$(COMPILE) --group lambda -o requirements/lambda.txt
	$(COMPILE) --group docs -o requirements/docs.txt
	$(COMPILE) --group bench -o requirements/bench.txt
	$(COMPILE) --group judges -o requirements/judges.txt
	$(COMPILE) --group openapi -o requirements/openapi.txt
	npm install --prefix local/engine --package-lock-only --omit-lockfile-registry-resolved
	npm install --prefix bench/peers/scimmy --package-lock-only --omit-lockfile-registry-resolved
	npm install --prefix docs_site --package-lock-only --omit-lockfile-registry-resolved
	npm install --prefix tests/judges/newman --package-lock-only --omit-lockfile-registry-resolved
	npm install --prefix browser/axe --package-lock-only --omit-lockfile-registry-resolved

clean: ## Delete everything that make installed or built; DATA=1 also deletes the local users and tokens
	@[ ! -x .venv/bin/python ] || .venv/bin/python -m local.preflight clean
	rm -rf .venv .venv-browser .venv-sam .venv-lambda .venv-ministack .venv-bench .venv-docs .venv-judges .venv-openapi .site docs_site/node_modules local/engine/node_modules bench/peers/scimmy/node_modules tests/judges/newman/node_modules browser/axe/node_modules .aws-sam .*_cache .hypothesis $(if $(filter 1,$(DATA)),.local)
	@[ ! -e .local ] || echo "The local users and tokens are kept in .local. To delete them: make clean DATA=1"

.venv/installed: requirements/dev.txt
	@sh local/venv.sh .venv $<

.venv-browser/installed: requirements/browser.txt
	@sh local/venv.sh .venv-browser $<

.venv/bin/muster: local/muster.sh .venv/installed
	@install -m 755 $< $@

.venv-sam/installed: requirements/sam.txt
	@sh local/venv.sh .venv-sam $<

.venv-lambda/installed: requirements/lambda.txt
	@PYTHON=python3.13 sh local/venv.sh .venv-lambda $<

.venv-docs/installed: requirements/docs.txt
	@sh local/venv.sh .venv-docs $<

.venv-bench/installed: requirements/bench.txt
	@sh local/venv.sh .venv-bench $<

.venv-judges/installed: requirements/judges.txt
	@sh local/venv.sh .venv-judges $<

.venv-openapi/installed: requirements/openapi.txt
	@sh local/venv.sh .venv-openapi $<

$(ministack): requirements/ministack.txt
	@sh local/venv.sh .venv-ministack $<

$(dynoxide): local/engine/package-lock.json
	@echo "$(if $(STEP),$(STEP)i,I)nstalling the database dynoxide with npm (only once)"
	@npm ci --prefix local/engine --loglevel=error --no-audit --no-fund >/dev/null || \
		{ echo "error: npm could not install dynoxide; ENGINE=ministack works without npm" >&2; exit 1; }
	@touch $@

$(cspell): docs_site/package-lock.json
	@npm ci --prefix docs_site --loglevel=error --no-audit --no-fund >/dev/null || \
		{ echo "error: the spell check needs Node 18 or newer, with npm" >&2; exit 1; }
	@touch $@

$(scimmy): bench/peers/scimmy/package-lock.json
	@npm ci --prefix bench/peers/scimmy --loglevel=error --no-audit --no-fund >/dev/null
	@touch $@

$(newman): tests/judges/newman/package-lock.json
	@npm ci --prefix tests/judges/newman --loglevel=error --no-audit --no-fund >/dev/null || \
		{ echo "error: newman needs Node 16 or newer, with npm" >&2; exit 1; }
	@touch $@

$(axe): browser/axe/package-lock.json
	@npm ci --prefix browser/axe --loglevel=error --no-audit --no-fund >/dev/null || \
		{ echo "error: npm could not install axe, which checks the pages of the console" >&2; exit 1; }
	@touch $@
