# "make" lists the targets. "make test" runs everything that CI runs.
MODULES = . $(patsubst %/go.mod,%,$(wildcard test/go.mod))
# FUZZTIME is a number of inputs, because Go 1.26 may fail at the end of a duration (golang/go issue 75804).
FUZZTIME ?= 20000x
SHELL = bash
.SHELLFLAGS = -o pipefail -c
# The program is static. Only the race detector needs cgo.
export CGO_ENABLED = 0

VERSION    := $(patsubst v%,%,$(or $(shell git describe --tags --always --dirty 2>/dev/null),unknown))
REVISION   := $(or $(shell git rev-parse HEAD 2>/dev/null),unknown)
BRANCH     := $(or $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null),unknown)
BUILD_USER := $(or $(shell id -un),unknown)
BUILD_DATE := $(shell date -u +%Y-%m-%dT%H:%M:%SZ)
# STAMP is the linker flags that set the variables of package version.
STAMP = $(foreach v,Version=$(VERSION) Revision=$(REVISION) Branch=$(BRANCH) BuildUser=$(BUILD_USER) \
    BuildDate=$(BUILD_DATE),-X github.com/prometheus/common/version.$v)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20
build: ## build ./alicdn_export_exporter, a static file with its version
	go build -trimpath -ldflags '-s -w $(STAMP)' -o alicdn_export_exporter .
test: ## run everything that CI runs
	$(MAKE) --no-print-directory -j2 --output-sync=target tidy lint fuzz model programs
	CGO_ENABLED=1 go test -race -vet=off ./... # "make lint" runs vet
	CGO_ENABLED=1 go -C test test -race -vet=off -count=1 -p 2 -timeout 1h $$(go -C test list ./... | grep -v /monitoring)
	go -C test test -vet=off -count=1 -timeout 1h ./monitoring/... # With -race, evaluating rules takes eight times as long.
test-short: ## run only the quick tests
	go test -short ./...
lint: .tools/golangci-lint ## lint every module
	@# With -race, the linter shares the build cache with the tests.
	for m in $(MODULES); do \
	    (cd $$m && CGO_ENABLED=1 GOFLAGS="$$(go env GOFLAGS) -race" '$(CURDIR)/$<' run --allow-serial-runners) || exit; \
	done
fmt: .tools/golangci-lint ## format every module
	for m in $(MODULES); do (cd $$m && '$(CURDIR)/$<' fmt) || exit; done
fuzz: ## run every fuzz target on 20,000 inputs; set FUZZTIME=1000000x for more
	for m in $(MODULES); do FUZZTIME=$(FUZZTIME) test/tools/fuzz.sh $$m || exit; done
model: ## test the client on 10,000 random histories of a changing list
	go test ./apiclient -run '^(TestListModel|TestListOfLongLists)$$' -histories=10000 -v | sed '/^=== /d; /^ *--- PASS/d; /^PASS/d'
test-faults: ## try every fault in every scenario, ten minutes (docs/reliability.md)
	go -C test test ./faults -run '^TestFaults$$' -count=1 -timeout 1h -all -v | sed '/^=== /d; /^ *--- PASS/d; /^PASS/d'
soak: ## let ten minutes pass at a simulated API in two, with faults and reloads
	go -C test test ./faults -run '^TestSoak$$' -count=1 -soak=2m -v | sed '/^=== /d'
tidy: ## check that go.mod and go.sum are complete and the modules unchanged
	for m in $(MODULES); do go -C $$m mod tidy -diff || exit; done
	go mod verify # fails in test/, because the path of the replaced module has no dot
end-to-end: programs ## test alerts, dashboards and the status page with the real programs, 7 minutes
	go -C test test -p 1 -timeout 1h ./monitoring ./status -count=1
programs: .tools/promtool .tools/alertmanager test/render/dist/index.html ## build and install what end-to-end needs
	@command -v chromium chromium-browser google-chrome >/dev/null || \
	    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
test-packaging: .tools/golangci-lint .tools/goreleaser .tools/promtool .tools/alertmanager ## test image, packages, chart and manifests, on Debian as root
	@for p in buildah lintian rpm rpmlint mandoc shellcheck; do \
	    command -v $$p >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends $$p; } || exit; \
	done
	$(MAKE) --no-print-directory tidy MODULES=test/packaging
	cd test/packaging && '$(CURDIR)/.tools/golangci-lint' run --allow-serial-runners
	go -C test/packaging test -count=1 -timeout 1h ./...
