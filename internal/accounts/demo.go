package accounts

import (
	"context"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/scenario"
)

// demo is a simulated API on a loopback port, with its key. Clients call it over HTTP, like the real API.
type demo struct {
	endpoint    apiclient.Endpoint
	credentials apiclient.CredentialsProvider
	close       func()
}

func startDemo(ctx context.Context) (*demo, error) {
	server, err := scenario.Listen(ctx, "healthy", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	endpoint, err := apiclient.ParseEndpoint(server.URL())
	if err != nil {
		return nil, err
	}
	return &demo{endpoint: endpoint, close: server.Close, credentials: apiclient.StaticCredentials{
		AccessKeyID:     simulator.DefaultAccessKeyID,
		AccessKeySecret: simulator.DefaultAccessKeySecret,
		Provider:        "the demo",
	}}, nil
}
