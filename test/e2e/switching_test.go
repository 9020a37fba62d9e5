package e2e_test

import (
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

// switchProtocols starts a server that answers each request with a response of status 101 and
// holds the connection.
func switchProtocols(t *testing.T) (endpoint string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
				_, _ = io.Copy(io.Discard, conn) // Until the client gives up.
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
	return "http://" + listener.Addr().String()
}

// The connection of such a response could be read for ever.
func TestSwitchingProtocols(t *testing.T) {
	t.Parallel()
	endpoint := switchProtocols(t)
	t.Run("check fails", func(t *testing.T) {
		began := time.Now()
		status, stdout, _ := run(t, keyEnv(defaultKey), "check", "--api.endpoint="+endpoint, "--refresh.timeout=3s")
		if status != 1 || time.Since(began) > 10*time.Second {
			t.Errorf("exit status %d after %s:\n%s", status, time.Since(began), stdout)
		}
	})
	t.Run("refreshes, reloads and the shutdown go on", func(t *testing.T) {
		p, address := serve(t, keyEnv(defaultKey), "--api.endpoint="+endpoint, "--cache.ttl=0s", "--web.enable-lifecycle")
		scrapeUntil(t, address, metric("refresh_failures_total", "default"), "3")
		expectSamples(t, scrape(t, address), map[string]string{metric("up", "default"): "0"})
		began := time.Now()
		reload(t, address)
		p.Signal(syscall.SIGTERM)
		if status := p.Wait(); status != 0 || time.Since(began) > 10*time.Second {
			t.Errorf("exit status %d after %s", status, time.Since(began))
		}
	})
}
