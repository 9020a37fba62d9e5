// Package simulator is the CDN usage export API of Alibaba Cloud as a local
// http.Handler. It verifies both request signatures, keeps the account's quota,
// answers pages and errors in the published shapes, and lists the tasks of an
// account that lives: tasks appear, finish, fail, are deleted and expire.
//
// Everything it does follows from a seed and a clock, so that a demo, a test and
// a benchmark see the same account each time they run.
package simulator

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// The credentials that a server accepts where its Options name no others.
const (
	DefaultAccessKeyID     = "LTAI5tSimulatedAccessKey"
	DefaultAccessKeySecret = "SimulatedAccessKeySecret000001"
	DefaultSecurityToken   = "SimulatedSecurityToken000001"
)

// DefaultQuota is the documented limit of the list operations, in calls a second
// for the whole account.
const DefaultQuota = 100

// Options of a server. The zero value is a server on the real clock with the
// default credentials, the documented quota and no latency.
type Options struct {
	// Now is the server's clock; time.Now when nil.
	Now func() time.Time

	// Seed decides all that is left to chance: request ids, a scenario's tasks.
	Seed uint64

	// AccessKeyID, AccessKeySecret and SecurityToken are what the server accepts;
	// see Rotate. An empty one stands for its default.
	AccessKeyID, AccessKeySecret, SecurityToken string

	// Latency passes before every answer, on the real clock.
	Latency time.Duration

	// Quota is the calls a second that the account may make; 0 stands for
	// DefaultQuota, and in a scenario for what the scenario says. As many as one
	// second grants, one at least, may be made at once.
	Quota float64

	// Order is that of the list of a scenario's account.
	Order Order
}

// Server answers as the API does. It is an http.Handler for the path "/" and safe
// for concurrent use.
type Server struct {
	account Account
	now     func() time.Time
	seed    uint64
	latency time.Duration
	calls   atomic.Int64
	nonces  nonces
	quota   *bucket
	fault   fault

	mu   sync.RWMutex
	keys credentials
}

// fault is what a server answers in place of the truth, where it is not nil.
type fault struct {
	// unreachable answers before the request has been read.
	unreachable func(call int64, env envelope) *answer
	// refused answers once the caller is known.
	refused func(action string) *apiError
}

// New returns a server that lists the tasks of the account.
func New(account Account, options Options) *Server {
	if options.Now == nil {
		options.Now = time.Now
	}
	s := &Server{
		account: account,
		now:     options.Now,
		seed:    options.Seed,
		latency: options.Latency,
		quota:   newBucket(cmp.Or(options.Quota, DefaultQuota), options.Now()),
	}
	s.Rotate(options.AccessKeyID, options.AccessKeySecret, options.SecurityToken)
	return s
}

// Rotate changes the credentials that the server accepts; those before are
// unknown from now on. An empty argument stands for the default. A token that was
// given must come with every request; the default one may, unless the key's id
// begins with "STS.", as the ids of temporary keys do: then it must.
func (s *Server) Rotate(accessKeyID, accessKeySecret, securityToken string) {
	keys := credentials{
		id:     cmp.Or(accessKeyID, DefaultAccessKeyID),
		secret: cmp.Or(accessKeySecret, DefaultAccessKeySecret),
		token:  cmp.Or(securityToken, DefaultSecurityToken),
	}
	keys.temporary = securityToken != "" || isTemporary(keys.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
}

// Calls returns how many requests were received, refused ones included.
func (s *Server) Calls() int {
	return int(s.calls.Load())
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := s.calls.Add(1)
	left := wait(r.Context(), s.latency) != nil
	now := s.now()
	id := requestID(s.seed, call)

	var a *answer
	switch env := (envelope{requestID: id, host: r.Host}); {
	case left:
		a = errServiceUnavailable.answer(env) // For a handler around this one: the caller has gone.
	case s.fault.unreachable != nil:
		a = s.fault.unreachable(call, env)
	default:
		a = s.answer(w, r, now, env)
	}
	header := w.Header()
	maps.Copy(header, a.header)
	header.Set("Content-Type", a.contentType)
	header.Set("Content-Length", strconv.Itoa(len(a.body)))
	header.Set("Date", now.UTC().Format(http.TimeFormat))
	header.Set("x-acs-request-id", id)
	w.WriteHeader(a.status)
	_, _ = bytes.NewReader(a.body).WriteTo(w) // An error means that the client has left.
}

// answer reads the request and decides, in the order of the real gateway: is it a
// call at all, whose is it, may it be made now, may it be made by them, and only
// then what it asks for.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, now time.Time, env envelope) *answer {
	c, refusal := readCall(w, r)
	env.xml = c.wantsXML()
	if refusal == nil {
		refusal = s.admit(c, now)
	}
	if refusal != nil {
		return refusal.answer(env)
	}
	p, refusal := pageOf(c.params)
	if refusal != nil {
		return refusal.answer(env)
	}
	return p.answer(s.account.Tasks(c.action, now), c.action, env)
}

// admit tells whether the call is the account's and may be made now.
func (s *Server) admit(c *call, now time.Time) *apiError {
	s.mu.RLock()
	keys := s.keys
	s.mu.RUnlock()
	nonce, refusal := c.verify(keys, now)
	if refusal != nil {
		return refusal
	}
	if !s.nonces.add(nonce, now) {
		return errNonceUsed
	}
	if refusal := s.quota.take(s.now); refusal != nil {
		return refusal
	}
	if s.fault.refused != nil {
		return s.fault.refused(c.action)
	}
	return nil
}

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
