package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/scenario"
)

func TestTheDemoIsServedAndStopsCleanly(t *testing.T) {
	p, address := exporter(t, "--demo")
	status, page := get(t, address+"/metrics")
	if status != http.StatusOK {
		t.Errorf("answer %d", status)
	}
	expectSamples(t, page, map[string]string{
		`up{account="default",export="usage"}`:                                                  "1",
		`refreshes_total{account="default",export="usage"}`:                                     "1",
		`refresh_failures_total{account="default",export="usage"}`:                              "0",
		`api_requests_total{account="default",export="usage"}`:                                  "1",
		`api_errors_total{account="default",class="denied",code="NoPermission",export="usage"}`: "0",
		`api_rate_limit_requests_per_second{account="default"}`:                                 "20",
		`tasks{account="default",export="usage",status="created"}`:                              "1",
		`tasks{account="default",export="usage",status="failed"}`:                               "1",
		`tasks{account="default",export="usage",status="unknown"}`:                              "0",
		`unlisted_tasks{account="default",export="usage"}`:                                      "0",
		`newest_task_status{account="default",export="usage",status="created"}`:                 "1",
		`tasks{account="default",export="usage_detail",status="created"}`:                       "",
		`api_request_duration_seconds_count{account="default",export="usage"}`:                  "1",
	})
	for _, family := range []string{"alicdn_export_build_info", "go_goroutines", "process_open_fds", "promhttp_metric_handler_errors_total"} {
		if !strings.Contains(page, "\n"+family) {
			t.Errorf("%s is missing", family)
		}
	}
	for path, want := range map[string]int{"/": 200, "/-/healthy": 200, "/-/ready": 200, "/nothing": 404, "/debug/pprof/": 404} {
		if status, _ := get(t, address+path); status != want {
			t.Errorf("%s: answer %d, want %d", path, status, want)
		}
	}
	p.stop()
	if text := p.stderr.String(); strings.Contains(text, "level=warn") || strings.Contains(text, "level=error") || !strings.Contains(text, "Stopping") {
		t.Errorf("the log of a quiet run:\n%s", text)
	}
	if text := p.stdout.String(); text != "" {
		t.Errorf("stdout: %q", text)
	}
	goleak.VerifyNone(t)
}

func TestEveryLogLineIsJSONWhereThatIsWanted(t *testing.T) {
	p, address := exporter(t, "--demo", "--log.format=json", "--log.level=debug")
	get(t, address+"/metrics")
	p.stop()
	lines := 0
	for line := range strings.Lines(p.stderr.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		for _, key := range []string{"time", "caller", "level", "msg"} {
			if text, _ := fields[key].(string); text == "" {
				t.Errorf("%q has no %s", line, key)
			}
		}
		lines++
	}
	if lines < 5 {
		t.Errorf("only %d lines at debug", lines)
	}
}

// gate holds calls back until it is opened.
type gate struct {
	http.Handler
	arrived, open chan struct{}
}

func (g gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.arrived <- struct{}{}
	<-g.open
	g.Handler.ServeHTTP(w, r)
}

func TestAScrapeInFlightAtTheSignalIsFinished(t *testing.T) {
	api := gate{Handler: newScenario(t, "healthy"), arrived: make(chan struct{}, 1), open: make(chan struct{})}
	p, address := exporter(t, serveAPI(t, api))
	var scrape sync.WaitGroup
	scrape.Go(func() {
		status, page := get(t, address+"/metrics")
		if up := sample(page, `up{account="default",export="usage"}`); status != http.StatusOK || up != "1" {
			t.Errorf("answer %d, up is %q, want the scrape as if nothing had happened", status, up)
		}
	})
	<-api.arrived
	p.signal()
	p.stderr.await(t, "Stopping")
	select {
	case status := <-p.status:
		t.Fatalf("the program ended with status %d while a scrape was in flight", status)
	default:
	}
	close(api.open)
	scrape.Wait()
	if status := p.end(); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}

func TestARefreshThatNobodyWaitsForIsCalledOffByTheSignal(t *testing.T) {
	called := make(chan struct{})
	left := make(chan struct{})
	api := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(called)
		<-r.Context().Done()
		close(left)
	})
	setKey(t, "LTAI5tKey", "secret", "")
	p, address := exporter(t, serveAPI(t, api), "--api.timeout=1h", "--refresh.timeout=1h")
	status, page := get(t, address+"/metrics", func(r *http.Request) {
		r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "0.5")
	})
	if up := sample(page, `up{account="default",export="usage"}`); status != http.StatusOK || up != "0" {
		t.Errorf("answer %d, up is %q", status, up)
	}
	<-called
	p.stop()
	<-left
	if text := p.stderr.String(); strings.Contains(text, "level=warn") {
		t.Errorf("shutting down is no failure worth a line:\n%s", text)
	}
}

