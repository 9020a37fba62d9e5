package faults_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// programFaults are signals to the program, and what is wrong with its output and its limits.
func programFaults() []fault {
	return []fault{
		{kind: 27, name: "sigterm", run: (*cell).runSIGTERM},
		{
			kind: 38, name: "log_reader_gone", want: tolerated,
			prepare: func(c *cell) {
				read, write, err := os.Pipe()
				c.must(err)
				c.Cleanup(func() { _ = read.Close(); _ = write.Close() })
				plain := c.command
				c.command = func(args []string) *exec.Cmd {
					command := plain(args)
					command.Stderr = write
					return command
				}
				c.launched = func() { go func() { _, _ = io.Copy(c.program.Stderr, read) }(); _ = write.Close() }
				c.log = read
				if c.scenario == cold { // The address is in the log.
					c.listen = freeAddress(c)
				}
			},
			begin: func(c *cell) func() {
				c.must(c.log.Close())
				return func() {}
			},
		},
		{kind: 38, name: "disk_full", want: tolerated, begin: nothing, prepare: func(c *cell) {
			c.listen = freeAddress(c)
			c.shell(`exec "$@" >/dev/full 2>&1`)
		}},
		{kind: 38, name: "output_closed", want: tolerated, begin: nothing, prepare: func(c *cell) {
			c.listen = freeAddress(c)
			c.shell(`exec "$@" >&- 2>&-`)
		}},
		{
			kind: 38, name: "few_file_descriptors", want: either,
			prepare: func(c *cell) {
				if c.scenario == cold {
					c.shell(`ulimit -S -n 32 && exec "$@"`)
				}
			},
			begin: func(c *cell) func() {
				limit := func(n uint64) {
					pid := c.program.Command.Process.Pid
					c.must(unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: 4096}, nil))
				}
				if c.scenario != cold {
					limit(32)
				}
				return func() { limit(4096) }
			},
		},
		{kind: 39, name: "body_never_sent_then_sigterm", run: (*cell).runHalfRequests},
	}
}

func nothing(*cell) func() { return func() {} }

// shell runs the program by a shell script, whose arguments are the command.
func (c *cell) shell(script string) {
	c.command = func(args []string) *exec.Cmd {
		return exec.Command("sh", append([]string{"-c", script, "sh", exporter}, args...)...)
	}
}

// freeAddress returns an address on which nothing listens.
func freeAddress(c *cell) string {
	c.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// runSIGTERM ends the program while it reads its list, and while scrapers wait for that.
func (c *cell) runSIGTERM() {
	c.flags["api.timeout"], c.flags["refresh.timeout"] = "10m", "10m"
	held := make(chan struct{}, 1000)
	hold := func() {
		c.world.setFault(func(_ *world, _ http.ResponseWriter, r *http.Request) {
			held <- struct{}{}
			<-r.Context().Done()
		})
	}
	if c.scenario == cold {
		hold()
	}
	c.start()
	if c.scenario != cold {
		c.scrapeUntil("a snapshot", func(p page) bool { return c.isWell(p, c.world.model.began) })
	}
	switch c.scenario {
	case cold:
	case listing:
		c.world.onPage2(hold)
	default:
		hold()
	}

	for began := time.Now(); len(held) == 0; { // Not every scrape begins a refresh.
		c.glance()
		if time.Since(began) > patience {
			c.Fatal("no refresh began")
		}
	}
	var clients sync.WaitGroup
	waiting := 1
	if c.scenario == scrapers {
		waiting = 50
	}
	var sent atomic.Int64
	traced := httptrace.WithClientTrace(c.Context(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { sent.Add(1) },
	})
	canceled, cancel := context.WithCancel(traced)
	defer cancel()
	for n := range waiting {
		clients.Go(func() {
			if n%5 == 1 {
				if _, _, err := c.get(canceled, http.MethodGet, "/metrics", timeoutHeader("60")); err == nil {
					c.Error("a canceled scrape was answered")
				}
				return
			}
			ctx, cancel := context.WithTimeout(traced, patience)
			defer cancel()
			status, text, err := c.get(ctx, http.MethodGet, "/metrics", timeoutHeader("60"))
			if err != nil || status != http.StatusOK {
				c.Errorf("I1: a scrape in flight is answered with status %d, %v", status, err)
				return
			}
			c.judge(parsePage(text))
		})
	}
	for began := time.Now(); sent.Load() < int64(waiting) || c.requestsRead() < waiting; { // All of them are in flight.
		if time.Since(began) > patience {
			c.Fatal("the scrapers do not reach the program")
		}
	}
	cancel()
	if c.scenario == reload {
		c.writeConfig()
		clients.Go(func() {
			ctx, cancel := context.WithTimeout(c.Context(), drainTimeout)
			defer cancel()
			_, _, _ = c.get(ctx, http.MethodPost, "/-/reload", nil)
		})
	}
	c.expectEnd()
	clients.Wait()
}

// requestsRead returns the number of connections to the program from which it has read all that was sent.
func (c *cell) requestsRead() (n int) {
	c.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	c.must(err)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(c.address, "http://"))
	c.must(err)
	number, err := strconv.Atoi(port)
	c.must(err)
	for line := range strings.Lines(string(table)) {
		const established, inode = "01", 9
		fields := strings.Fields(line)
		if len(fields) > inode && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", number)) &&
			fields[3] == established &&
			strings.HasSuffix(fields[4], ":00000000") && fields[inode] != "0" {
			n++
		}
	}
	return n
}

// expectEnd sends SIGTERM. The program must exit with status 0 in time.
func (c *cell) expectEnd() {
	c.Helper()
	signaled := time.Now()
	c.program.Signal(syscall.SIGTERM)
	if status := c.program.Wait(); status != 0 {
		c.Errorf("exit status %d, want 0", status)
	}
	if took := time.Since(signaled); took > drainTimeout {
		c.Errorf("it took %s to end", took)
	}
}

// runHalfRequests ends the program while clients hold requests whose bodies never come.
func (c *cell) runHalfRequests() {
	if c.scenario == cold {
		c.world.setFault(func(_ *world, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	}
	c.start()
	switch c.scenario {
	case cold:
	default:
		c.scrapeUntil("a snapshot", func(p page) bool { return c.isWell(p, c.world.model.began) })
	}
	if c.scenario == listing {
		c.world.setFault(func(w *world, rw http.ResponseWriter, r *http.Request) {
			if pageNumber(r) == 2 {
				<-r.Context().Done()
			}
			w.api.ServeHTTP(rw, r)
		})
	}
	for _, request := range []string{
		"GET /-/healthy HTTP/1.1\r\nHost: exporter\r\nContent-Length: 1000\r\n\r\n",
		"GET /metrics HTTP/1.1\r\nHost: exporter\r\nContent-Length: 1000\r\n\r\nhalf",
		"POST /-/reload HTTP/1.1\r\nHost: exporter\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		"GET /metrics HTTP/1.1\r\nHost: exporter\r\nX-Half: ",
		"GET / HTTP/1.1\r\nHost: exporter\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.address, "http://"))
		if err != nil {
			c.Fatal(err)
		}
		c.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, request)
		c.must(err)
	}
	switch c.scenario {
	case reload:
		c.writeConfig()
		c.reload()
	case scrapers:
		c.scrapeAtOnce()
	default:
		c.glance()
	}
	c.expectEnd()
}
