package web_test

import (
	"context"
	"io"
	stdlog "log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"alicdn_export_exporter/internal/web"
)

// serveHTTP serves the handler with the limits of a real server.
func serveHTTP(t *testing.T, waiting context.Context, config web.Config) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = web.NewServer(waiting, newHandler(t, config), stdlog.New(io.Discard, "", 0))
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// get makes a request over a connection of its own.
func get(t *testing.T, address string, header ...string) (status int, body string) {
	t.Helper()
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(header, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(text)
}

func TestServer(t *testing.T) {
	t.Run("waiting scrapes are answered when the server stops waiting", func(t *testing.T) {
		waiting, release := context.WithCancel(t.Context())
		defer release()
		arrived := make(chan struct{}, 3)
		config := setting(t)
		config.Refresher = refreshFunc(func(ctx context.Context) {
			arrived <- struct{}{}
			<-ctx.Done()
		})
		server := serveHTTP(t, waiting, config)
		var scrapes sync.WaitGroup
		for range 3 {
			scrapes.Go(func() {
				status, body := get(t, server.URL+"/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "600")
				if status != http.StatusOK || !strings.Contains(body, "\ndata 0\n") {
					t.Errorf("answer %d:\n%s", status, body)
				}
			})
		}
		for range 3 {
			<-arrived
		}
		release()
		scrapes.Wait()
	})

	t.Run("concurrent scrapes are all answered", func(t *testing.T) {
		const scrapers = 20
		var all sync.WaitGroup
		all.Add(scrapers)
		config := setting(t)
		config.Refresher = refreshFunc(func(context.Context) { all.Done(); all.Wait() }) // Each waits for the last one.
		server := serveHTTP(t, t.Context(), config)
		var scrapes sync.WaitGroup
		for range scrapers {
			scrapes.Go(func() {
				if status, _ := get(t, server.URL+"/metrics"); status != http.StatusOK {
					t.Errorf("answer %d", status)
				}
			})
		}
		scrapes.Wait()
	})

	t.Run("a megabyte of header or address is refused in one sentence", func(t *testing.T) {
		server := serveHTTP(t, t.Context(), setting(t))
		long := strings.Repeat("x", 1<<20)
		for name, ask := range map[string]func() (int, string){
			"header":  func() (int, string) { return get(t, server.URL+"/metrics", "X-Long", long) },
			"address": func() (int, string) { return get(t, server.URL+"/metrics?"+long) },
		} {
			status, body := ask()
			if status != http.StatusRequestHeaderFieldsTooLarge || strings.Contains(body, "goroutine") ||
				len(body) > 100 {
				t.Errorf("%s: answer %d: %q", name, status, body)
			}
		}
	})

	t.Run("a header of eight kilobytes is accepted, one of sixteen is not", func(t *testing.T) {
		server := serveHTTP(t, t.Context(), setting(t))
		for size, want := range map[int]int{8 << 10: http.StatusOK, 16 << 10: http.StatusRequestHeaderFieldsTooLarge} {
			if status, _ := get(t, server.URL+"/-/healthy", "X-Long", strings.Repeat("x", size)); status != want {
				t.Errorf("%d bytes: answer %d, want %d", size, status, want)
			}
		}
	})

	for name, end := range map[string]func(*http.Server) error{
		"a connection beyond the limit waits until another one is closed": func(server *http.Server) error {
			server.ConnState(nil, http.StateClosed)
			return nil
		},
		"or until the server shuts down": func(server *http.Server) error { return server.Shutdown(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := web.NewServer(t.Context(), http.NotFoundHandler(), nil)
				for range 1024 {
					server.ConnState(nil, http.StateNew)
					server.ConnState(nil, http.StateActive)
				}
				accepted := make(chan struct{})
				go func() {
					server.ConnState(nil, http.StateNew)
					close(accepted)
				}()
				synctest.Wait()
				select {
				case <-accepted:
					t.Error("it does not wait")
				default:
				}
				if err := end(server); err != nil {
					t.Error(err)
				}
				<-accepted
				server.ConnState(nil, http.StateClosed)
			})
		})
	}

	t.Run("every limit is set", func(t *testing.T) {
		server := web.NewServer(t.Context(), http.NotFoundHandler(), nil)
		if server.ReadHeaderTimeout <= 0 || server.ReadTimeout <= 0 || server.WriteTimeout <= 0 ||
			server.IdleTimeout <= 0 ||
			server.MaxHeaderBytes <= 0 {
			t.Errorf("a slow or idle client is not bounded: %+v", server)
		}
	})
}
