# "make" lists the targets; "make test" is all that CI runs.
MODULES = . $(patsubst %/go.mod,%,$(wildcard test/go.mod))
# A number of inputs, not a time: Go 1.26 may fail a run whose time is over (golang/go issue 75804).
FUZZTIME ?= 20000x
SHELL = bash
.SHELLFLAGS = -o pipefail -c
# The program is static; only the race detector wants cgo.
export CGO_ENABLED = 0

VERSION    := $(patsubst v%,%,$(or $(shell git describe --tags --always --dirty 2>/dev/null),unknown))
REVISION   := $(or $(shell git rev-parse HEAD 2>/dev/null),unknown)
BRANCH     := $(or $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null),unknown)
BUILD_USER := $(or $(shell id -un),unknown)
BUILD_DATE := $(shell date -u +%Y-%m-%dT%H:%M:%SZ)
STAMP = $(foreach v,Version=$(VERSION) Revision=$(REVISION) Branch=$(BRANCH) BuildUser=$(BUILD_USER) BuildDate=$(BUILD_DATE),-X github.com/prometheus/common/version.$v)

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20
build: ## build ./alicdn_export_exporter: static, stamped with its version
	go build -trimpath -ldflags '-s -w $(STAMP)' -o alicdn_export_exporter .
test: ## all that CI runs; last the tests of every module, with the race detector (vet is in lint)
	$(MAKE) --no-print-directory -j2 --output-sync=target tidy lint fuzz model programs
	CGO_ENABLED=1 go test -race -vet=off ./...
	CGO_ENABLED=1 go -C test test -race -vet=off -count=1 -p 1 -timeout 1h ./...
test-short: ## the inner loop: the quick tests
	go test -short ./...
lint: .tools/golangci-lint ## lint every module, compiled as for the tests, so that both share the work
	for m in $(MODULES); do (cd $$m && CGO_ENABLED=1 GOFLAGS="$$(go env GOFLAGS) -race" '$(CURDIR)/$<' run --allow-serial-runners) || exit; done
fmt: .tools/golangci-lint ## format every module
	for m in $(MODULES); do (cd $$m && '$(CURDIR)/$<' fmt) || exit; done
fuzz: ## run every fuzz target on FUZZTIME (20000x) inputs
	for m in $(MODULES); do FUZZTIME=$(FUZZTIME) test/tools/fuzz.sh $$m || exit; done
model: ## play 10,000 random histories of a moving list against the client, and print how they ended
	go test ./apiclient -run '^TestNoListingIsEverFalse$$' -histories=10000 -v | sed '/^=== /d; /^ *--- PASS/d; /^PASS/d'
tidy: ## check that go.mod and go.sum are complete, and the modules unchanged
	for m in $(MODULES); do go -C $$m mod tidy -diff || exit; done
	go mod verify # not in test/, where it stumbles over the replaced module, whose path has no dot
end-to-end: programs ## of these only alerts, dashboards and the status page, with the real Prometheus, Alertmanager and browser: 7 minutes
	go -C test test -p 1 -timeout 1h ./monitoring ./status -count=1
programs: .tools/promtool .tools/alertmanager test/render/dist/index.html # and a browser
	@command -v chromium chromium-browser google-chrome >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
rules: ## write alerts/prometheusrule.yaml anew
	go -C test test ./monitoring -run '^TestManifestIsCurrent$$' -update
pictures: programs ## draw the dashboards and the status page into docs/images
	PICTURES='$(CURDIR)/docs/images' go -C test test -p 1 ./monitoring ./status -count=1 -run '^(TestEveryPanelIsAnswered|TestTheStatusPageInABrowser)$$' -v
bench: ## measure speed and memory beside the official SDKs, about 15 minutes (docs/performance.md)
	cd test && go run ./bench && go test -run '^$$' -bench . ./bench
demo: ## serve a made-up account on http://localhost:10077/metrics
	go run . --demo
docker: ## build the container image alicdn_export_exporter
	docker build $(foreach v,VERSION REVISION BRANCH BUILD_USER BUILD_DATE,--build-arg $v='$($v)') -t alicdn_export_exporter .
clean: ## remove what was built
	rm -rf alicdn_export_exporter .tools test/render/dist test/render/node_modules
.tools/golangci-lint: test/tools/go.mod test/tools/go.sum
	go -C test/tools build -ldflags '-s -w' -o '$(CURDIR)/$@' github.com/golangci/golangci-lint/v2/cmd/golangci-lint && touch $@
.tools/promtool: test/tools/prometheus/go.mod test/tools/prometheus/go.sum # and prometheus; nomad's client, which the tag leaves out, keeps "go mod tidy" from it
	go -C test/tools/prometheus build -tags remove_all_sd,netgo -ldflags '-s -w' -o '$(CURDIR)/.tools/' github.com/prometheus/prometheus/cmd/prometheus github.com/prometheus/prometheus/cmd/promtool && touch $@
.tools/alertmanager: test/tools/alertmanager.sh test/tools/alertmanager/go.mod test/tools/alertmanager/go.sum # and amtool
	mkdir -p .tools && test/tools/alertmanager.sh .tools && touch $@
test/render/node_modules/.package-lock.json: test/render/package-lock.json
	cd test/render && npm ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund && touch node_modules/.package-lock.json
test/render/dist/index.html: test/render/node_modules/.package-lock.json $(wildcard $(addprefix test/render/,*.html *.json *.mjs src/*.ts* src/panels/*.ts*))
	cd test/render && npm run --silent build && touch dist/index.html

.PHONY: help build test test-short lint fmt fuzz model tidy end-to-end programs rules pictures bench demo docker clean
