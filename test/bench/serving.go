package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// connections is the number of clients that scrape at the same time.
const connections = 8

// served is the result for a server of metrics.
type served struct {
	Name      string
	PerSecond float64
	// CPU is the server's CPU time per request.
	CPU time.Duration
}

// asPrometheus contains the headers that Prometheus sends. plain requests uncompressed text.
var (
	asPrometheus = http.Header{
		"Accept": {
			"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6," +
				"application/openmetrics-text;version=0.0.1;q=0.5," +
				"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		},
		"Accept-Encoding":                     {"gzip"},
		"X-Prometheus-Scrape-Timeout-Seconds": {"10"},
	}
	plain = http.Header{"Accept": {"text/plain"}}
)

// serve scrapes a server as fast as it answers, in plain text and as Prometheus does.
func serve(ctx context.Context, name, url string, process int, d time.Duration) ([]served, error) {
	var all []served
	for manner, header := range map[string]http.Header{"plain text": plain, "gzip": asPrometheus} {
		s, err := serveFor(ctx, url, header, process, connections, d)
		if err != nil {
			return nil, err
		}
		s.Name = name + ", " + manner
		all = append(all, s)
	}
	return all, nil
}

func serveFor(ctx context.Context, url string, header http.Header, process, connections int, d time.Duration) (served, error) {
	before, err := processorTimeOf(process)
	if err != nil {
		return served{}, err
	}
	began := time.Now()
	n, err := scrapeUntil(ctx, url, header, connections, began.Add(d))
	if err != nil {
		return served{}, err
	}
	took := time.Since(began)
	after, err := processorTimeOf(process)
	return served{PerSecond: float64(n) / took.Seconds(), CPU: (after - before) / time.Duration(n)}, err
}

// scrapeUntil scrapes until the deadline and returns the number of scrapes.
func scrapeUntil(ctx context.Context, url string, header http.Header, connections int, deadline time.Time) (int, error) {
	client := newScraper(connections)
	defer client.CloseIdleConnections()
	var (
		mu     sync.Mutex
		total  int
		failed error
		done   sync.WaitGroup
	)
	for range connections {
		done.Go(func() {
			n := 0
			var err error
			for ; err == nil && time.Now().Before(deadline); n++ {
				err = scrape(ctx, client, url, header, io.Discard)
			}
			mu.Lock()
			defer mu.Unlock()
			total += n
			if err != nil {
				failed = err
			}
		})
	}
	done.Wait()
	return total, failed
}

func newScraper(connections int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true}}
}

// scrape copies the body of a scrape, without decompressing it.
func scrape(ctx context.Context, client *http.Client, url string, header http.Header, into io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	request.Header = header
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("scrape: %s", response.Status)
	}
	_, err = io.Copy(into, response.Body)
	return err
}

// samples scrapes and returns the values by series, in the text format.
func samples(ctx context.Context, client *http.Client, url string) (map[string]string, error) {
	var text strings.Builder
	if err := scrape(ctx, client, url, plain, &text); err != nil {
		return nil, err
	}
	found := make(map[string]string)
	for line := range strings.Lines(text.String()) {
		if cut := strings.LastIndexByte(line, ' '); cut > 0 && line[0] != '#' {
			found[line[:cut]] = strings.TrimSpace(line[cut:])
		}
	}
	return found, nil
}
