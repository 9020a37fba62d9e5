package scenario

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// Server serves a scenario over HTTP.
type Server struct {
	address string
	http    *http.Server
	ended   chan struct{}
}

// Listen starts to serve a scenario on a TCP address, such as 127.0.0.1:0.
func Listen(ctx context.Context, name, address string) (*Server, error) {
	api, err := New(name, simulator.Options{})
	if err != nil {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Server{
		address: listener.Addr().String(),
		http:    &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second},
		ended:   make(chan struct{}),
	}
	go func() {
		defer close(s.ended)
		_ = s.http.Serve(listener) // Always http.ErrServerClosed: only Close ends it.
	}()
	return s, nil
}

// URL returns the server's address as http://HOST:PORT.
func (s *Server) URL() string { return "http://" + s.address }

// Usage returns the shell commands that make the exporter, called program, read the scenario.
func (s *Server) Usage(program string) string {
	const format = "  export ALIBABA_CLOUD_ACCESS_KEY_ID=%s ALIBABA_CLOUD_ACCESS_KEY_SECRET=%s\n  %s --api.endpoint=%s\n"
	return fmt.Sprintf(format,
		simulator.DefaultAccessKeyID, simulator.DefaultAccessKeySecret, program, s.URL())
}

// Close stops the server and waits until it has stopped.
func (s *Server) Close() {
	_ = s.http.Close()
	<-s.ended
}