func TestNoConnectionToTheAPIIsLeftBehind(t *testing.T) {
	closed := make(chan struct{}, 10)
	server := httptest.NewUnstartedServer(newScenario(t, "healthy"))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	server.Start()
	defer server.Close()
	p, address := exporter(t, "--api.endpoint="+server.URL)
	get(t, address+"/metrics")
	p.stop()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Error("the connection is still open")
	}
}

func TestAnOutageFromTheStartIsShownAndDoesNotEndTheProgram(t *testing.T) {
	p, address := exporter(t, serveAPI(t, newScenario(t, "outage")), "--api.max-retries=0")
	status, page := get(t, address+"/metrics")
	if status != http.StatusOK {
		t.Errorf("answer %d", status)
	}
	expectSamples(t, page, map[string]string{
		`up{account="default",export="usage"}`:                         "0",
		`refresh_failures_total{account="default",export="usage"}`:     "1",
		`api_requests_total{account="default",export="usage"}`:         "1",
		`snapshot_timestamp_seconds{account="default",export="usage"}`: "",
		`tasks{account="default",export="usage",status="success"}`:     "",
	})
	p.stop()
	if text := p.stderr.String(); strings.Count(text, "level=warn") != 1 {
		t.Errorf("a failed refresh is one warning:\n%s", text)
	}
}

