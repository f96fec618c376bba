# What developers run. Everything needs Go; race needs a C compiler, too.
.DEFAULT_GOAL := help
.PHONY: help demo test race long lint texts rules mutants house bench ci install packages release

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## a live stream, a bucket and the daemon on this machine
	go run ./cmd/ems-demo

test: ## all tests, in their short form
	go test ./...

race: ## the same with the race detector
	go test -race ./...

long: ## all tests in their long form, and longer fuzzing: about an hour
	.ci/run --long

lint: ## the linters, as .ci/run has them
	.ci/lint

texts: ## writes what comes from the table of keys and the command line: example, references, man pages
	go test ./internal/manual -update
	go test ./cmd/ems-sidecar -run Texts -update

rules: ## which file owns each of the rules R1 to R10, and which tests prove it
	go -C tools run ./rules

mutants: ## breaks each rule on purpose, to see that a test notices: some minutes
	go -C tools run ./mutants

house: ## the size of the code: types, fields, functions, and what is too long
	go -C tools run ./house

bench: ## the load benchmark, whose figures are in docs/performance.md
	go test ./internal/e2e/load -run '^$$' -bench Load -benchtime 1x -timeout 20m

ci: ## everything that a change must pass
	.ci/run

install: ## the daemon into $(PREFIX), which is /usr/local
	CGO_ENABLED=0 go build -o $(DESTDIR)$(PREFIX)/bin/ems-sidecar ./cmd/ems-sidecar

packages: ## deb, rpm and apk for amd64 and arm64, in dist/
	deploy/package/build

release: ## the same, with checksums and SBOMs, of a commit with a tag: docs/releasing.md
	deploy/package/release build

PREFIX ?= /usr/local
