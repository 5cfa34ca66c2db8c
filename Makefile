# kiseki: build, run, test. `make` alone lists the targets.
#
# Everything that is fetched or built lands in .cache, bin, ui/node_modules
# and ui/dist, which `make clean` removes.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS   += --no-print-directory
.DEFAULT_GOAL := help

CACHE       := $(CURDIR)/.cache
VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
DATA        ?= data
ROUNDS      ?= 20
SOAK        ?= 1h

UI_SOURCES  := $(shell find ui/src ui/public ui/index.html ui/package.json ui/vite.config.ts ui/tsconfig.json -type f 2>/dev/null)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## build if needed, then start kiseki on ./data
	@exec bin/kiseki serve --data $(DATA)

.PHONY: demo
demo: build ## start kiseki on ./data and a small shop that sends it traces; Ctrl-C ends both
	@set -m; bin/kiseki serve --data $(DATA) & serve=$$!; set +m; \
	trap 'kill $$serve 2>/dev/null || true; wait $$serve' EXIT; trap : INT TERM; \
	until (exec 3<>/dev/tcp/127.0.0.1/16686) 2>/dev/null; do kill -0 $$serve 2>/dev/null || exit 1; sleep 0.1; done; \
	bin/kiseki demo

.PHONY: build
build: need-go ui/dist/index.html ## the static binary bin/kiseki, UI included
	@CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/kiseki ./cmd/kiseki

ui/dist/index.html: ui/node_modules/.stamp $(UI_SOURCES)
	@echo "building the UI"
	@cd ui && npm run --silent build -- --logLevel warn
	@touch $@

# Runs only when the lock file changed. Not npm ci: that one refuses a lock
# file without the optional packages of other platforms, and a registry that
# mirrors a part of npm's does not have them to be locked.
ui/node_modules/.stamp: ui/package-lock.json | need-node
	@echo "fetching the UI's packages"
	@cd ui && npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: test
test: build ui/node_modules/.stamp ## every test: Go, UI, real clients, browser, kill -9; installs what it needs
	@echo "== go vet"
	@go vet ./...
	@echo "== UI unit tests"
	@cd ui && npm test --silent
	@echo "== preparing the clients of test/clients"
	@test/clients/prepare.sh $(CACHE)/clients
	@echo "== Go tests, with real clients and $(ROUNDS) rounds of kill -9"
	@KISEKI_CLIENTS=$(CACHE)/clients go test -timeout 30m $$(go list ./... | grep -v /test/crash)
	@go test -timeout 30m -v ./test/crash -rounds $(ROUNDS)
	@echo "== the instrumentation library"
	@cd instrument && go vet ./... && go test ./...
	@cd instrument/test && go vet ./... && go test ./...
	@for e in examples/*/; do (cd $$e && go vet ./...); done
	@cd test/instrument && go vet . && go test .
	@echo "== DuckDB reads an export"
	@if command -v g++ >/dev/null; then cd test/duckdb && go vet . && go test .; else echo "left out: DuckDB needs a C++ compiler"; fi
	@echo "== Grafana's data sources"
	@plugins=$$(test/grafana/plugins.sh); if [ -n "$$plugins" ]; then cd test/grafana && go vet . && KISEKI_GRAFANA_PLUGINS=$$plugins go test .; fi
	@echo "== browser"
	@test/browser.sh
	@echo "all tests passed"

.PHONY: check
check: need-go need-gcc ui/node_modules/.stamp $(CACHE)/bin/staticcheck ## format, vet, lint, house rules, race detector, UI types; LONG=1 adds 100,000 random queries and a minute of fuzzing a target
	@echo "== format"
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "not formatted (gofmt -w):"; echo "$$unformatted"; exit 1; fi
	@echo "== vet and staticcheck"
	@go vet ./...
	@$(CACHE)/bin/staticcheck ./...
	@cd instrument && go vet ./... && $(CACHE)/bin/staticcheck ./...
	@cd instrument/test && $(CACHE)/bin/staticcheck ./...
	@cd test/instrument && $(CACHE)/bin/staticcheck .
	@echo "== house rules: import arrows, sizes, comments, links"
	@go test ./test/arrows
	@echo "== UI types and lint"
	@cd ui && npm run --silent check
	@echo "== tests with the race detector"
	@go test -race -short -timeout 30m ./...
	@cd instrument && go test -race -short ./...
	@if [ -n "$(LONG)" ]; then go test ./query/exec ./storage -timeout 60m -run '^(TestAgreesWithReference|TestQueries)$$' -queries 100000 && test/fuzz.sh 60s; fi
	@echo "all checks passed"

$(CACHE)/bin/staticcheck: Makefile
	@echo "fetching staticcheck"
	@GOBIN=$(CACHE)/bin go install $(STATICCHECK)
	@touch $@

.PHONY: screenshots
screenshots: build ui/node_modules/.stamp ## take the pictures of docs/images anew, after ten minutes of the demo
	@test/browser.sh screenshots

.PHONY: soak
soak: need-go ## an hour of everything at once with kill -9 in between, before a release; SOAK=10m makes it shorter
	@go test -timeout 0 -v ./test/crash -run TestSoak -soak $(SOAK)

.PHONY: bench
bench: build ## decoding, ingestion, compaction, size on disk, queries and restart, as tables, in about ten minutes; large traces in a browser
	@go test -run '^$$' -bench . -benchmem ./ingest/otlp
	@go run ./bench
	@test/browser.sh e2e/giant.test.mjs | grep -o 'giant [0-9]* spans.*'

.PHONY: clean
clean: ## remove what was built and fetched; ./data stays
	@rm -rf bin ui/dist ui/node_modules
	@chmod -R u+w $(CACHE) 2>/dev/null || true
	@rm -rf $(CACHE)

.PHONY: need-go need-node need-gcc
need-go:
	@command -v go >/dev/null || { echo "kiseki is built with Go 1.26 or newer, which is not in PATH: https://go.dev/dl/" >&2; exit 1; }

need-node:
	@command -v npm >/dev/null || { echo "the UI is built with Node.js 20 or newer, which is not in PATH: https://nodejs.org/" >&2; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "the UI is built with Node.js 20 or newer; this is $$(node -v)" >&2; exit 1; }

need-gcc:
	@command -v gcc >/dev/null || { echo "the race detector needs a C compiler: apt-get install gcc libc6-dev" >&2; exit 1; }
