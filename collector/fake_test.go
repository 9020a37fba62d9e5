package collector_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
)

// fakeClient returns the results of its functions and counts the calls of Read.
type fakeClient struct {
	list  func(ctx context.Context, export apiclient.Export, previous []string) (*apiclient.Listing, error)
	rate  func() float64
	skew  func() (time.Duration, bool)
	calls atomic.Int64
}

func (c *fakeClient) Read(ctx context.Context, export apiclient.Export, previous []string) (*apiclient.Listing, error) {
	c.calls.Add(1)
	return c.list(ctx, export, previous)
}

func (c *fakeClient) RateLimit() float64 {
	if c.rate == nil {
		return 20
	}
	return c.rate()
}

func (c *fakeClient) ClockSkew() (time.Duration, bool) {
	if c.skew == nil {
		return 0, false
	}
	return c.skew()
}

// lists returns a client whose list has these tasks and takes no time to read.
func lists(tasks ...apiclient.Task) *fakeClient {
	return &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
		return listing(tasks...), nil
	}}
}

// hanging returns a client whose calls end only when they are canceled.
func hanging() *fakeClient {
	return &fakeClient{list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
}

func listing(tasks ...apiclient.Task) *apiclient.Listing {
	return &apiclient.Listing{Tasks: tasks, TotalCount: len(tasks), Began: time.Now()}
}

// standard is the configuration of most tests.
func standard(logger log.Logger) collector.Config {
	return collector.Config{TTL: time.Minute, MaxStale: time.Hour, RefreshTimeout: 10 * time.Minute, Logger: logger}
}

// newMain returns a collector of the usage exports of one account, main.
func newMain(t *testing.T, client collector.Client) *collector.Collector {
	t.Helper()
	return newCollector(t, standard(log.NewNopLogger()), usageOf("main", client))
}

// newCollector returns a collector of accounts. It is closed when the test ends.
func newCollector(t *testing.T, config collector.Config, accounts ...collector.Account) *collector.Collector {
	t.Helper()
	c := collector.New(config)
	c.SetAccounts(accounts)
	t.Cleanup(c.Close)
	return c
}

func usageOf(account string, client collector.Client) collector.Account {
	return collector.Account{Name: account, Client: client, Exports: []apiclient.Export{apiclient.Usage}}
}

// scrape returns every sample. The key is the name with its labels but without its prefix, and
// the value is text.
func scrape(t *testing.T, c prometheus.Collector) map[string]string {
	t.Helper()
	text, err := testutil.CollectAndFormat(c, expfmt.TypeTextPlain, describedNames(c)...)
	if err != nil {
		t.Fatal(err)
	}
	samples := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			cut := strings.LastIndexByte(line, ' ')
			samples[strings.TrimPrefix(line[:cut], "alicdn_export_")] = line[cut+1:]
		}
	}
	return samples
}

// expect compares some of the samples. The value "" means that there is none.
func expect(t *testing.T, c prometheus.Collector, want map[string]string) {
	t.Helper()
	got := scrape(t, c)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

// ofMain returns the name of a sample of the account main and the export usage.
func ofMain(name string, labels ...string) string {
	text := name + `{account="main",export="usage"`
	for pair := range slices.Chunk(labels, 2) {
		text += fmt.Sprintf(",%s=%q", pair[0], pair[1])
	}
	return text + "}"
}

// describedNames returns the names of the metrics that a collector describes.
func describedNames(c prometheus.Collector) []string {
	ch := make(chan *prometheus.Desc)
	go func() {
		defer close(ch)
		c.Describe(ch)
	}()
	var names []string
	for desc := range ch {
		_, rest, _ := strings.Cut(desc.String(), `fqName: "`)
		name, _, _ := strings.Cut(rest, `"`)
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// logBook keeps log lines.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBook) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBook) logger() log.Logger { return log.NewLogfmtLogger(b) }

func task(id string, status apiclient.Status, created, updated apiclient.Timestamp) apiclient.Task {
	return apiclient.Task{ID: id, Status: status, Created: created, Updated: updated}
}

// at parses a moment such as 2026-03-01T00:00:00+08:00.
func at(text string) apiclient.Timestamp {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return apiclient.Timestamp(t.Unix())
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	location, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return location
}
