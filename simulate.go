package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/scenario"
)

// demo is a simulated API on a loopback port, and the key to it: all of the way to
// the API is the real one.
type demo struct {
	endpoint    string
	credentials apiclient.CredentialsProvider
	close       func()
}

func startDemo(ctx context.Context) (*demo, error) {
	api, err := scenario.New("healthy", simulator.Options{})
	if err != nil {
		return nil, err
	}
	address, closeServer, err := serveHTTP(ctx, "127.0.0.1:0", api)
	if err != nil {
		return nil, err
	}
	return &demo{endpoint: "http://" + address, close: closeServer, credentials: apiclient.StaticCredentials{
		AccessKeyID:     simulator.DefaultAccessKeyID,
		AccessKeySecret: simulator.DefaultAccessKeySecret,
		Provider:        "the demo",
	}}, nil
}

// serveSimulator serves a scenario until the context ends.
func serveSimulator(ctx context.Context, scenarioName, address string, out io.Writer) error {
	api, err := scenario.New(scenarioName, simulator.Options{})
	if err != nil {
		return err
	}
	served, closeServer, err := serveHTTP(ctx, address, api)
	if err != nil {
		return err
	}
	defer closeServer()
	_, err = fmt.Fprintf(out, `Serving the scenario %q. In another terminal:

  export ALIBABA_CLOUD_ACCESS_KEY_ID=%s ALIBABA_CLOUD_ACCESS_KEY_SECRET=%s
  %s --api.endpoint=http://%s
`, scenarioName, simulator.DefaultAccessKeyID, simulator.DefaultAccessKeySecret, os.Args[0], served)
	<-ctx.Done()
	return err
}

func serveHTTP(ctx context.Context, address string, handler http.Handler) (served string, closeServer func(), err error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // Always http.ErrServerClosed: nothing else ends it.
	}()
	return listener.Addr().String(), func() { _ = server.Close(); <-ended }, nil
}
