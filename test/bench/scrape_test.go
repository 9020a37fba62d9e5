package main

import (
	"net/http/httptest"
	"testing"
)

// BenchmarkScrape measures a cached scrape without the connection.
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
