// Package simulator is a local HTTP server that speaks the usage export API of
// Alibaba Cloud CDN. It verifies request signatures in both schemes, enforces the
// account's quota, and sends pages and errors in the documented formats.
//
// The package implements the protocol only. The tasks come from an Account: a
// FixedAccount, or one of the accounts in package scenario.
//
// A response depends only on the request, the account, the clock and the seed, so demos,
// tests and benchmarks are reproducible.
package simulator

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultQuota is the documented limit of the list operations, in calls per second
// and account.
const DefaultQuota = 100

// Options configure a server. With the zero value the server uses the real clock,
// the default credentials and the documented quota, and answers without delay.
type Options struct {
	// Now is the server's clock. The default is time.Now.
	Now func() time.Time

	// Seed determines the request ids and the random choices of a scenario.
	Seed uint64

	// AccessKeyID, AccessKeySecret and SecurityToken are credentials that the server
	// accepts and that may only list tasks. SetCredentials explains them.
	AccessKeyID, AccessKeySecret, SecurityToken string

	// Latency delays every response, in real time.
	Latency time.Duration

	// Quota is the number of calls that the account may make per second. A burst may
	// have as many calls at once, or one if Quota is less than one. The default is
	// DefaultQuota, unless a scenario has its own.
	Quota float64

	// Order is the order of a scenario's task list. New ignores it.
	Order Order

	// Start is when a scenario starts; What it describes, such as "last month was not
	// exported", is true at that time. The default is now. If Start is later than the
	// clock, the server shows the account before Start. New ignores it.
	Start time.Time

	// Fail, if not nil, decides whether a request fails with a server error. It is
	// called with the number of the request, counted from 1. The server does not
	// read a request that fails.
	Fail func(request int64) Failure

	// Denied maps an action to the error code with which the server refuses it,
	// such as "NoPermission". The caller is known but lacks the permission.
	Denied map[string]string
}

// Server is an http.Handler that answers as the API does, on the path "/". It is
// safe for concurrent use.
type Server struct {
	account Account
	editor  Editor // the account; nil if it is not an Editor
	options Options
	calls   atomic.Int64
	nonces  nonces
	quota   *tokenBucket

	mu          sync.RWMutex
	credentials credentials
}

// New returns a server that lists the tasks of account, and creates and deletes tasks if
// account is an Editor.
func New(account Account, options Options) *Server {
	if options.Now == nil {
		options.Now = time.Now
	}
	s := &Server{
		account: account,
		options: options,
		quota:   newTokenBucket(cmp.Or(options.Quota, DefaultQuota), options.Now()),
	}
	s.editor, _ = account.(Editor)
	s.SetCredentials(options.AccessKeyID, options.AccessKeySecret, options.SecurityToken)
	return s
}

// Calls returns the number of requests received so far, including those that
// failed or were refused.
func (s *Server) Calls() int {
	return int(s.calls.Load())
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	number := s.calls.Add(1)
	canceled := wait(r.Context(), s.options.Latency) != nil
	now := s.options.Now()
	meta := responseMeta{requestID: requestID(s.options.Seed, number), host: r.Host}

	var resp *response
	if canceled {
		// The client is gone, but a handler that wraps the server gets a response.
		resp = ServiceUnavailable.response(meta)
	} else if failure := s.failure(number); failure != NoFailure {
		resp = failure.response(meta)
	} else {
		resp = s.respond(w, r, now, meta)
	}
	header := w.Header()
	maps.Copy(header, resp.header)
	header.Set("Content-Type", resp.contentType)
	header.Set("Content-Length", strconv.Itoa(len(resp.body)))
	header.Set("Date", now.UTC().Format(http.TimeFormat))
	header.Set("x-acs-request-id", meta.requestID)
	w.WriteHeader(resp.status)
	_, _ = bytes.NewReader(resp.body).WriteTo(w) // An error means that the client is gone.
}

func (s *Server) failure(request int64) Failure {
	if s.options.Fail == nil {
		return NoFailure
	}
	return s.options.Fail(request)
}

// respond checks a request in the order of the real gateway: syntax, signature,
// quota, permission, parameters.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, now time.Time, meta responseMeta) *response {
	c, apiErr := parseCall(w, r)
	meta.xml = c.wantsXML()
	if apiErr == nil {
		apiErr = s.authorize(c, now)
	}
	var body any
	if apiErr == nil {
		o := operations[c.action]
		body, apiErr = o.perform(request{meta.requestID, c.action, o.list, c.params, now, s.account, s.editor})
	}
	if apiErr != nil {
		return apiErr.response(meta)
	}
	return encodeResponse(body, meta)
}

// authorize returns an error unless the caller may make the call now.
func (s *Server) authorize(c *call, now time.Time) *apiError {
	s.mu.RLock()
	accepted := s.credentials
	s.mu.RUnlock()
	key, nonce, apiErr := c.authenticate([]credentials{accepted, personKey}, now)
	if apiErr != nil {
		return apiErr
	}
	if !s.nonces.add(nonce, now) {
		return errNonceUsed
	}
	if apiErr := s.quota.take(s.options.Now); apiErr != nil {
		return apiErr
	}
	if code, denied := s.options.Denied[c.action]; denied {
		return permissionDenied(code, c.action)
	}
	if operations[c.action].edits && (!key.mayEdit || s.editor == nil) {
		return permissionDenied("Forbidden.RAM", c.action)
	}
	return nil
}

// requestID returns the id of a request in the API's format, an upper-case UUID.
func requestID(seed uint64, request int64) string {
	id := sha256.Sum256(fmt.Appendf(nil, "%d %d", seed, request))
	id[6] = id[6]&0x0f | 0x40 // UUID version 4
	id[8] = id[8]&0x3f | 0x80 // UUID variant 1
	return fmt.Sprintf("%X-%X-%X-%X-%X", id[:4], id[4:6], id[6:8], id[8:10], id[10:16])
}

// wait returns after d, or earlier with an error if ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
