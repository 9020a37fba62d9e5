package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// counted is a simulated API and the number of requests that it got.
type counted struct {
	http.Handler
	requests atomic.Int64
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.requests.Add(1)
	c.Handler.ServeHTTP(w, r)
}

// simulated serves an API of its own for one account of a file.
func simulated(t *testing.T, name string) (api *counted, endpoint string) {
	t.Helper()
	api = &counted{Handler: newScenario(t, name)}
	_, endpoint, _ = strings.Cut(serveAPI(t, api), "=")
	return api, endpoint
}

// configFile is a configuration file that a test writes again and again.
type configFile struct {
	t    *testing.T
	path string
}

func newConfigFile(t *testing.T, format string, args ...any) *configFile {
	t.Helper()
	f := &configFile{t, filepath.Join(t.TempDir(), "exporter.yml")}
	f.write(format, args...)
	return f
}

func (f *configFile) write(format string, args ...any) {
	f.t.Helper()
	if err := os.WriteFile(f.path, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// post asks for what changes something.
func post(t *testing.T, address string) (status int, body string) {
	t.Helper()
	response, err := client.Post(address, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(text)
}

func TestAReloadSwapsTheAccountsThatChangedAndNoOthers(t *testing.T) {
	aAPI, a := simulated(t, "healthy")
	bAPI, b := simulated(t, "healthy")
	_, c := simulated(t, "healthy")
	file := newConfigFile(t, "accounts: [{name: a, endpoint: %q}, {name: b, endpoint: %q}, {name: c, endpoint: %q}]", a, b, c)
	p, address := exporter(t, "--config.file="+file.path, "--web.enable-lifecycle", "--cache.ttl=59m")
	defer p.stop()
	_, before := get(t, address+"/metrics")
	expectSamples(t, before, map[string]string{
		`up{account="a",export="usage"}`: "1", `up{account="b",export="usage"}`: "1", `up{account="c",export="usage"}`: "1",
		"config_last_reload_successful": "1",
	})
	aRequests, bRequests := aAPI.requests.Load(), bAPI.requests.Load()

	_, d := simulated(t, "denied")
	file.write("accounts: [{name: d, endpoint: %q}, {name: b, endpoint: %q, rate_limit: 7}, {name: a, endpoint: %q}]", d, b, a)
	if status, body := post(t, address+"/-/reload"); status != http.StatusOK {
		t.Fatalf("answer %d: %s", status, body)
	}
	_, after := get(t, address+"/metrics")
	if strings.Contains(after, `account="c"`) {
		t.Error("the account that was taken out is still shown")
	}
	expectSamples(t, after, map[string]string{
		`refreshes_total{account="a",export="usage"}`:                                     "1",
		`up{account="a",export="usage"}`:                                                  "1",
		`snapshot_timestamp_seconds{account="a",export="usage"}`:                          sample(before, `snapshot_timestamp_seconds{account="a",export="usage"}`),
		`api_requests_total{account="a",export="usage"}`:                                  sample(before, `api_requests_total{account="a",export="usage"}`),
		`refreshes_total{account="b",export="usage"}`:                                     "1",
		`up{account="b",export="usage"}`:                                                  "1",
		`api_rate_limit_requests_per_second{account="b"}`:                                 "7",
		`up{account="d",export="usage"}`:                                                  "0",
		`api_errors_total{account="d",class="denied",code="NoPermission",export="usage"}`: sample(after, `refresh_failures_total{account="d",export="usage"}`),
		"config_last_reload_successful":                                                   "1",
	})
	if n := aAPI.requests.Load(); n != aRequests {
		t.Errorf("the account that did not change cost %d requests more", n-aRequests)
	}
	if n := bAPI.requests.Load(); n != 2*bRequests {
		t.Errorf("the account that changed cost %d requests, want %d again", n, bRequests)
	}
}

func TestAReloadThatFailsLosesNothing(t *testing.T) {
	api, endpoint := simulated(t, "healthy")
	right := fmt.Sprintf("accounts: [{name: a, endpoint: %q}]", endpoint)
	file := newConfigFile(t, "%s", right)
	p, address := exporter(t, "--config.file="+file.path, "--web.enable-lifecycle", "--cache.ttl=59m")
	defer p.stop()
	get(t, address+"/metrics")
	requests := api.requests.Load()
	for name, tc := range map[string]struct {
		spoil func()
		want  string
	}{
		"a key that is not known": {func() { file.write("accounts:\n- nam: a\n") }, "exporter.yml:2: accounts[0].nam: is not a known key"},
		"an account twice": {
			func() { file.write("accounts:\n- {name: a, endpoint: %q}\n- name: a\n", endpoint) },
			`exporter.yml:3: accounts[1].name: "a" is the name of accounts[0] already`,
		},
		"half of it":    {func() { file.write("%s", right[:len(right)/2]) }, "exporter.yml:1: did not find expected"},
		"an empty file": {func() { file.write("") }, "exporter.yml:1: accounts: no account to watch"},
		"no file":       {func() { _ = os.Remove(file.path) }, "no such file or directory"},
	} {
		tc.spoil()
		status, body := post(t, address+"/-/reload")
		if status != http.StatusInternalServerError || !strings.Contains(body, tc.want) {
			t.Errorf("%s: answer %d: %s", name, status, body)
		}
		_, page := get(t, address+"/metrics")
		expectSamples(t, page, map[string]string{
			"config_last_reload_successful":                      "0",
			`up{account="a",export="usage"}`:                     "1",
			`refreshes_total{account="a",export="usage"}`:        "1",
			`tasks{account="a",export="usage",status="unknown"}`: "0",
		})
		if line := p.stderr.await(t, `level=error .*msg="Configuration is wrong, the one before it stays" err=.*`); !strings.Contains(p.stderr.String(), "no such file") && line == "" {
			t.Errorf("%s: not logged", name)
		}
		file.write("%s", right)
		if status, body := post(t, address+"/-/reload"); status != http.StatusOK {
			t.Errorf("after %s: answer %d: %s", name, status, body)
		}
	}
	_, page := get(t, address+"/metrics")
	expectSamples(t, page, map[string]string{"config_last_reload_successful": "1"})
	if n := api.requests.Load(); n != requests {
		t.Errorf("reloads of the same account cost %d requests", n-requests)
	}
}

func TestAHangupReloadsAndEndsNothing(t *testing.T) {
	_, endpoint := simulated(t, "healthy")
	file := newConfigFile(t, "accounts: [{name: a, endpoint: %q}]", endpoint)
	p, address := exporter(t, "--config.file="+file.path)
	defer p.stop()
	hangUp := func() {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	file.write("accounts: [{name: a, endpoint: %q}, {name: b, endpoint: %q}]", endpoint, endpoint)
	hangUp()
	p.stderr.await(t, `msg="Configuration loaded" accounts=(2) new_or_changed=1 gone_or_changed=0`)
	_, page := get(t, address+"/metrics")
	expectSamples(t, page, map[string]string{`up{account="b",export="usage"}`: "1", "config_last_reload_successful": "1"})
	file.write("accounts: 5")
	hangUp()
	p.stderr.await(t, `(Configuration is wrong).*accounts: is not a list`)
	_, page = get(t, address+"/metrics")
	expectSamples(t, page, map[string]string{`up{account="b",export="usage"}`: "1", "config_last_reload_successful": "0"})
	if status, body := post(t, address+"/-/reload"); status != http.StatusForbidden || !strings.Contains(body, "--web.enable-lifecycle") {
		t.Errorf("without --web.enable-lifecycle POST /-/reload answers %d: %s", status, body)
	}
}

func TestAHangupWithoutAFileChangesNothing(t *testing.T) {
	p, address := exporter(t, "--demo", "--cache.ttl=59m")
	defer p.stop()
	_, before := get(t, address+"/metrics")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.stderr.await(t, `msg="Configuration loaded" accounts=(1) new_or_changed=0 gone_or_changed=0`)
	_, after := get(t, address+"/metrics")
	const requests = `api_requests_total{account="default",export="usage"}`
	expectSamples(t, after, map[string]string{requests: sample(before, requests), "config_last_reload_successful": "1"})
}

func TestReloadsAndScrapesMayMeet(t *testing.T) {
	_, endpoint := simulated(t, "healthy")
	file := newConfigFile(t, "accounts: [{name: a, endpoint: %q}]", endpoint)
	p, address := exporter(t, "--config.file="+file.path, "--web.enable-lifecycle", "--cache.ttl=0s", "--api.rate-limit=1000")
	defer p.stop()
	var scrapes sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		scrapes.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				status, page := get(t, address+"/metrics")
				for line := range strings.Lines(page) {
					// What is shown of the account that comes and goes is whole, and of one life.
					if strings.HasPrefix(line, `alicdn_export_tasks{account="b",export="usage",status="success"}`) &&
						sample(page, `up{account="b",export="usage"}`) == "" {
						t.Errorf("half of an account is shown:\n%s", page)
					}
				}
				if status != http.StatusOK || sample(page, `refreshes_total{account="a",export="usage"}`) == "" {
					t.Errorf("answer %d:\n%s", status, page)
				}
			}
		})
	}
	for n := range 40 {
		if n%2 == 0 {
			file.write("accounts: [{name: a, endpoint: %q}, {name: b, endpoint: %q, rate_limit: %d}]", endpoint, endpoint, n+1)
		} else {
			file.write("accounts: [{name: a, endpoint: %q}]", endpoint)
		}
		if status, body := post(t, address+"/-/reload"); status != http.StatusOK {
			t.Errorf("answer %d: %s", status, body)
		}
	}
	close(done)
	scrapes.Wait()
	_, page := get(t, address+"/metrics")
	if strings.Contains(page, `account="b"`) {
		t.Error("the account that was taken out last is still shown")
	}
}

