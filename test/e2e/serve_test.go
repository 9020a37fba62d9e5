package e2e_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"alicdn_export_exporter/internal/credentials/credentialstest"
	"alicdn_export_exporter/internal/simulator/scenario"
)

func TestServeDemo(t *testing.T) {
	t.Parallel()
	p, address := serve(t, keyEnv(credentialstest.Key{ID: "LTAIreal", Secret: "real"}), "--demo")
	page := scrape(t, address)
	t.Run("serves metrics", func(t *testing.T) {
		expectSamples(t, page, map[string]string{
			`up{account="demo-fine",export="usage"}`:                                                     "1",
			`refreshes_total{account="demo-fine",export="usage"}`:                                        "1",
			`refresh_failures_total{account="demo-fine",export="usage"}`:                                 "0",
			`api_requests_total{account="demo-fine",export="usage"}`:                                     "1",
			`api_errors_total{account="demo-fine",class="denied",code="NoPermission",export="usage"}`:    "0",
			`api_rate_limit_requests_per_second{account="demo-fine"}`:                                    "20",
			`tasks{account="demo-fine",export="usage",status="created"}`:                                 "1",
			`tasks{account="demo-fine",export="usage",status="failed"}`:                                  "1",
			`tasks{account="demo-fine",export="usage",status="unknown"}`:                                 "0",
			`unlisted_tasks{account="demo-fine",export="usage"}`:                                         "0",
			`newest_task_status{account="demo-fine",export="usage",status="created"}`:                    "1",
			`up{account="demo-fine",export="usage_detail"}`:                                              "1",
			`up{account="demo-overdue",export="usage"}`:                                                  "1",
			`up{account="demo-overdue",export="usage_detail"}`:                                           "",
			`unrecovered_failures{account="demo-overdue",export="usage"}`:                                "1",
			`up{account="demo-refused",export="usage"}`:                                                  "0",
			`api_errors_total{account="demo-refused",class="denied",code="NoPermission",export="usage"}`: "1",
			`api_request_duration_seconds_count{account="demo-fine",export="usage"}`:                     "1",
		})
		families := []string{
			"alicdn_export_build_info", "go_goroutines", "process_open_fds", "promhttp_metric_handler_errors_total",
		}
		for _, family := range families {
			if !strings.Contains(page, "\n"+family) {
				t.Errorf("%s is missing", family)
			}
		}
	})
	t.Run("serves its paths and no others", func(t *testing.T) {
		for path, want := range map[string]int{
			"/": 200, "/-/healthy": 200, "/-/ready": 200, "/nothing": 404, "/debug/pprof/": 404,
		} {
			if status, _ := get(t, address+path); status != want {
				t.Errorf("%s: status %d, want %d", path, status, want)
			}
		}
	})
	t.Run("says on the status page that it is a demo", func(t *testing.T) {
		if _, text := get(t, address+"/"); !strings.Contains(text, "These accounts are simulated.") {
			t.Errorf("the status page:\n%s", text)
		}
	})
	t.Run("warns that it is a demo, and of the account that is refused", func(t *testing.T) {
		p.Stop()
		log := p.Stderr.String()
		simulated := `level=warn .*"Demo: all accounts and exports are simulated. Credentials in the environment and in files are ignored"`
		for _, want := range []string{simulated, `level=warn .*account=demo-refused .*Refresh failed`} {
			if !regexp.MustCompile(want).MatchString(log) {
				t.Errorf("the log lacks %s:\n%s", want, log)
			}
		}
		if strings.Count(log, "level=warn") != 2 || strings.Contains(log, "level=error") {
			t.Errorf("another warning in the log:\n%s", log)
		}
		if !strings.Contains(log, shuttingDown) {
			t.Errorf("the log lacks %q:\n%s", shuttingDown, log)
		}
		if text := p.Stdout.String(); text != "" {
			t.Errorf("stdout: %q", text)
		}
	})
}