func TestAKeyThatComesLaterIsFoundWithoutARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	t.Setenv("ALIBABA_CLOUD_CREDENTIALS_FILE", file)
	api, err := scenario.New("healthy", simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, address := exporter(t, serveAPI(t, api), "--cache.ttl=0s", "--api.max-retries=0")
	_, page := get(t, address+"/metrics")
	expectSamples(t, page, map[string]string{
		`up{account="default",export="usage"}`:                                                      "0",
		`api_requests_total{account="default",export="usage"}`:                                      "1",
		`api_errors_total{account="default",class="credentials",code="credentials",export="usage"}`: "1",
	})
	if err := os.WriteFile(file, []byte("[default]\ntype = access_key\naccess_key_id = "+simulator.DefaultAccessKeyID+
		"\naccess_key_secret = "+simulator.DefaultAccessKeySecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	up := ""
	for range 1000 { // A refresh is due as long after the last one as that one took.
		_, page = get(t, address+"/metrics")
		if up = sample(page, `up{account="default",export="usage"}`); up == "1" {
			break
		}
	}
	p.stop()
	if text := p.stderr.String(); up != "1" || !strings.Contains(text, "Starting without a key") {
		t.Errorf("up is %q", up)
	}
}

func TestBothExportsAreWatchedWhereThatIsWanted(t *testing.T) {
	p, address := exporter(t, "--demo", "--collector.exports=usage,usage_detail", "--account.name=main")
	_, page := get(t, address+"/metrics")
	for _, export := range []string{"usage", "usage_detail"} {
		if up := sample(page, `up{account="main",export="`+export+`"}`); up != "1" {
			t.Errorf("up of %s is %q", export, up)
		}
	}
	p.stop()
}

// write makes a file of a text.
func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "exporter.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// occupied is an address that somebody else listens on.
func occupied(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

func TestWhatCannotWorkEndsInOneClearLine(t *testing.T) {
	taken := occupied(t)
	missing := filepath.Join(t.TempDir(), "missing.yml")
	for name, tc := range map[string]struct {
		args []string
		env  map[string]string
		want []string
	}{
		"an unknown flag": {
			args: []string{"--nonsense"}, want: []string{"unknown long flag '--nonsense'", "try --help"},
		},
		"an unknown command": {
			args: []string{"bake"}, want: []string{"bake", "try --help"},
		},
		"a value that is not the flag's kind": {
			args: []string{"--demo", "--cache.ttl=soon"}, want: []string{"--cache.ttl=soon is not a duration", "try --help"},
		},
		"a value from the environment that is not the flag's kind": {
			args: []string{"--demo"}, env: map[string]string{"ALICDN_EXPORT_EXPORTER_API_CONCURRENCY": "many"},
			want: []string{"--api.concurrency=many is not a whole number"},
		},
		"two values that cannot be": {
			args: []string{"--demo", "--log.level=loud", "--refresh.timeout=0s"},
			want: []string{"--log.level=loud must be debug, info, warn or error; --refresh.timeout=0s must be above 0"},
		},
		"an account name that can be no label": {
			args: []string{"--demo", "--account.name=\xff"}, want: []string{"--account.name", "must be UTF-8"},
		},
		"an export that there is not": {
			args: []string{"--demo", "--collector.exports=users"}, want: []string{"--collector.exports=users", "usage, usage_detail"},
		},
		"no key anywhere": {
			want: []string{"no key from any of the environment", "ALIBABA_CLOUD_ACCESS_KEY_ID", "--demo"},
		},
		"no key to check": {
			args: []string{"check"}, want: []string{"no key from any of the environment", "ALIBABA_CLOUD_ACCESS_KEY_ID"},
		},
		"a library that would print secrets": {
			env:  map[string]string{"DEBUG": "sdk,credential", "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI5tKey", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"},
			want: []string{"DEBUG=credential", "unset it"},
		},
		"an endpoint without TLS": {
			args: []string{"--api.endpoint=http://cdn.aliyuncs.com"},
			env:  map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI5tKey", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"},
			want: []string{"--api.endpoint=http://cdn.aliyuncs.com", "loopback addresses only"},
		},
		"a telemetry path that cannot be served": {
			args: []string{"--demo", "--web.telemetry-path=/a//b"}, want: []string{`telemetry path "/a//b"`},
		},
		"a port in use": {
			args: []string{"--demo", "--log.level=error", "--web.listen-address=" + taken}, want: []string{taken, "address already in use"},
		},
		"an address that is none": {
			args: []string{"--demo", "--log.level=error", "--web.listen-address=nowhere"}, want: []string{"nowhere", "missing port"},
		},
		"a web configuration that is not there": {
			args: []string{"--demo", "--log.level=error", "--web.listen-address=127.0.0.1:0", "--web.config.file=" + missing}, want: []string{missing},
		},
		"a configuration file that is not there": {
			args: []string{"--demo", "--config.file=" + missing}, want: []string{"--config.file: ", missing},
		},
		"an expectation of what is not watched": {
			args: []string{"--demo", "--config.file=" + write(t, "accounts: [{expectations: [{name: x, export: usage_detail, every: week}]}]")},
			want: []string{`usage_detail is not among the exports of the account`},
		},
		"a configuration file with several mistakes": {
			args: []string{"--demo", "--config.file=" + write(t, "accounts:\n- nme: x\n  exprts: []\n")}, want: []string{":2:", ":3:", "; "},
		},
		"an unknown scenario": {
			args: []string{"simulate", "--scenario=sunshine"}, want: []string{`unknown scenario "sunshine"`, "healthy", "outage"},
		},
		"a port in use for the simulated API": {
			args: []string{"simulate", "--address=" + taken}, want: []string{taken, "address already in use"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range tc.env {
				t.Setenv(variable, value)
			}
			status, stdout, stderr := once(t, tc.args...)
			if status != 1 || stdout != "" {
				t.Errorf("exit status %d, want 1; stdout %q", status, stdout)
			}
			if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "alicdn_export_exporter: error: ") || !strings.HasSuffix(stderr, "\n") {
				t.Errorf("stderr is not one line:\n%s", stderr)
			}
			for _, want := range tc.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr lacks %q:\n%s", want, stderr)
				}
			}
			goleak.VerifyNone(t)
		})
	}
}

func TestAPortInUseEndsInOneLine(t *testing.T) {
	status, _, stderr := once(t, "--demo", "--web.listen-address="+occupied(t))
	if status != 1 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "error: --web.listen-address: listen tcp 127.0.0.1:") {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
}

func TestHelpAndVersionSucceed(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want []string
	}{
		"--help":          {[]string{"--help"}, []string{"usage: alicdn_export_exporter", "--cache.ttl=1m", "$ALICDN_EXPORT_EXPORTER_CACHE_TTL", "check", "simulate", "serve"}},
		"-h":              {[]string{"-h"}, []string{"usage: alicdn_export_exporter"}},
		"help":            {[]string{"help"}, []string{"usage: alicdn_export_exporter"}},
		"check --help":    {[]string{"check", "--help"}, []string{"usage: alicdn_export_exporter check"}},
		"simulate --help": {[]string{"simulate", "--help"}, []string{"--scenario", "forgotten-month"}},
		"--version":       {[]string{"--version"}, []string{"alicdn_export_exporter, version", "go version"}},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := once(t, tc.args...)
			if status != 0 || stderr != "" {
				t.Errorf("exit status %d, want 0; stderr %q", status, stderr)
			}
			for _, want := range tc.want {
				if !strings.Contains(stdout, want) {
					t.Errorf("stdout lacks %q:\n%s", want, stdout)
				}
			}
		})
	}
}