// However often an account changes: the API gets no more calls than its rate allows.
func TestReloadsDoNotGoAroundTheRateLimit(t *testing.T) {
	api, endpoint := simulated(t, "healthy")
	file := newConfigFile(t, "accounts: [{name: a, endpoint: %q, rate_limit: 1}]", endpoint)
	p, address := exporter(t, "--config.file="+file.path, "--web.enable-lifecycle")
	defer p.stop()
	impatient := func(r *http.Request) { r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "0.02") }
	began := time.Now()
	for n := range 30 {
		file.write("accounts: [{name: a, endpoint: %q, rate_limit: 1, expectations: [{name: n%d, export: usage, every: month}]}]", endpoint, n)
		if status, body := post(t, address+"/-/reload"); status != http.StatusOK {
			t.Fatalf("answer %d: %s", status, body)
		}
		get(t, address+"/metrics", impatient)
	}
	if n, most := float64(api.requests.Load()), time.Since(began).Seconds()+1; n > most {
		t.Errorf("%v requests, at 1 a second at most %v are allowed", n, most)
	}
}

// Each setting counts: an account of which one has changed is read anew.
func TestEverySettingOfAnAccountCounts(t *testing.T) {
	setKey(t, simulator.DefaultAccessKeyID, simulator.DefaultAccessKeySecret, "")
	for _, change := range []string{
		"rate_limit: 7", "time_zone: UTC", "exports: [usage, usage_detail]", "credentials: {type: default}",
		"expectations: [{name: n, export: usage, every: month}]",
	} {
		t.Run(change, func(t *testing.T) {
			api, endpoint := simulated(t, "healthy")
			file := newConfigFile(t, "accounts: [{name: a, endpoint: %q}]", endpoint)
			p, address := exporter(t, "--config.file="+file.path, "--web.enable-lifecycle")
			defer p.stop()
			get(t, address+"/metrics")
			requests := api.requests.Load()
			for _, again := range []bool{false, true} { // Changed, and then as it is.
				file.write("accounts: [{name: a, endpoint: %q, %s}]", endpoint, change)
				if status, body := post(t, address+"/-/reload"); status != http.StatusOK {
					t.Fatalf("answer %d: %s", status, body)
				}
				get(t, address+"/metrics")
				if read := api.requests.Load() > requests; read == again {
					t.Errorf("loaded again: %v; read anew: %v", again, read)
				}
				requests = api.requests.Load()
			}
		})
	}
}
