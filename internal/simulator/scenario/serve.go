package scenario

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// Server serves a scenario over HTTP.
type Server struct {
	scenario Scenario
	address  string
	http     *http.Server
	ended    chan struct{}
}

// Listen starts to serve the scenario on a TCP address, such as 127.0.0.1:0.
func (s Scenario) Listen(ctx context.Context, address string) (*Server, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	server := &Server{
		scenario: s,
		address:  reachable(listener.Addr().String()),
		http:     &http.Server{Handler: s.API(simulator.Options{}), ReadHeaderTimeout: 10 * time.Second},
		ended:    make(chan struct{}),
	}
	go func() {
		defer close(server.ended)
		_ = server.http.Serve(listener) // Always http.ErrServerClosed: only Close ends it.
	}()
	return server, nil
}

// reachable returns the address at which a program on this machine reaches a listener. The
// exporter accepts http:// for loopback addresses only.
func reachable(address string) string {
	bound, err := netip.ParseAddrPort(address)
	if err != nil || !bound.Addr().IsUnspecified() {
		return address
	}
	return fmt.Sprintf("127.0.0.1:%d", bound.Port())
}

// Serve serves the named scenario on a TCP address until ctx ends. It prints how people
// can use it (see Usage).
func Serve(ctx context.Context, name, address, args0 string, out io.Writer) error {
	s, err := Find(name)
	if err != nil {
		return err
	}
	server, err := s.Listen(ctx, address)
	if err != nil {
		return err
	}
	defer server.Close()
	_, err = io.WriteString(out, server.Usage(args0))
	<-ctx.Done()
	return err
}

// URL returns the server's address as http://HOST:PORT.
func (s *Server) URL() string { return "http://" + s.address }

// Close stops the server and waits until it has stopped.
func (s *Server) Close() {
	_ = s.http.Close()
	<-s.ended
}
