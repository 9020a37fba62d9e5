package main

import (
	"context"
	"math"
	"time"

	"alicdn_export_exporter/apiclient"
)

// key signs all requests. The API does not verify it.
var key = apiclient.Credentials{AccessKeyID: "LTAIbench", AccessKeySecret: "bench"}

// newClient returns the exporter's own client. A rate of 0 means no limit.
func newClient(url string, concurrency int, rate float64) (*apiclient.Client, error) {
	if rate == 0 {
		rate = math.Inf(1)
	}
	endpoint, err := apiclient.ParseEndpoint(url)
	if err != nil {
		return nil, err
	}
	return apiclient.New(apiclient.Config{
		Endpoint: endpoint, Credentials: apiclient.StaticCredentials(key), Timeout: 30 * time.Second,
		Limiter: apiclient.NewLimiter(rate, concurrency), MaxTasks: math.MaxInt,
		UserAgent: "bench", Transport: apiclient.NewTransport(),
	}), nil
}

// newOurs reads the list with the exporter's own client.
func newOurs(spec listingSpec) (lister, error) {
	client, err := newClient(spec.URL, spec.Contender.Concurrency, spec.Contender.Rate)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (any, int, error) {
		listing, err := client.List(ctx, apiclient.Usage, nil)
		if err != nil {
			return nil, 0, err
		}
		return listing, len(listing.Tasks), nil
	}, nil
}
