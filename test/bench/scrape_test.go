package main

import (
	"net/http/httptest"
	"testing"
)

// BenchmarkScrape is a cached scrape, the connection left out.
func BenchmarkScrape(b *testing.B) {
	bodies, err := renderPages(pageSize)
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(&api{bodies: bodies})
	defer server.Close()
	handler, c, err := newHandler(server.URL)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	series := countSeries(b.Context(), handler)
	b.ReportAllocs()
	for b.Loop() {
		scrapeDirectly(b.Context(), handler, connections)
	}
	b.ReportMetric(float64(series), "series")
}