func TestEveryFlagButHelpAndVersionHasAnEnvironmentVariable(t *testing.T) {
	line := newCommandLine(io.Discard)
	if _, err := line.app.Parse(nil); err != nil {
		t.Fatal(err)
	}
	model := line.app.Model()
	flags := model.Flags
	for _, command := range model.Commands {
		flags = append(flags, command.Flags...)
	}
	for _, flag := range flags {
		want := "ALICDN_EXPORT_EXPORTER_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag.Name))
		if flag.Name == "help" || flag.Name == "version" {
			want = ""
		}
		if flag.Envar != want && !flag.Hidden { // Those that are hidden are kingpin's.
			t.Errorf("--%s is the variable %q, want %q", flag.Name, flag.Envar, want)
		}
	}
	t.Setenv("ALICDN_EXPORT_EXPORTER_HELP", "true")
	t.Setenv("ALICDN_EXPORT_EXPORTER_VERSION", "1.2.3") // As Kubernetes does for a service of this name.
	if status, stdout, _ := once(t, "check", "--demo"); status != 0 || !strings.HasPrefix(stdout, "account ") {
		t.Errorf("exit status %d:\n%s", status, stdout)
	}
}

func TestCheckOfTheDemoIsRight(t *testing.T) {
	status, stdout, stderr := once(t, "check", "--demo", "--collector.exports=usage,usage_detail")
	if status != 0 || stderr != "" {
		t.Errorf("exit status %d, want 0; stderr %q", status, stderr)
	}
	var what []string
	verdict, _, _ := strings.Cut(stdout, "\n\n") // Before what the lists say.
	for line := range strings.Lines(verdict) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[1] != "ok" {
			t.Errorf("%q is not ok", line)
		}
		what = append(what, fields[0])
	}
	if diff := cmp.Diff([]string{"account", "credentials", "usage", "usage_detail", "clock"}, what); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestCheckNamesTheMissingRAMAction(t *testing.T) {
	status, stdout, stderr := once(t, "check", serveAPI(t, newScenario(t, "denied")), "--collector.exports=usage,usage_detail")
	if status != 1 || stderr != "alicdn_export_exporter: error: not all is right, see above\n" {
		t.Errorf("exit status %d, want 1; stderr %q", status, stderr)
	}
	for _, want := range []string{
		"credentials   ok      from ", "usage         FAILED  NoPermission", "usage_detail  FAILED  Forbidden",
		"cdn:DescribeUserUsageDataExportTask ", "cdn:DescribeUserUsageDetailDataExportTask ",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("it lacks %q:\n%s", want, stdout)
		}
	}
}

func TestCheckFindsAClockThatIsWrong(t *testing.T) {
	status, stdout, _ := once(t, "check", serveAPI(t, newScenario(t, "clock-skew")))
	if status != 1 || !strings.Contains(stdout, "usage         FAILED  InvalidTimeStamp.Expired") ||
		!strings.Contains(stdout, "clock         FAILED  1h0m0s behind the API's") {
		t.Errorf("exit status %d, want 1:\n%s", status, stdout)
	}
}

func TestASimulatedAPIIsServedAndCheckPassesAgainstIt(t *testing.T) {
	p := start(t, "simulate", "--scenario=moving", "--address=127.0.0.1:0")
	endpoint := p.stdout.await(t, `(--api\.endpoint=http://127\.0\.0\.1:\d+)\n`)
	setKey(t, p.stdout.await(t, `ALIBABA_CLOUD_ACCESS_KEY_ID=(\S+)`), p.stdout.await(t, `ALIBABA_CLOUD_ACCESS_KEY_SECRET=(\S+)`), "")
	if status, stdout, stderr := once(t, "check", endpoint); status != 0 {
		t.Errorf("exit status %d, want 0:\n%s%s", status, stdout, stderr)
	}
	e, address := exporter(t, endpoint)
	if _, page := get(t, address+"/metrics"); sample(page, `up{account="default",export="usage"}`) != "1" {
		t.Errorf("the exporter does not read it:\n%s", page)
	}
	p.stop() // The signal ends both.
	if status := e.end(); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
	if text := p.stdout.String(); !strings.Contains(text, `"moving"`) || strings.Contains(text, scenario.DownloadSecret) || p.stderr.String() != "" {
		t.Errorf("it says:\n%s%s", text, p.stderr)
	}
}
