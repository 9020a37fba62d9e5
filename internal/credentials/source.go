package credentials

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aliyun/credentials-go/credentials"
	"golang.org/x/sync/singleflight"

	"alicdn_export_exporter/apiclient"
)

const (
	// keyLifetime is how long a key is cached. The library renews a token 180 s before it expires, so a cached key does
	// not expire.
	keyLifetime = 30 * time.Second
	// chainLifetime is how long a default chain is used. The library's chain keeps the first profile that it reads and
	// its first failure; only a new chain reads again.
	chainLifetime = 5 * time.Minute
	// renewalPatience is how long a caller that has a key waits for a newer one.
	renewalPatience = time.Second
	// fetchPatience is the time limit of a fetch. Requests have shorter limits, and the library stops the programs
	// of CLI profiles after 60 s. Only a file system may hang longer.
	fetchPatience = 70 * time.Second
	// maxAbandoned is the maximum number of abandoned fetches that still hang. Each may hold a
	// thread.
	maxAbandoned = 3
)

// Source supplies the key that a Config describes. It implements apiclient.CredentialsProvider. It makes
// github.com/aliyun/credentials-go safe for concurrent use, bounds it by a context, and reads changed files again. If a
// renewal fails, it keeps the last key until the API rejects it.
type Source struct {
	config     Config
	newFetcher func() *fetcher
	renewed    func(error)
	fetches    singleflight.Group
	abandoned  atomic.Int64 // fetches that were given up and have not ended

	// Only the fetch in flight uses these. There is at most one.
	fetcher *fetcher
	failure string // the last error that was passed to renewed; "" after a success

	mu        sync.Mutex
	last      apiclient.Credentials // the zero value if there is no key
	fetchedAt time.Time             // when the last fetch ended
	rejected  bool                  // the API rejected last, and the next fetch must make a new provider
}

// NewSource returns a Source that has not fetched a key yet. If it assumes a role and config has no key to do so, it
// gets that key from chain, which many Sources can share. If renewed is not nil, it is called with an error when
// renewals start to fail or fail for another reason, and with nil when they work again.
func NewSource(config Config, chain apiclient.CredentialsProvider, renewed func(error)) *Source {
	s := &Source{config: config, renewed: renewed}
	s.newFetcher = func() *fetcher {
		f := &fetcher{config: config, newProvider: config.newProvider}
		if config.usesHub() {
			f.hub = &hub{provider: chain}
			f.newProvider = func(in inputs) (credentials.Credential, error) { return config.newHubProvider(f.hub, in) }
		}
		return f
	}
	s.fetcher = s.newFetcher()
	return s
}

// Credentials returns the cached key or fetches one. Its errors contain no secrets.
func (s *Source) Credentials(ctx context.Context) (apiclient.Credentials, error) {
	last, fresh := s.cached()
	if fresh {
		return last, nil
	}
	// If this caller stops waiting, the fetch continues, and the next caller gets its result.
	fetched := s.fetches.DoChan("", func() (any, error) { return s.fetch() })
	if last != (apiclient.Credentials{}) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, renewalPatience)
		defer cancel()
	}
	var err error
	select {
	case result := <-fetched:
		if result.Err == nil {
			return result.Val.(apiclient.Credentials), nil
		}
		err = result.Err
	case <-ctx.Done():
		err = s.config.wrap(fmt.Errorf("no key within the time limit: %w", ctx.Err()))
	}
	if last, _ = s.cached(); last != (apiclient.Credentials{}) {
		return last, nil
	}
	return apiclient.Credentials{}, err
}

// Reject drops a key and its provider, unless a newer key is in use already.
func (s *Source) Reject(key apiclient.Credentials) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == key {
		s.last = apiclient.Credentials{}
		s.rejected = true
	}
}

// cached returns the last key, or the zero value if there is none. A fresh key needs no fetch.
func (s *Source) cached() (last apiclient.Credentials, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.last != (apiclient.Credentials{}) && time.Since(s.fetchedAt) < keyLifetime
}

// fetch fetches a key. If the API rejected the last key during the fetch, it fetches again, because it may have got the
// rejected key.
func (s *Source) fetch() (apiclient.Credentials, error) {
	for {
		if s.takeRejected() {
			s.fetcher.provider = nil
		}
		key, err := s.fetchWithin(fetchPatience)
		if s.store(key, err) {
			s.report(err)
			return key, err
		}
	}
}

// takeRejected reports whether the API rejected the last key since the last call.
func (s *Source) takeRejected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	rejected := s.rejected
	s.rejected = false
	return rejected
}

// fetchWithin fetches a key. If the fetch takes longer than patience, it returns an error and replaces
// the fetcher, which may hang.
func (s *Source) fetchWithin(patience time.Duration) (apiclient.Credentials, error) {
	if s.abandoned.Load() >= maxAbandoned {
		return apiclient.Credentials{}, s.config.newError("reading the key still hangs")
	}
	type result struct {
		key apiclient.Credentials
		err error
	}
	ended := make(chan result, 1)
	s.abandoned.Add(1) // The goroutine subtracts it when the fetch ends.
	go func(f *fetcher) {
		defer s.abandoned.Add(-1)
		key, err := f.fetch()
		ended <- result{key, err}
	}(s.fetcher)
	select {
	case r := <-ended:
		return r.key, r.err
	case <-time.After(patience):
		s.fetcher = s.newFetcher()
		return apiclient.Credentials{}, s.config.newError(fmt.Sprintf("reading the key hangs for %s", patience))
	}
}

// store keeps the result of a fetch. It returns false, and keeps nothing, if the API rejected the last key during the
// fetch.
func (s *Source) store(key apiclient.Credentials, err error) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rejected {
		return false
	}
	s.fetchedAt = time.Now()
	if err == nil {
		s.last = key
	}
	return true
}

// localPort matches the local port in a network error. It is removed, so that equal failures have equal texts.
var localPort = regexp.MustCompile(`:\d+->`)

// report calls renewed if the result of renewals changed. If there is no key yet, nothing is renewed, and the caller
// gets the error.
func (s *Source) report(err error) {
	last, _ := s.cached()
	if s.renewed == nil || err != nil && last == (apiclient.Credentials{}) {
		return
	}
	failure := ""
	if err != nil {
		failure = localPort.ReplaceAllString(err.Error(), "->")
	}
	if failure != s.failure {
		s.failure = failure
		s.renewed(err)
	}
}
