package faults_test

import (
	"crypto/tls"
	"net"
	"time"

	"alicdn_export_exporter/internal/credentials/credentialstest"
)

// tlsFaults are servers that the program must not talk to.
func tlsFaults() []fault {
	const host = "localhost"
	// issued returns settings with a certificate of an authority.
	issued := func(c *cell, authority *credentialstest.Authority, host string, notAfter time.Time) *tls.Config {
		certificate, err := authority.Issue(host, notAfter)
		c.must(err)
		return &tls.Config{Certificates: []tls.Certificate{certificate}}
	}
	tomorrow := func() time.Time { return time.Now().Add(24 * time.Hour) }
	return []fault{
		untrusted(22, "expired_certificate", func(c *cell, trusted *credentialstest.Authority) *tls.Config {
			return issued(c, trusted, host, time.Now().Add(-time.Minute))
		}),
		untrusted(22, "self_signed_certificate", func(c *cell, _ *credentialstest.Authority) *tls.Config {
			stranger, err := credentialstest.NewAuthority(c.TempDir())
			c.must(err)
			return issued(c, stranger, host, tomorrow())
		}),
		untrusted(22, "certificate_of_another_host", func(c *cell, trusted *credentialstest.Authority) *tls.Config {
			certificate, err := trusted.Issue("cdn.example", tomorrow())
			c.must(err)
			return &tls.Config{Certificates: []tls.Certificate{certificate}}
		}),
		untrusted(23, "tls_1_0", func(c *cell, trusted *credentialstest.Authority) *tls.Config {
			config := issued(c, trusted, host, tomorrow())
			config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
			return config
		}),
		overTLS(fault{kind: 23, name: "no_tls", want: refused, code: "tls", class: "network"},
			func(*cell) func(net.Conn) {
				return says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}),
		overTLS(fault{kind: 23, name: "silent_handshake", want: refused, code: "timeout", class: "network"},
			func(*cell) func(net.Conn) {
				return hold
			}),
	}
}

// overTLS returns a fault of connections to an API that is reached over TLS.
func overTLS(f fault, connection func(*cell) func(net.Conn)) fault {
	f.prepare = func(c *cell) {
		c.secured = c.serveTLS("localhost")
		c.front = newFront(c, c.secured.address)
		c.endpoint = at("localhost", c.front.address())
	}
	f.begin = func(c *cell) func() { return c.front.breaks(connection(c)) }
	return f
}

// untrusted returns a fault in which a server with other settings stands in for the API.
func untrusted(kind int, name string, settings func(*cell, *credentialstest.Authority) *tls.Config) fault {
	f := overTLS(fault{kind: kind, name: name, want: refused, code: "tls", class: "network"}, nil)
	prepare := f.prepare
	f.prepare = func(c *cell) {
		prepare(c)
		c.impostor = c.serveWith(settings(c, c.secured.authority))
	}
	f.begin = func(c *cell) func() {
		calls := c.world.count()
		end := c.front.breaks(func(conn net.Conn) { pass(conn, c.impostor) })
		return func() {
			end()
			// A call that was on its way before the fault may still arrive.
			if n := c.world.count() - calls; n > 4 {
				c.Errorf("I3: %d calls were sent to a server that cannot be trusted", n)
			}
		}
	}
	return f
}
