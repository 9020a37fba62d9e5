package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"alicdn_export_exporter/test/internal/program"
)

// drainTimeout is how long the program may take to end after a signal.
const drainTimeout = 8 * time.Second

// connect opens a connection to the program and sends it a text.
func connect(t *testing.T, address, text string) net.Conn {
	t.Helper()
	dialer := net.Dialer{Timeout: patience, Control: smallReceiveBuffer}
	connection, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(connection, text); err != nil {
		t.Fatal(err)
	}
	return connection
}

// smallReceiveBuffer keeps responses that are not read out of the kernel's buffers.
func smallReceiveBuffer(_, _ string, connection syscall.RawConn) error {
	var failed error
	err := connection.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
	})
	if err != nil {
		return err
	}
	return failed
}

// readByte waits for the first byte of a response.
func readByte(t *testing.T, connection net.Conn) {
	t.Helper()
	if _, err := connection.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

// manyAccounts returns flags for accounts whose metrics are larger than what the kernel
// buffers for a connection. Nothing answers their calls.
func manyAccounts(t *testing.T) []string {
	t.Helper()
	var file strings.Builder
	file.WriteString("accounts:\n")
	for n := range 400 {
		fmt.Fprintf(&file, "- {name: %03d-%s}\n", n, strings.Repeat("long", 40))
	}
	return []string{
		"--config.file=" + writeFile(t, "exporter.yml", "%s", file.String()),
		"--api.endpoint=http://127.0.0.1:1", "--api.max-retries=0", "--cache.ttl=59m",
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	const get = "GET %s HTTP/1.1\r\nHost: exporter\r\n"
	healthy, metrics := fmt.Sprintf(get, "/-/healthy"), fmt.Sprintf(get, "/metrics")
	for name, tc := range map[string]struct {
		first    string // sent on the connection
		answered bool   // whether the client waits for the first byte of an answer
		then     string // sent after that byte
		flags    func(*testing.T) []string
	}{
		"no byte":                   {},
		"half a request line":       {first: "GET /met"},
		"half a header":             {first: healthy + "X-Half: "},
		"a body that does not come": {first: healthy + "Content-Length: 1000\r\n\r\n"},
		"half a body":               {first: "POST /-/reload HTTP/1.1\r\nHost: exporter\r\nContent-Length: 1000\r\n\r\nhalf"},
		"half a chunk":              {first: healthy + "Transfer-Encoding: chunked\r\n\r\n5\r\nab"},
		"a body that is announced":  {first: healthy + "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n"},
		"an idle connection":        {first: healthy + "\r\n", answered: true},
		"half a second request":     {first: healthy + "\r\n", answered: true, then: metrics + "X-Half: "},
		"a response that is not read": {
			first: metrics + "\r\n", answered: true, flags: manyAccounts,
		},
		"many responses that are not read": {
			first: strings.Repeat(metrics+"\r\n", 5), answered: true, flags: manyAccounts,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags := []string{"--demo"}
			if tc.flags != nil {
				flags = tc.flags(t)
			}
			p, address := serve(t, keyEnv(defaultKey), flags...)
			connection := connect(t, address, tc.first)
			if tc.answered {
				readByte(t, connection)
			}
			if _, err := io.WriteString(connection, tc.then); err != nil {
				t.Fatal(err)
			}
			scrape(t, address)
			p.Signal(syscall.SIGTERM)
			signaled := time.Now()
			if status := p.Wait(); status != 0 {
				t.Errorf("exit status %d, want 0", status)
			}
			if took := time.Since(signaled); took > drainTimeout {
				t.Errorf("it took %s to end, want at most %s", took, drainTimeout)
			}
		})
	}

	t.Run("a second signal ends the program at once", func(t *testing.T) {
		t.Parallel()
		p, address := serve(t, keyEnv(defaultKey), manyAccounts(t)...)
		readByte(t, connect(t, address, metrics+"\r\n"))
		p.Signal(syscall.SIGTERM)
		p.Stderr.Await(t, shuttingDown)
		p.Signal(syscall.SIGTERM)
		p.Wait()
		if status := p.Command.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGTERM {
			t.Errorf("it ended with %v, want SIGTERM's end", status)
		}
	})
}

func TestSignals(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT} {
		t.Run(signal.String()+" ends the program", func(t *testing.T) {
			t.Parallel()
			p, _ := serve(t, nil, "--demo")
			p.Signal(signal)
			if status := p.Wait(); status != 0 {
				t.Errorf("exit status %d, want 0", status)
			}
			log := p.Stderr.String()
			if !strings.Contains(log, shuttingDown) || strings.Contains(log, "goroutine") {
				t.Errorf("log:\n%s", log)
			}
		})
	}

	t.Run("hangup before the flags are read reloads later", func(t *testing.T) {
		t.Parallel()
		flags := filepath.Join(t.TempDir(), "flags")
		if err := syscall.Mkfifo(flags, 0o600); err != nil {
			t.Fatal(err)
		}
		p := start(t, nil, "@"+flags)
		file, err := os.OpenFile(flags, os.O_WRONLY, 0) // Returns when the program has opened it.
		if err != nil {
			t.Fatal(err)
		}
		p.Signal(syscall.SIGHUP)
		if _, err := file.WriteString("--demo\n--web.listen-address=127.0.0.1:0\n"); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		p.Stderr.Await(t, fmt.Sprintf(reloaded, 3, 0))
		p.Stderr.Await(t, fmt.Sprintf(reloaded, 0, 0))
		address := "http://" + p.Stderr.Await(t, program.Listening)
		expectSamples(t, scrape(t, address), map[string]string{"config_last_reload_successful": "1"})
	})

	t.Run("hangup ends simulate", func(t *testing.T) {
		t.Parallel()
		p := start(t, nil, "simulate", "--address=127.0.0.1:0")
		p.Stdout.Await(t, `(--api\.endpoint)`)
		p.Signal(syscall.SIGHUP)
		p.Wait()
		if status := p.Command.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGHUP {
			t.Errorf("it ended with %v, want SIGHUP's end", status)
		}
	})
}

// A client that closes its connection early causes no log line.
func TestScrapeOfClientThatGoes(t *testing.T) {
	t.Parallel()
	p, address := serve(t, nil, append(manyAccounts(t), "--log.level=info")...)
	for range 3 {
		_ = connect(t, address, "GET /metrics HTTP/1.1\r\nHost: exporter\r\n\r\n").Close()
		connection := connect(t, address, "GET /metrics HTTP/1.1\r\nHost: exporter\r\n\r\n")
		readByte(t, connection)
		_ = connection.Close()
	}
	if status := do(t, http.MethodHead, address+"/metrics").status; status != http.StatusOK {
		t.Errorf("HEAD: status %d", status)
	}
	scrape(t, address)
	p.Stop()
	for line := range strings.Lines(p.Stderr.String()) {
		if strings.Contains(line, "level=warn") && !strings.Contains(line, "Refresh failed") {
			t.Errorf("a client that goes is logged: %s", line)
		}
	}
}
