package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestReloadAccounts(t *testing.T) {
	t.Parallel()
	aAPI, a := serveScenario(t, "healthy")
	bAPI, b := serveScenario(t, "healthy")
	_, c := serveScenario(t, "healthy")
	_, d := serveScenario(t, "denied")
	file := writeFile(t, "exporter.yml",
		"accounts: [{name: a, endpoint: %q}, {name: b, endpoint: %q}, {name: c, endpoint: %q}]", a, b, c)
	_, address := serve(t, keyEnv(defaultKey), "--config.file="+file, "--web.enable-lifecycle", "--cache.ttl=59m")
	before := scrape(t, address)
	expectSamples(t, before, map[string]string{
		metric("up", "a"): "1", metric("up", "b"): "1", metric("up", "c"): "1", "config_last_reload_successful": "1",
	})
	aCalls, bCalls := aAPI.Calls(), bAPI.Calls()

	overwrite(t, file,
		"accounts: [{name: d, endpoint: %q}, {name: b, endpoint: %q, rate_limit: 7}, {name: a, endpoint: %q}]", d, b, a)
	reload(t, address)
	after := scrape(t, address)
	t.Run("keeps an account that did not change", func(t *testing.T) {
		expectSamples(t, after, map[string]string{
			metric("refreshes_total", "a"):            "1",
			metric("up", "a"):                         "1",
			metric("snapshot_timestamp_seconds", "a"): sample(before, metric("snapshot_timestamp_seconds", "a")),
			metric("api_requests_total", "a"):         sample(before, metric("api_requests_total", "a")),
		})
		if n := aAPI.Calls(); n != aCalls {
			t.Errorf("%d more requests, want 0", n-aCalls)
		}
	})
	t.Run("replaces an account that changed", func(t *testing.T) {
		expectSamples(t, after, map[string]string{
			metric("refreshes_total", "b"):                    "1",
			metric("up", "b"):                                 "1",
			`api_rate_limit_requests_per_second{account="b"}`: "7",
		})
		if n := bAPI.Calls(); n != 2*bCalls {
			t.Errorf("%d requests, want %d again", n-bCalls, bCalls)
		}
	})
	t.Run("removes an account", func(t *testing.T) {
		if strings.Contains(after, `account="c"`) {
			t.Errorf("account c is still on the page:\n%s", after)
		}
	})
	t.Run("adds an account", func(t *testing.T) {
		failures := sample(after, metric("refresh_failures_total", "d"))
		expectSamples(t, after, map[string]string{
			metric("up", "d"): "0",
			`api_errors_total{account="d",class="denied",code="NoPermission",export="usage"}`: failures,
			"config_last_reload_successful": "1",
		})
	})
}

// A failed reload keeps the accounts and their snapshots.
func TestReloadFailure(t *testing.T) {
	t.Parallel()
	api, endpoint := serveScenario(t, "healthy")
	good := fmt.Sprintf("accounts: [{name: a, endpoint: %q}]", endpoint)
	file := writeFile(t, "exporter.yml", "%s", good)
	p, address := serve(t, keyEnv(defaultKey), "--config.file="+file, "--web.enable-lifecycle", "--cache.ttl=59m")
	scrape(t, address)
	calls := api.Calls()
	for name, tc := range map[string]struct{ content, want string }{
		"an unknown key": {"accounts:\n- nam: a\n", "exporter.yml:2: accounts[0].nam: " + unknownKey},
		"a duplicate name": {
			fmt.Sprintf("accounts:\n- {name: a, endpoint: %q}\n- name: a\n", endpoint),
			`exporter.yml:3: accounts[1].name: duplicate account name "a" (also accounts[0])`,
		},
		"half of a file": {good[:len(good)/2], "exporter.yml:1: did not find expected"},
		"an empty file":  {"", "exporter.yml:1: accounts: must list at least one account"},
		"no file":        {noFile, "no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.content == noFile {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			} else {
				overwrite(t, file, "%s", tc.content)
			}
			failures := strings.Count(p.Stderr.String(), reloadFailed)
			resp := do(t, http.MethodPost, address+"/-/reload")
			if resp.status != http.StatusInternalServerError || !strings.Contains(resp.body, tc.want) {
				t.Errorf("status %d: %s", resp.status, resp.body)
			}
			expectSamples(t, scrape(t, address), map[string]string{
				"config_last_reload_successful":          "0",
				metric("up", "a"):                        "1",
				metric("refreshes_total", "a"):           "1",
				metric("tasks", "a", `status="unknown"`): "0",
			})
			p.Stderr.Await(t, fmt.Sprintf(`(?s)(?:level=error [^\n]*msg=%q err=.*){%d}`, reloadFailed, failures+1))
			overwrite(t, file, "%s", good)
			reload(t, address)
		})
	}
	expectSamples(t, scrape(t, address), map[string]string{"config_last_reload_successful": "1"})
	if n := api.Calls(); n != calls {
		t.Errorf("reloads of the same account made %d requests, want 0", n-calls)
	}
}

