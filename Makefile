# The targets that people and CI run. Everything needs Go alone, except what its comment names.
GO      ?= go
# Inputs, not seconds: the go command now and then fails a run that its clock ends ("context deadline exceeded").
FUZZTIME ?= 20000x
BENCH   ?=
IMAGE   ?= drover
# The commit is stamped by the go command itself; -s -w leave out what only a debugger reads.
LDFLAGS ?= -s -w

.DEFAULT_GOAL := build
.PHONY: build test race vet fmt lint bench bench-quick fuzz soak faults-long docker cross clean help

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST)

build: ## the static binary ./drover
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o drover .

test: ## every test; what needs a tool that is missing says loudly that it was skipped
	$(GO) test ./...

race: ## every test under the race detector (needs a C compiler)
	$(GO) test -race -timeout 20m ./...

vet: ## go vet, also of what only other systems build
	$(GO) vet ./...

fmt: ## fails when a file is not gofmt's
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "run gofmt -w on:" $$unformatted; exit 1; fi

lint: ## golangci-lint as tools/go.mod pins it
	$(GO) tool -modfile=tools/go.mod golangci-lint run ./...

bench: ## drover beside HAProxy, nginx, Caddy, Go's httputil, Node's cluster and Redis, half an hour; or BENCH='-repeat 3', BENCH='-scenario tcp' (Linux)
	$(GO) run ./bench $(BENCH)

bench-quick: ## a second of each scenario, a minute in all: does the bench still run
	$(GO) run ./bench -quick -output=- $(BENCH)

fuzz: ## FUZZTIME (20000x inputs, or a time such as 10m) of every fuzz target
	@set -e; grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | \
	sed -E 's|^(.*)/[^/]*:func (Fuzz.*)$$|\1 \2|' | sort -u | while read -r dir name; do \
		echo "--- $$dir $$name"; \
		$(GO) test "$$dir" -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x; \
	done

soak: ## 10,000 worker replacements, of the supervisor and of drover, without growth in descriptors, goroutines, files, control groups and ports, some minutes (Linux)
	DROVER_TEST_REPLACEMENTS=10000 $(GO) test ./supervisor . -run ManyReplacements -count=1 -timeout 30m -p 1 -v

faults-long: ## the faults that tests show in seconds, for as long as they are meant: drover stopped 30 s, gigabytes of log, crashes for a minute (Linux)
	DROVER_TEST_LONG=1 $(GO) test . -run 'TestFault_(DroverIsStopped|FloodOfLog|CrashSoon)|TestKill' -count=1 -timeout 10m -v

docker: ## the image that application images copy the binary from (needs docker)
	docker build -t $(IMAGE) .

cross: ## what CI compiles for other machines
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o dist/drover-linux-arm64 .
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o dist/drover-darwin-arm64 .
	GOOS=darwin GOARCH=arm64 $(GO) vet ./...

clean: ## removes what the targets above made
	rm -rf drover dist bench/bin bench/tmp
