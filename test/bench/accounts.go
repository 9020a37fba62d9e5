package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fleet is the result for a daemon with a number of accounts.
type fleet struct {
	Accounts, Series int
	// FirstScrape is the duration of the first scrape, before anything was read. Cold is the time until
	// every account had been read.
	FirstScrape, Cold time.Duration
	// Calls is the number of API calls until then, and MaxInFlight the highest number at the same time.
	Calls, MaxInFlight int
	// Warm are the durations of scrapes as Prometheus makes them, while no refresh is due. Sent is the
	// size of one response in bytes.
	Warm []time.Duration
	CPU  time.Duration // of one warm scrape
	Sent int
	// Page is the duration of a request for the status page, Reload that of a reload of the unchanged file.
	Page, Reload time.Duration
	// Resident and Peak are the daemon's memory at the end and at its highest, in bytes, after several
	// refreshes of all accounts with scrapes.
	Resident, Peak int64
}

func (f fleet) warm() time.Duration {
	return slices.Sorted(slices.Values(f.Warm))[(len(f.Warm)-1)/2]
}

// fleetTTL leaves time for warm scrapes between two refreshes.
const fleetTTL = 15 * time.Second

// measureFleets starts a daemon with default flags for each number of accounts.
func measureFleets(ctx context.Context, p plan, progress io.Writer) ([]fleet, error) {
	api, err := startAPI(ctx, apiSpec{Sizes: []int{p.FleetTasks}, Latency: p.Latency})
	if err != nil {
		return nil, err
	}
	defer api.stop()
	program, err := build(ctx, api.folder)
	if err != nil {
		return nil, err
	}
	var fleets []fleet
	for _, accounts := range p.Fleets {
		_, _ = fmt.Fprintf(progress, "the daemon with %d accounts\n", accounts)
		f, err := measureFleet(ctx, p, api, program, accounts)
		if err != nil {
			return nil, fmt.Errorf("%d accounts: %w", accounts, err)
		}
		fleets = append(fleets, f)
	}
	return fleets, nil
}

func measureFleet(ctx context.Context, p plan, api *apiServer, program string, accounts int) (fleet, error) {
	f := fleet{Accounts: accounts}
	file := filepath.Join(api.folder, "accounts.yml")
	if err := os.WriteFile(file, []byte(fleetConfig(accounts)), 0o600); err != nil {
		return f, err
	}
	if _, err := api.taken(ctx, p.FleetTasks, 0); err != nil {
		return f, err
	}
	running, err := startDaemon(ctx, program, api.Plain[p.FleetTasks], fleetEnvironment(accounts),
		"--config.file="+file, "--web.enable-lifecycle", "--cache.ttl="+fleetTTL.String())
	if err != nil {
		return f, err
	}
	defer running.stop()
	client := newScraper(1)

	began := time.Now()
	page, err := scrapeUntilRefreshed(ctx, client, running.url, accounts, 1, func() {
		if f.FirstScrape == 0 {
			f.FirstScrape = time.Since(began)
		}
	})
	if err != nil {
		return f, err
	}
	f.Cold, f.Series = time.Since(began), len(page)
	taken, err := api.taken(ctx, p.FleetTasks, 0)
	if err != nil {
		return f, err
	}
	f.Calls, f.MaxInFlight = taken.Count, taken.MaxInFlight

	before, err := processorTimeOf(running.cmd.Process.Pid)
	if err != nil {
		return f, err
	}
	for range p.WarmScrapes {
		var sent byteCounter
		began := time.Now()
		if err := scrape(ctx, client, running.url, asPrometheus, &sent); err != nil {
			return f, err
		}
		f.Warm, f.Sent = append(f.Warm, time.Since(began)), int(sent)
	}
	after, err := processorTimeOf(running.cmd.Process.Pid)
	if err != nil {
		return f, err
	}
	f.CPU = (after - before) / time.Duration(p.WarmScrapes)
	base := strings.TrimSuffix(running.url, "/metrics")
	if f.Page, err = requestDuration(ctx, client, http.MethodGet, base+"/"); err != nil {
		return f, err
	}
	if f.Reload, err = requestDuration(ctx, client, http.MethodPost, base+"/-/reload"); err != nil {
		return f, err
	}
	if taken, err = api.taken(ctx, p.FleetTasks, 0); err != nil || taken.Count > 0 {
		return f, errors.Join(err, fmt.Errorf("%d API calls during warm scrapes, want 0", taken.Count))
	}

	if _, err := scrapeUntilRefreshed(ctx, client, running.url, accounts, 3, func() {}); err != nil {
		return f, err
	}
	process := strconv.Itoa(running.cmd.Process.Pid)
	if f.Resident, err = memoryOf(process, "VmRSS"); err != nil {
		return f, err
	}
	f.Peak, err = peakMemory(process)
	return f, err
}

