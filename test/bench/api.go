package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// apiSpec describes the simulated API: the lengths of its lists, and its response time.
type apiSpec struct {
	Sizes   []int
	Latency time.Duration
}

// apiAddresses are the API's URLs by length of the list: without TLS, and over TLS with HTTP/1.1 and
// with HTTP/2.
type apiAddresses struct {
	Plain, HTTP1, HTTP2 map[int]string
	Certificate         []byte // PEM
}

// serveAPI serves prepared pages and checks only the page's number, so that the API's own work hardly
// affects the measurements.
func serveAPI(spec apiSpec, stdin io.Reader, answer func(any) error) error {
	addresses := apiAddresses{Plain: make(map[int]string), HTTP1: make(map[int]string), HTTP2: make(map[int]string)}
	var servers []*httptest.Server
	defer func() {
		for _, server := range servers {
			server.Close()
		}
	}()
	for _, size := range spec.Sizes {
		bodies, err := renderPages(size)
		if err != nil {
			return err
		}
		a := &api{bodies: bodies, latency: spec.Latency}
		plain, http1, http2 := httptest.NewServer(a), httptest.NewTLSServer(a), httptest.NewUnstartedServer(a)
		http2.EnableHTTP2 = true
		http2.StartTLS()
		servers = append(servers, plain, http1, http2)
		addresses.Plain[size], addresses.HTTP1[size], addresses.HTTP2[size] = plain.URL, http1.URL, http2.URL
		addresses.Certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: http1.Certificate().Raw})
	}
	if err := answer(addresses); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, stdin)
	return err
}

// api serves one list.
type api struct {
	bodies  [][]byte
	latency time.Duration

	mu          sync.Mutex
	arrivals    []time.Time
	inFlight    int
	maxInFlight int // highest value of inFlight
}

// ServeHTTP returns the requested page after the latency, or at /calls what it has counted.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/calls" {
		rate, _ := strconv.ParseFloat(query.Get("rate"), 64)
		_ = json.NewEncoder(w).Encode(a.take(rate))
		return
	}
	a.mu.Lock()
	a.arrivals = append(a.arrivals, time.Now())
	a.inFlight++
	a.maxInFlight = max(a.maxInFlight, a.inFlight)
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.inFlight--
	}()
	number, err := strconv.Atoi(query.Get("PageNumber"))
	if err != nil || number < 1 || number > len(a.bodies) || query.Get("PageSize") != strconv.Itoa(pageSize) {
		http.Error(w, `{"Code":"InvalidParameter"}`, http.StatusBadRequest)
		return
	}
	time.Sleep(a.latency)
	_, _ = w.Write(a.bodies[number-1])
}

// calls describes the calls that the API received since the last report.
type calls struct {
	Count int
	// Burst is the highest number of calls beyond rate·t, over windows of any length t.
	Burst float64
	// MaxInFlight is the highest number of calls at the same time.
	MaxInFlight int
}

// take returns the calls since it was last called.
func (a *api) take(rate float64) calls {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := calls{Count: len(a.arrivals), MaxInFlight: a.maxInFlight}
	lowest := 0.0
	for i, arrival := range a.arrivals {
		ahead := float64(i) - rate*arrival.Sub(a.arrivals[0]).Seconds()
		lowest = min(lowest, ahead)
		c.Burst = max(c.Burst, ahead-lowest+1)
	}
	a.arrivals, a.maxInFlight = nil, a.inFlight
	return c
}

// apiServer is the API in its own process.
type apiServer struct {
	apiAddresses
	process *child
	folder  string
}

func startAPI(ctx context.Context, spec apiSpec) (*apiServer, error) {
	folder, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	s := &apiServer{folder: folder}
	s.process, err = startChild(ctx, childSpec{API: &spec}, &s.apiAddresses)
	if err == nil {
		err = os.WriteFile(s.certificateFile(), s.Certificate, 0o600)
	}
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *apiServer) certificateFile() string { return filepath.Join(s.folder, "ca.pem") }

func (s *apiServer) stop() {
	if s.process != nil {
		s.process.stop()
	}
	_ = os.RemoveAll(s.folder)
}

// taken returns the calls for the list with size tasks since it was last called.
func (s *apiServer) taken(ctx context.Context, size int, rate float64) (calls, error) {
	url := fmt.Sprintf("%s/calls?rate=%g", s.Plain[size], rate)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return calls{}, err
	}
	response, err := loopback.Do(request)
	if err != nil {
		return calls{}, err
	}
	defer response.Body.Close()
	var c calls
	return c, json.NewDecoder(response.Body).Decode(&c)
}

// loopback is a client that uses no proxy.
var loopback = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
