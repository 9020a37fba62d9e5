package faults_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// scraperFaults are clients of the program that are slow, many or hostile.
func scraperFaults() []fault {
	const scrape = "GET /metrics HTTP/1.1\r\nHost: exporter\r\nX-Prometheus-Scrape-Timeout-Seconds: 0.1\r\n\r\n"
	return []fault{
		crowd(28, "slow_scrapers", 20, func(ctx context.Context, conn net.Conn) {
			_, _ = io.WriteString(conn, scrape)
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for b := make([]byte, 1); ctx.Err() == nil; {
				if _, err := conn.Read(b); err != nil {
					return
				}
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		}),
		crowd(28, "slow_headers", 200, func(ctx context.Context, conn net.Conn) {
			_, _ = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nX-Half: "+strings.Repeat("h", 7000))
			<-ctx.Done()
		}),
		tenThousand(),
		{
			kind: 29, name: "scrape_timeouts_that_are_none", want: tolerated,
			begin: func(c *cell) func() {
				c.oddTimeouts.Store(true)
				return func() { c.oddTimeouts.Store(false) }
			},
		},
		wrongPasswords(),
		largeRequest("url_of_1_mb", "GET /"+strings.Repeat("u", 1<<20)+" HTTP/1.1\r\nHost: exporter\r\n\r\n"),
		largeRequest("header_of_1_mb", "GET /metrics HTTP/1.1\r\nHost: exporter\r\nX-Large: "+strings.Repeat("h",
			1<<20)+"\r\n\r\n"),
		largeRequest("10000_headers",
			"GET /metrics HTTP/1.1\r\nHost: exporter\r\n"+strings.Repeat("X-Header: CanaryHeader\r\n", 10_000)+"\r\n"),
		largeRequest("no_http_request", "\x16\x03\x01\x00\xf4CanaryHello\r\n\r\n"),
		manyAccounts(),
		crowd(39, "clients_that_do_not_read", 200, func(ctx context.Context, conn net.Conn) {
			_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			_, _ = io.WriteString(conn, strings.Repeat(scrape, 5))
			<-ctx.Done()
		}),
	}
}

// crowd lets clients connect that do what f does until the fault ends. Whenever a connection ends, another one begins.
func crowd(kind int, name string, n int, f func(context.Context, net.Conn)) fault {
	return fault{kind: kind, name: name, want: tolerated, begin: func(c *cell) func() { return c.crowd(n, f) }}
}

func (c *cell) crowd(n int, f func(context.Context, net.Conn)) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	for range n {
		clients.Go(func() {
			dialer := net.Dialer{Timeout: 5 * time.Second}
			for ctx.Err() == nil {
				c.mu.Lock()
				address := strings.TrimPrefix(c.address, "http://")
				c.mu.Unlock()
				if address == "" { // Not started yet.
					wait(ctx, 10*time.Millisecond)
					continue
				}
				conn, err := dialer.DialContext(ctx, "tcp", address)
				if err != nil {
					continue
				}
				stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
				f(ctx, conn)
				stop()
				_ = conn.Close()
			}
		})
	}
	end = sync.OnceFunc(func() { cancel(); clients.Wait() })
	c.Cleanup(end)
	return end
}

// wait returns after a pause, or when ctx ends.
func wait(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

// tenThousand are idle connections: more than the server keeps open.
func tenThousand() fault {
	f := crowd(28, "10000_idle_connections", 10_000, func(ctx context.Context, _ net.Conn) { <-ctx.Done() })
	f.want, f.late = either, true
	f.prepare = func(c *cell) {
		descriptors.Lock()
		c.Cleanup(descriptors.Unlock)
	}
	return f
}

// descriptors is held by the cell that needs most of what a process may have.
var descriptors sync.Mutex

// oddTimeouts are values of the header that Prometheus does not send.
var oddTimeouts = []string{"NaN", "Inf", "-1", "1e300", "", "0", "-Inf", "1s", strings.Repeat("9", 5000)}

// wrongPasswords flood an exporter that requires one.
func wrongPasswords() fault {
	return fault{
		kind: 30, name: "flood_of_wrong_passwords", want: tolerated,
		prepare: func(c *cell) {
			// The hash is bcrypt's of "open sesame", with the lowest cost.
			file := c.TempDir() + "/web.yml"
			c.write(file, "basic_auth_users: {prometheus: $2a$04$Rzpyxk4vBMiNLfkitR3//efHFmH5iQy/balVqGx3S6vRlh/mWL8d2}\n")
			c.webConfig = file
			request := http.Request{Header: c.header}
			request.SetBasicAuth("prometheus", "open sesame")
		},
		begin: func(c *cell) func() {
			var n atomic.Int64
			return c.crowd(4, func(ctx context.Context, conn net.Conn) {
				request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://exporter/metrics", http.NoBody)
				c.must(err)
				request.Close = true
				request.SetBasicAuth("prometheus", fmt.Sprint("Canary", n.Add(1)))
				if request.Write(conn) != nil {
					return
				}
				text, err := io.ReadAll(conn)
				if err == nil && len(text) > 0 && !strings.HasPrefix(string(text), "HTTP/1.1 401 ") {
					c.Errorf("a wrong password is answered with %q", text)
				}
			})
		},
	}
}

// largeRequest is sent again and again. It must be refused with a short text.
func largeRequest(name, text string) fault {
	return fault{kind: 30, name: name, want: tolerated, begin: func(c *cell) func() {
		return c.crowd(4, func(_ context.Context, conn net.Conn) {
			_, _ = io.WriteString(conn, text) // It ends early if the answer comes early.
			answer, _ := io.ReadAll(conn)
			if len(answer) > 500 || len(answer) > 0 && !strings.HasPrefix(string(answer), "HTTP/1.1 4") {
				c.Errorf("a request of %d bytes is answered with %.1000q", len(text), answer)
			}
		})
	}}
}

// manyAccounts are 200 accounts of the same API. The fault is there from the start.
func manyAccounts() fault {
	return fault{
		kind: 39, name: "200_accounts_and_50_scrapers", want: tolerated, ownIdle: true,
		prepare: func(c *cell) {
			c.rate = 1000
			for n := range 199 {
				c.more += fmt.Sprintf("- {name: a%03d, endpoint: %q, credentials: %s}\n", n, c.endpoint, c.credentials)
			}
			c.flags["cache.ttl"], c.flags["collector.task-info"] = "4s", "0"
			c.world.model.hidden = true
		},
		begin: func(c *cell) func() {
			scrapers := c.crowd(50, func(ctx context.Context, conn net.Conn) {
				_, _ = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: exporter\r\nConnection: close\r\n\r\n")
				_, _ = io.Copy(io.Discard, conn)
				wait(ctx, time.Second)
			})
			return scrapers
		},
	}
}