func TestServeExports(t *testing.T) {
	t.Parallel()
	_, address := serve(t, nil, "--demo", "--collector.exports=usage,usage_detail")
	expectSamples(t, scrape(t, address), map[string]string{
		`up{account="demo-overdue",export="usage"}`:        "1",
		`up{account="demo-overdue",export="usage_detail"}`: "1",
	})
}

func TestServeLogFormatJSON(t *testing.T) {
	t.Parallel()
	p, address := serve(t, nil, "--demo", "--log.format=json", "--log.level=debug")
	scrape(t, address)
	p.Stop()
	log := p.Stderr.String()
	for line := range strings.Lines(log) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		for _, key := range []string{"time", "caller", "level", "msg"} {
			if text, _ := fields[key].(string); text == "" {
				t.Errorf("%q has no %s", line, key)
			}
		}
	}
	if lines := strings.Count(log, "\n"); lines < 5 {
		t.Errorf("%d lines at level debug, want at least 5", lines)
	}
}

// gate delays requests. Each value sent to open lets one pass; closing open lets all pass. arrived gets a value for
// each delayed request.
type gate struct {
	http.Handler
	arrived, open chan struct{}
}

func (g gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.arrived <- struct{}{}
	<-g.open
	g.Handler.ServeHTTP(w, r)
}

func TestServeUnknownVariable(t *testing.T) {
	t.Parallel()
	p, address := serve(t, []string{
		"ALICDN_EXPORT_EXPORTER_CACHE_TLT=Canary", "ALICDN_EXPORT_EXPORTER_SERVICE_HOST=10.0.0.1", "ALICDN_EXPORT_EXPORTER_PORT=tcp://10.0.0.1:1",
	}, "--demo")
	scrape(t, address)
	p.Stop()
	log := p.Stderr.String()
	const want = `msg="Unknown environment variable" variable=ALICDN_EXPORT_EXPORTER_CACHE_TLT did_you_mean=ALICDN_EXPORT_EXPORTER_CACHE_TTL`
	if !strings.Contains(log, want) || strings.Count(log, "Unknown environment variable") != 1 {
		t.Errorf("log, want one warning:\n%s", log)
	}
	expectHidden(t, log, "Canary")
}

