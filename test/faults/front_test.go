package faults_test

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"alicdn_export_exporter/internal/credentials/credentialstest"
)

// front passes connections on to a server, unless a fault takes them over.
type front struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	fault func(net.Conn) // nil for none; the connection is closed when it returns
	open  map[net.Conn]bool
}

func newFront(c *cell, target string) *front {
	c.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.Fatal(err)
	}
	f := &front{listener: listener, target: target, open: make(map[net.Conn]bool)}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { f.serve(conn) })
		}
	})
	c.Cleanup(func() { _ = listener.Close(); f.closeConnections(); serving.Wait() })
	c.closers = append(c.closers, f.closeConnections)
	return f
}

// address returns the host and the port of the front.
func (f *front) address() string { return f.listener.Addr().String() }

// breaks lets the fault take over every connection. It returns what ends that.
func (f *front) breaks(fault func(net.Conn)) (end func()) {
	f.set(fault)
	return func() { f.set(nil) }
}

func (f *front) set(fault func(net.Conn)) {
	f.mu.Lock()
	f.fault = fault
	f.mu.Unlock()
	f.closeConnections()
}

func (f *front) closeConnections() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for conn := range f.open {
		_ = conn.Close()
	}
}

func (f *front) serve(conn net.Conn) {
	f.mu.Lock()
	fault := f.fault
	f.open[conn] = true
	f.mu.Unlock()
	defer func() {
		_ = conn.Close()
		f.mu.Lock()
		delete(f.open, conn)
		f.mu.Unlock()
	}()
	if fault == nil {
		pass(conn, f.target)
		return
	}
	_ = conn.SetDeadline(time.Now().Add(2 * patience))
	fault(conn)
}

// pass connects a connection with a server until one of them closes it.
func pass(conn net.Conn, target string) {
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, conn)
		_ = server.Close()
	}()
	_, _ = io.Copy(conn, server)
}

// hold reads from a connection until the client closes it.
func hold(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// says returns a fault that answers the first bytes of each connection with a text, and then holds the connection.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, text)
		hold(conn)
	}
}

// secured is an API that is reached over TLS.
type secured struct {
	authority *credentialstest.Authority
	host      string
	address   string
}

// serveTLS serves the API over TLS and HTTP/2 with a certificate for a host, and makes the program trust it.
func (c *cell) serveTLS(host string) secured {
	c.Helper()
	authority, err := credentialstest.NewAuthority(c.TempDir())
	if err != nil {
		c.Fatal(err)
	}
	c.env = append(c.env, authority.Env()...)
	certificate, err := authority.Issue(host, time.Now().Add(time.Hour))
	if err != nil {
		c.Fatal(err)
	}
	s := secured{authority: authority, host: host}
	s.address = c.serveWith(&tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	return s
}

// serveWith serves the API with settings for TLS.
func (c *cell) serveWith(config *tls.Config) (address string) {
	c.Helper()
	server := httptest.NewUnstartedServer(c.world)
	server.EnableHTTP2 = true
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	c.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	c.closers = append(c.closers, server.CloseClientConnections)
	return server.Listener.Addr().String()
}

// at returns a host with the port of an address.
func at(host, address string) string {
	return host + address[strings.LastIndexByte(address, ':'):]
}