// noFile, in place of a content, means that the file is removed.
const noFile = "\x00"

func TestReloadOnHangup(t *testing.T) {
	t.Parallel()
	t.Run("with a file", func(t *testing.T) {
		t.Parallel()
		_, endpoint := serveScenario(t, "healthy")
		file := writeFile(t, "exporter.yml", "accounts: [{name: a, endpoint: %q}]", endpoint)
		p, address := serve(t, keyEnv(defaultKey), "--config.file="+file)
		overwrite(t, file, "accounts: [{name: a, endpoint: %q}, {name: b, endpoint: %q}]", endpoint, endpoint)
		p.Signal(syscall.SIGHUP)
		p.Stderr.Await(t, `msg="Configuration loaded" (accounts=2 added_or_changed=1 removed_or_changed=0)`)
		expectReload := func(successful string) {
			t.Helper()
			expectSamples(t, scrape(t, address), map[string]string{
				metric("up", "b"): "1", "config_last_reload_successful": successful,
			})
		}
		expectReload("1")
		overwrite(t, file, "accounts: 5")
		p.Signal(syscall.SIGHUP)
		p.Stderr.Await(t, reloadFailed+`.*accounts: must be a list`)
		expectReload("0")
		resp := do(t, http.MethodPost, address+"/-/reload")
		if resp.status != http.StatusForbidden || !strings.Contains(resp.body, "--web.enable-lifecycle") {
			t.Errorf("POST /-/reload: status %d: %s", resp.status, resp.body)
		}
	})
	t.Run("without a file", func(t *testing.T) {
		t.Parallel()
		p, address := serve(t, nil, "--demo", "--cache.ttl=59m")
		before := scrape(t, address)
		p.Signal(syscall.SIGHUP)
		if accounts := p.Stderr.Await(t, fmt.Sprintf(reloaded, 0, 0)); accounts != "3" {
			t.Errorf("%s accounts, want 3", accounts)
		}
		requests := metric("api_requests_total", "demo-fine")
		expectSamples(t, scrape(t, address), map[string]string{
			requests: sample(before, requests), "config_last_reload_successful": "1",
		})
	})
}

// Kubernetes replaces the symbolic link ..data when it updates a mounted ConfigMap.
func TestReloadAutomatically(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a minute: each change is loaded after at most 20 seconds")
	}
	_, endpoint := serveScenario(t, "healthy")
	dir := t.TempDir()
	versions := 0
	publish := func(content string) {
		t.Helper()
		versions++
		version, next := filepath.Join(dir, fmt.Sprintf("..%d", versions)), filepath.Join(dir, "..data_tmp")
		if err := errors.Join(
			os.Mkdir(version, 0o700),
			os.WriteFile(filepath.Join(version, "config.yml"), []byte(content), 0o600),
			os.Symlink(version, next),
			os.Rename(next, filepath.Join(dir, "..data")),
		); err != nil {
			t.Fatal(err)
		}
	}
	good := fmt.Sprintf("accounts: [{name: a, endpoint: %q}]", endpoint)
	publish(good)
	file := filepath.Join(dir, "config.yml")
	if err := os.Symlink("..data/config.yml", file); err != nil {
		t.Fatal(err)
	}
	p, address := serve(t, append(keyEnv(defaultKey), "ALICDN_EXPORT_EXPORTER_CONFIG_ENABLE_AUTO_RELOAD=true"),
		"--config.file="+file)
	publish(fmt.Sprintf("accounts: [{name: a, endpoint: %q}, {name: b, endpoint: %q}]", endpoint, endpoint))
	p.Stderr.Await(t, `msg="Configuration loaded" (accounts=2 added_or_changed=1 removed_or_changed=0)`)
	scrapeUntilUp(t, address, "b")
	publish("accounts: 5")
	p.Stderr.Await(t, reloadFailed+`.*accounts: must be a list`)
	expectSamples(t, scrape(t, address), map[string]string{
		metric("up", "a"): "1", metric("up", "b"): "1", "config_last_reload_successful": "0",
	})
	publish(good)
	p.Stderr.Await(t, `msg="Configuration loaded" (accounts=1 added_or_changed=0 removed_or_changed=1)`)
	expectSamples(t, scrape(t, address), map[string]string{"config_last_reload_successful": "1"})
}

