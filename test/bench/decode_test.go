package main

import (
	"bytes"
	"context"
	stdjson "encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/go-json-experiment/json"
	goccy "github.com/goccy/go-json"

	"alicdn_export_exporter/apiclient"
)

// wantedPage contains the fields of a page that the exporter reads: all except the download addresses.
type wantedPage struct {
	UsageDataPerPage struct {
		PageNumber, TotalCount int
		Data                   struct {
			DataItem []struct {
				TaskID     string `json:"TaskId"`
				TaskName   string
				Status     string
				CreateTime string
				UpdateTime string
				TaskConfig period
			}
		}
	}
}

// BenchmarkDecode decodes a page of 50 tasks into the same types with each library.
func BenchmarkDecode(b *testing.B) {
	body := onePage(b)
	for _, library := range []struct {
		name      string
		unmarshal func([]byte, any) error
	}{
		{"encoding_json", stdjson.Unmarshal},
		{"go-json-experiment", func(body []byte, into any) error { return json.Unmarshal(body, into) }},
		{"goccy", goccy.Unmarshal},
	} {
		b.Run(library.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var w wantedPage
				if err := library.unmarshal(body, &w); err != nil || len(w.UsageDataPerPage.Data.DataItem) != pageSize {
					b.Fatal(err)
				}
			}
			perTask(b)
		})
	}
}

// BenchmarkPage measures everything that the client does for a page except the network: sign, read,
// decode, check.
func BenchmarkPage(b *testing.B) {
	body := onePage(b)
	endpoint, err := apiclient.ParseEndpoint("cdn.example.com")
	if err != nil {
		b.Fatal(err)
	}
	client := apiclient.New(apiclient.Config{
		Endpoint: endpoint, Credentials: apiclient.StaticCredentials(key), Timeout: 1 << 40,
		Limiter: apiclient.NewLimiter(1e9, 1), MaxTasks: 1,
		Transport: memoryTransport(body),
	})
	b.ReportAllocs()
	for b.Loop() {
		page, err := client.Page(context.Background(), apiclient.Usage, 1)
		if err != nil || len(page.Tasks) != pageSize {
			b.Fatal(err)
		}
	}
	perTask(b)
}

// onePage returns the JSON of a full page.
func onePage(b *testing.B) []byte {
	b.Helper()
	bodies, err := renderPages(pageSize)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(bodies[0])))
	return bodies[0]
}

// perTask also reports the time per task.
func perTask(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/pageSize, "ns/task")
}

// memoryTransport returns this body for every request.
type memoryTransport []byte

func (t memoryTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Header: make(http.Header), Body: io.NopCloser(bytes.NewReader(t)),
	}, nil
}