func TestServeShutdown(t *testing.T) {
	t.Parallel()
	t.Run("finishes a scrape in flight", func(t *testing.T) {
		t.Parallel()
		api := gate{newAPI(t, "healthy", defaultKey), make(chan struct{}, 1), make(chan struct{})}
		p, address := serve(t, keyEnv(defaultKey), "--api.endpoint="+serveHandler(t, api), "--cache.ttl=0s")
		<-api.arrived // This is the refresh at the start.
		api.open <- struct{}{}
		scrapeUntilUp(t, address, "default")
		var scrapes sync.WaitGroup
		scrapes.Go(func() {
			for { // The next refresh may not be due yet.
				if page := scrape(t, address); up(page, "default") != "1" {
					t.Errorf("up is %q", up(page, "default"))
				}
				select {
				case <-api.open:
					return
				default:
				}
			}
		})
		<-api.arrived
		p.Signal(syscall.SIGTERM)
		p.Stderr.Await(t, shuttingDown)
		select {
		case <-p.Ended:
			t.Error("the program exited during the scrape")
		default:
		}
		close(api.open)
		scrapes.Wait()
		if status := p.Wait(); status != 0 {
			t.Errorf("exit status %d, want 0", status)
		}
	})
	t.Run("cancels a refresh that no scrape waits for", func(t *testing.T) {
		t.Parallel()
		called, canceled := make(chan struct{}), make(chan struct{})
		api := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(called)
			<-r.Context().Done()
			close(canceled)
		})
		p, address := serve(t, keyEnv(defaultKey),
			"--api.endpoint="+serveHandler(t, api), "--api.timeout=1h", "--refresh.timeout=1h")
		status, page := get(t, address+"/metrics", scrapeTimeout("0.5"))
		if status != http.StatusOK || up(page, "default") != "0" {
			t.Errorf("status %d, up is %q", status, up(page, "default"))
		}
		<-called
		p.Stop()
		<-canceled
		if log := p.Stderr.String(); strings.Contains(log, "level=warn") {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestServeOutage(t *testing.T) {
	t.Parallel()
	_, endpoint := serveScenario(t, "outage")
	p, address := serve(t, keyEnv(defaultKey), "--api.endpoint="+endpoint, "--api.max-retries=0")
	expectSamples(t, scrape(t, address), map[string]string{
		`up{account="default",export="usage"}`:                         "0",
		`refresh_failures_total{account="default",export="usage"}`:     "1",
		`api_requests_total{account="default",export="usage"}`:         "1",
		`snapshot_timestamp_seconds{account="default",export="usage"}`: "",
		`tasks{account="default",export="usage",status="success"}`:     "",
	})
	p.Stop()
	if log := p.Stderr.String(); strings.Count(log, "level=warn") != 1 {
		t.Errorf("want exactly one warning:\n%s", log)
	}
}

// If a key appears later, the exporter uses it without a restart.
func TestServeWithoutKey(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "credentials")
	_, endpoint := serveScenario(t, "healthy")
	p, address := serve(t, []string{"ALIBABA_CLOUD_CREDENTIALS_FILE=" + file},
		"--api.endpoint="+endpoint, "--cache.ttl=0s", "--api.max-retries=0")
	page := scrape(t, address)
	requests := sample(page, metric("api_requests_total", "default"))
	expectSamples(t, page, map[string]string{
		`up{account="default",export="usage"}`:                                                      "0",
		`api_errors_total{account="default",class="credentials",code="credentials",export="usage"}`: requests,
	})
	overwrite(t, file, "[default]\ntype = access_key\naccess_key_id = %s\naccess_key_secret = %s\n",
		defaultKey.ID, defaultKey.Secret)
	scrapeUntilUp(t, address, "default")
	p.Stop()
	if log := p.Stderr.String(); !strings.Contains(log, "Refresh failed") || !strings.Contains(log, "the credentials file: open "+file) {
		t.Errorf("log:\n%s", log)
	}
}

func TestSimulate(t *testing.T) {
	t.Parallel()
	p := start(t, nil, "simulate", "--scenario=moving", "--address=127.0.0.1:0")
	p.Stdout.Await(t, `(aliyun cdn .*)\n`) // The last line.
	var commands []string
	for line := range strings.Lines(p.Stdout.String()) {
		if command, ok := strings.CutPrefix(line, "  "); ok {
			commands = append(commands, command)
		}
	}
	if len(commands) != 5 {
		t.Fatalf("commands %q, want 5", commands)
	}
	shell := func(commands ...string) (output string, err error) {
		c := exec.Command("sh", "-e", "-c", strings.Join(commands, ""))
		c.Env = []string{"HOME=" + t.TempDir(), "ALIBABA_CLOUD_ECS_METADATA_DISABLED=true"}
		out, err := c.CombinedOutput()
		return string(out), err
	}
	t.Run("prints a command that checks it", func(t *testing.T) {
		if out, err := shell(commands[0], commands[1]); !strings.HasSuffix(out, "\ndefault needs an export\n") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("prints a command that reads it", func(t *testing.T) {
		_, flag, _ := strings.Cut(strings.TrimSpace(commands[2]), " ")
		_, address := serve(t, keyEnv(defaultKey), flag)
		if page := scrape(t, address); up(page, "default") != "1" {
			t.Errorf("up is %q", up(page, "default"))
		}
	})
	t.Run("prints the key of a person, which also reads it", func(t *testing.T) {
		if out, err := shell(commands[3], commands[1]); !strings.HasSuffix(out, "\ndefault needs an export\n") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("prints no download secret", func(t *testing.T) {
		p.Stop()
		text := p.Stdout.String()
		if !strings.Contains(text, `"moving"`) || strings.Contains(text, scenario.DownloadSecret) {
			t.Errorf("stdout:\n%s", text)
		}
		if p.Stderr.String() != "" {
			t.Errorf("stderr:\n%s", p.Stderr)
		}
	})
}