// A scrape during a reload shows complete accounts.
func TestReloadDuringScrapes(t *testing.T) {
	t.Parallel()
	_, endpoint := serveScenario(t, "healthy")
	file := writeFile(t, "exporter.yml", "accounts: [{name: a, endpoint: %q}]", endpoint)
	_, address := serve(t, keyEnv(defaultKey),
		"--config.file="+file, "--web.enable-lifecycle", "--cache.ttl=0s", "--api.rate-limit=1000")
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
				page := scrape(t, address)
				if sample(page, metric("tasks", "b", `status="success"`)) != "" && up(page, "b") == "" {
					t.Errorf("account b is incomplete:\n%s", page)
				}
				if sample(page, metric("refreshes_total", "a")) == "" {
					t.Errorf("account a is missing:\n%s", page)
				}
			}
		})
	}
	for n := range 40 {
		if n%2 == 0 {
			overwrite(t, file,
				"accounts: [{name: a, endpoint: %q}, {name: b, endpoint: %q, rate_limit: %d}]", endpoint, endpoint, n+1)
		} else {
			overwrite(t, file, "accounts: [{name: a, endpoint: %q}]", endpoint)
		}
		if resp := do(t, http.MethodPost, address+"/-/reload"); resp.status != http.StatusOK {
			t.Errorf("POST /-/reload: status %d: %s", resp.status, resp.body)
		}
	}
	close(done)
	scrapes.Wait()
	if page := scrape(t, address); strings.Contains(page, `account="b"`) {
		t.Errorf("account b is still on the page:\n%s", page)
	}
}

// Reloads do not reset an account's rate limit, however often they change the account.
func TestReloadRateLimit(t *testing.T) {
	t.Parallel()
	api, endpoint := serveScenario(t, "healthy")
	const account = `accounts:
- {name: a, endpoint: %q, rate_limit: 1, expectations: [{name: n%d, export: usage, every: month}]}
`
	file := writeFile(t, "exporter.yml", account, endpoint, 0)
	_, address := serve(t, keyEnv(defaultKey), "--config.file="+file, "--web.enable-lifecycle")
	began := time.Now()
	for n := range 30 {
		overwrite(t, file, account, endpoint, n+1)
		reload(t, address)
		get(t, address+"/metrics", scrapeTimeout("0.02"))
	}
	if n, most := float64(api.Calls()), time.Since(began).Seconds()+1; n > most {
		t.Errorf("%v requests, want at most %v at 1 per second", n, most)
	}
}

// After a change of any setting, the exporter reads the account's list again.
func TestReloadSettings(t *testing.T) {
	t.Parallel()
	settings := []string{
		"rate_limit: 7", "time_zone: UTC", "exports: [usage, usage_detail]", "credentials: {type: default}",
		"expectations: [{name: n, export: usage, every: month}]",
	}
	calls := make([]func() int, len(settings))
	original, changed := "accounts:\n", "accounts:\n"
	for i, setting := range settings {
		api, endpoint := serveScenario(t, "healthy")
		calls[i] = api.Calls
		account := fmt.Sprintf("- {name: a%d, endpoint: %q", i, endpoint)
		original += account + "}\n"
		changed += account + ", " + setting + "}\n"
	}
	file := writeFile(t, "exporter.yml", "%s", original)
	_, address := serve(t, keyEnv(defaultKey), "--config.file="+file, "--web.enable-lifecycle")
	scrape(t, address)
	callsDuringReload := func() (more []int) {
		for _, count := range calls {
			more = append(more, -count())
		}
		reload(t, address)
		scrape(t, address)
		for i, count := range calls {
			more[i] += count()
		}
		return more
	}
	overwrite(t, file, "%s", changed)
	afterChange, unchanged := callsDuringReload(), callsDuringReload()
	for i, setting := range settings {
		t.Run(setting, func(t *testing.T) {
			if afterChange[i] == 0 {
				t.Error("no request after the change")
			}
			if unchanged[i] != 0 {
				t.Errorf("a reload of the same file made %d requests, want 0", unchanged[i])
			}
		})
	}
}
