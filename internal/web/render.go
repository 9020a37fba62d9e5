package web

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
)

// maxKeptBuffer is the size in bytes of the largest buffer that is kept for the next
// response. The compressed metrics of a thousand accounts are smaller.
const maxKeptBuffer = 1 << 20

// frugal serves the responses of a handler with bounded memory: it renders one at a time,
// and keeps few of them for clients that read slowly.
type frugal struct {
	*renderer

	out outbox
}

func newFrugal(handler http.Handler) *frugal { return &frugal{renderer: newRenderer(handler)} }

// ServeHTTP implements http.Handler.
func (f *frugal) ServeHTTP(w http.ResponseWriter, r *http.Request) { _ = f.serve(w, r) }

// serve answers a request. It returns an error if the client has gone or was too slow.
func (f *frugal) serve(w http.ResponseWriter, r *http.Request) error {
	response, err := f.render(r)
	if err != nil {
		return err
	}
	return f.out.send(w, response)
}

// renderer renders the responses of a handler, one at a time. Waiting requests for the same
// response share one.
type renderer struct {
	handler http.Handler
	turn    chan struct{} // holds a value while a response is being rendered
	buffer  bytes.Buffer  // of the response being rendered

	mu    sync.Mutex
	begun uint64 // number of responses whose rendering has begun
	// queues contains the requests that wait or are being rendered, in one queue for each
	// key.
	queues map[requestKey]*queue
}

// queue contains requests for the same response.
type queue struct {
	requests int
	newest   *response // the last one rendered for this queue; guarded by the turn
}

// requestKey is everything in a request that a response depends on.
type requestKey struct{ accept, acceptEncoding, query string }

func keyOf(r *http.Request) requestKey {
	return requestKey{
		accept:         strings.Join(r.Header["Accept"], "\n"),
		acceptEncoding: strings.Join(r.Header["Accept-Encoding"], "\n"),
		query:          r.URL.RawQuery,
	}
}

func newRenderer(handler http.Handler) *renderer {
	return &renderer{handler: handler, turn: make(chan struct{}, 1), queues: make(map[requestKey]*queue)}
}

// render returns a response whose rendering began after render was called. It returns
// the context's error, and renders nothing, if the client has gone.
func (r *renderer) render(request *http.Request) (*response, error) {
	key := keyOf(request)
	begunBefore, q := r.enter(key)
	defer r.leave(key, q)
	ctx := request.Context()
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if ctx.Err() != nil { // Both cases of the select may have been ready.
		return nil, context.Cause(ctx)
	}
	if q.newest == nil || q.newest.number <= begunBefore {
		q.newest = r.record(r.begin(), request)
	}
	return q.newest, nil
}

// record renders a response, and keeps the buffer for the next one unless it is large.
func (r *renderer) record(number uint64, request *http.Request) *response {
	r.buffer.Reset() // A panic may have left something.
	recorded := &response{number: number, header: make(http.Header), status: http.StatusOK}
	r.handler.ServeHTTP(recorder{&r.buffer, recorded}, request)
	recorded.body = r.buffer.Bytes()
	if r.buffer.Cap() > maxKeptBuffer {
		r.buffer = bytes.Buffer{}
	} else {
		recorded.body = bytes.Clone(recorded.body)
	}
	return recorded
}

// enter adds a request to its queue. It also returns the number of responses whose
// rendering has begun: the request must not share these.
func (r *renderer) enter(key requestKey) (uint64, *queue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queues[key]
	if q == nil {
		q = new(queue)
		r.queues[key] = q
	}
	q.requests++
	return r.begun, q
}

// leave removes a request from its queue. An empty queue keeps no response.
func (r *renderer) leave(key requestKey, q *queue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.requests--; q.requests == 0 {
		delete(r.queues, key)
	}
}

// begin returns the number of the response whose rendering begins now, from 1.
func (r *renderer) begin() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun++
	return r.begun
}

// response is a rendered response.
type response struct {
	number uint64 // see renderer.begin
	header http.Header
	status int
	body   []byte
}

// recorder is an http.ResponseWriter that records a response. Its buffer has all methods
// that expfmt requires. Without them, expfmt would add a buffer of its own.
type recorder struct {
	*bytes.Buffer

	response *response
}

// Header implements http.ResponseWriter.
func (r recorder) Header() http.Header { return r.response.header }

// WriteHeader implements http.ResponseWriter.
func (r recorder) WriteHeader(status int) { r.response.status = status }