// fleetConfig returns a configuration file whose accounts each have a key and an expectation.
func fleetConfig(accounts int) string {
	var b strings.Builder
	b.WriteString("accounts:\n")
	for n := range accounts {
		// Accounts with the same settings would share a rate limit.
		fmt.Fprintf(&b, `  - name: account-%04d
    credentials: {type: access_key, access_key_id_env: FLEET_%[1]d_ID, access_key_secret_env: FLEET_%[1]d_SECRET}
    expectations:
      - {name: monthly usage, export: usage, every: month, grace: 72h}
`, n+1)
	}
	return b.String()
}

// fleetEnvironment returns the variables with the accounts' keys.
func fleetEnvironment(accounts int) []string {
	var environment []string
	for n := range accounts {
		environment = append(environment,
			fmt.Sprintf("FLEET_%d_ID=%s", n+1, key.AccessKeyID),
			fmt.Sprintf("FLEET_%d_SECRET=%s", n+1, string(key.AccessKeySecret)))
	}
	return environment
}

// scrapeUntilRefreshed scrapes once a second, and calls scraped each time, until every account has
// been refreshed the given number of times. It returns the samples of the last scrape.
func scrapeUntilRefreshed(
	ctx context.Context, client *http.Client, url string, accounts, times int, scraped func(),
) (map[string]string, error) {
	for {
		page, err := samples(ctx, client, url)
		if err != nil {
			return nil, err
		}
		scraped()
		read := 0
		for name, value := range page {
			if strings.HasPrefix(name, "alicdn_export_refresh_failures_total{") && value != "0" {
				return nil, errors.New("a refresh failed")
			}
			if strings.HasPrefix(name, "alicdn_export_refreshes_total{") {
				if n, err := strconv.Atoi(value); err == nil && n >= times {
					read++
				}
			}
		}
		if read == accounts {
			return page, nil
		}
		time.Sleep(time.Second)
	}
}

// requestDuration makes a request and returns how long it took.
func requestDuration(ctx context.Context, client *http.Client, method, url string) (time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s %s: %s", method, request.URL.Path, response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return time.Since(began), err
}

// byteCounter is the number of bytes written to it.
type byteCounter int

// Write counts b and discards it.
func (c *byteCounter) Write(b []byte) (int, error) {
	*c += byteCounter(len(b))
	return len(b), nil
}

func printFleets(out io.Writer, p plan, fleets []fleet) {
	rows := [][]string{{
		"accounts", "series", "first scrape", "all read after", "calls", "most at a time",
		"warm scrape", "its CPU time", "sent", "status page", "reload", "memory", "peak",
	}}
	for _, f := range fleets {
		rows = append(rows, []string{
			fmt.Sprint(f.Accounts), fmt.Sprint(f.Series), seconds(f.FirstScrape), seconds(f.Cold),
			fmt.Sprint(f.Calls), fmt.Sprint(f.MaxInFlight),
			fmt.Sprintf("%d ms", f.warm().Milliseconds()), fmt.Sprintf("%d ms", f.CPU.Milliseconds()),
			fmt.Sprintf("%d kB", f.Sent/1000),
			fmt.Sprintf("%d ms", f.Page.Milliseconds()), fmt.Sprintf("%d ms", f.Reload.Milliseconds()),
			megabytes(f.Resident), megabytes(f.Peak),
		})
	}
	table(out, fmt.Sprintf("Accounts, %d tasks each, %s per call", p.FleetTasks, p.Latency), rows)
}
