package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// client does not keep connections open.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}

// response is a complete HTTP response.
type response struct {
	status int
	header http.Header
	body   string
}

// do sends a request without a body. The test fails if there is no response.
func do(t *testing.T, method, address string, edits ...func(http.Header)) response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, http.NoBody)
	if err != nil {
		t.Error(err)
		return response{}
	}
	for _, edit := range edits {
		edit(request.Header)
	}
	resp, err := client.Do(request)
	if err != nil {
		t.Error(err)
		return response{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return response{resp.StatusCode, resp.Header, string(body)}
}

// get returns the status and the body of a page.
func get(t *testing.T, address string, edits ...func(http.Header)) (status int, body string) {
	t.Helper()
	resp := do(t, http.MethodGet, address, edits...)
	return resp.status, resp.body
}

// scrape returns the metrics.
func scrape(t *testing.T, address string) (page string) {
	t.Helper()
	status, page := get(t, address+"/metrics")
	if status != http.StatusOK {
		t.Errorf("GET /metrics: status %d", status)
	}
	return page
}

// reload reloads the configuration. It must succeed.
func reload(t *testing.T, address string) {
	t.Helper()
	if resp := do(t, http.MethodPost, address+"/-/reload"); resp.status != http.StatusOK {
		t.Fatalf("POST /-/reload: status %d: %s", resp.status, resp.body)
	}
}

// scrapeTimeout sets the header in which Prometheus sends its scrape timeout.
func scrapeTimeout(seconds string) func(http.Header) {
	return func(h http.Header) { h.Set("X-Prometheus-Scrape-Timeout-Seconds", seconds) }
}

// sample returns the value of a sample, or "" if it is absent. name includes the labels, but not the prefix
// "alicdn_export_".
func sample(page, name string) string {
	for line := range strings.Lines(page) {
		if value, ok := strings.CutPrefix(line, "alicdn_export_"+name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// metric returns a metric's name with the labels of an account and the export "usage". More labels follow those.
func metric(name, account string, more ...string) string {
	return fmt.Sprintf(`%s{account=%q,export="usage"%s}`, name, account, strings.Join(append([]string{""}, more...), ","))
}

// up returns the value of the metric up for an account's export "usage".
func up(page, account string) string { return sample(page, metric("up", account)) }

// expectSamples checks the values of samples. The value "" means that the sample must be absent.
func expectSamples(t *testing.T, page string, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := sample(page, name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

// scrapeUntil scrapes until a sample has this value. One scrape may not be enough, because not every scrape starts a
// refresh.
func scrapeUntil(t *testing.T, address, name, value string) {
	t.Helper()
	var page string
	for began := time.Now(); time.Since(began) < patience; {
		page = scrape(t, address)
		if sample(page, name) == value {
			return
		}
	}
	t.Fatalf("%s is still %q, want %s:\n%s", name, sample(page, name), value, page)
}

// scrapeUntilUp scrapes until up of the account is 1.
func scrapeUntilUp(t *testing.T, address, account string) {
	t.Helper()
	scrapeUntil(t, address, metric("up", account), "1")
}