# LINKED_RUNBOOK is the address of the runbook in the links of alerts and dashboards.
LINKED_RUNBOOK = $(shell sed -n 's/^ *runbook_url: \(.*\)\#.*/\1/p' alerts/alicdn_export.rules.yml | head -n 1)
rules: ## generate alerts/prometheusrule.yaml; RUNBOOK_URL=https://… changes where alerts and dashboards link
	$(if $(RUNBOOK_URL),sed -i 's|$(LINKED_RUNBOOK)|$(RUNBOOK_URL)|' \
	    alerts/alicdn_export.rules.yml alerts/tests/*.yml dashboards/*.json)
	go -C test test ./monitoring -run '^TestManifestIsCurrent$$' -update
schema: ## generate docs/config.schema.json and docs/exports.schema.json from the types of the configuration and the JSON
	go -C test test ./schema -run '^TestSchemaIsCurrent$$' -update
pictures: programs ## draw the dashboards and the status page into docs/images
	PICTURES='$(CURDIR)/docs/images' go -C test test -p 1 ./monitoring ./status -count=1 \
	    -run '^(TestPanels|TestStatusPage)$$' -v
vulncheck: ## look for known vulnerabilities, if the database can be reached
	test/tools/vulncheck.sh
bench: ## compare speed and memory with the official SDKs, 15 minutes (docs/dev/benchmarks.md)
	cd test && go run ./bench && go test -run '^$$' -bench . ./bench
demo: ## serve three simulated accounts on http://localhost:10077/metrics
	go run . --demo
docker: ## build the container image alicdn_export_exporter
	docker build -t alicdn_export_exporter . \
	    $(foreach v,VERSION REVISION BRANCH BUILD_USER BUILD_DATE,--build-arg $v='$($v)')
snapshot: .tools/goreleaser ## make the archives, packages and SBOM of a release from this tree, into dist/
	PATH='$(CURDIR)/.tools':"$$PATH" goreleaser release --snapshot --clean
release-files: # what .goreleaser.yaml packs but git does not have
	mkdir -p .release
	deploy/packages/manpage.sh go run . | gzip -9n >.release/alicdn_export_exporter.1.gz
	deploy/packages/changelog.sh '$(VERSION)' '$(BUILD_DATE)' >.release/changelog.yml
clean: ## remove everything that was built
	rm -rf alicdn_export_exporter .tools .release dist test/render/dist test/render/node_modules
.tools/golangci-lint: test/tools/go.mod test/tools/go.sum
	go -C test/tools build -ldflags '-s -w' -o '$(CURDIR)/$@' github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	touch $@
# This also builds cyclonedx-gomod, which goreleaser runs, and actionlint.
.tools/goreleaser: test/tools/release/go.mod test/tools/release/go.sum
	go -C test/tools/release build -ldflags '-s -w' -o '$(CURDIR)/.tools/' tool
	touch $@
# This also builds prometheus. The tag leaves out the service discoveries: "go mod tidy" fails with nomad's client.
.tools/promtool: test/tools/prometheus/go.mod test/tools/prometheus/go.sum
	go -C test/tools/prometheus build -tags remove_all_sd,netgo -ldflags '-s -w' -o '$(CURDIR)/.tools/' \
	    github.com/prometheus/prometheus/cmd/prometheus github.com/prometheus/prometheus/cmd/promtool
	touch $@
# This also builds amtool.
.tools/alertmanager: test/tools/alertmanager.sh test/tools/alertmanager/go.mod test/tools/alertmanager/go.sum
	mkdir -p .tools && test/tools/alertmanager.sh .tools
	touch $@
test/render/node_modules/.package-lock.json: test/render/package-lock.json
	cd test/render && npm ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund
	touch $@
test/render/dist/index.html: test/render/node_modules/.package-lock.json $(wildcard \
    $(addprefix test/render/,*.html *.json *.mjs src/*.ts* src/panels/*.ts*))
	cd test/render && npm run --silent build
	touch $@

.PHONY: help build test test-short lint fmt fuzz model test-faults soak tidy end-to-end programs test-packaging snapshot release-files rules schema pictures vulncheck bench demo docker clean
