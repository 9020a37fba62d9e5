package credentials

import (
	"context"
	"regexp"
	"sync"
	"time"

	"github.com/aliyun/credentials-go/credentials"
	"golang.org/x/sync/singleflight"

	"alicdn_export_exporter/apiclient"
)

const (
	// keyLifetime is how long a fetched key is used before the library is asked again.
	// The library renews a token 180 s before it expires, so a key never expires here.
	keyLifetime = 30 * time.Second
	// chainLifetime is how long a default chain is used. The library's chain remembers a
	// profile and a failure for ever; a new chain reads them again.
	chainLifetime = 5 * time.Minute
	// renewalPatience bounds how long a caller waits for a renewal if there is a key.
	renewalPatience = time.Second
)

// Source gets an account's key as its Config says. It is an
// apiclient.CredentialsProvider. It makes github.com/aliyun/credentials-go safe for
// concurrent use and bounded by a context, picks up keys that change in files, and uses
// the last key while no new one can be fetched, until the API rejects it.
type Source struct {
	config      Config
	newProvider func(inputs) (credentials.Credential, error)
	renewed     func(error)
	fetches     singleflight.Group

	// Only the one fetch in flight uses these.
	provider credentials.Credential // nil to make a new one
	inputs   inputs                 // what provider was made with
	madeAt   time.Time
	failure  string // the last one passed to renewed, "" after a success

	mu        sync.Mutex
	last      apiclient.Credentials // zero without a key
	fetchedAt time.Time
	rejected  bool // the provider of the last key must be made anew
}

// NewSource returns a Source that has not fetched a key yet. renewed, if non-nil, is
// called with an error when renewing a key starts to fail or fails in another way, and
// with nil when it works again. The last key is used meanwhile.
func NewSource(config Config, renewed func(error)) *Source {
	return &Source{config: config, newProvider: config.newProvider, renewed: renewed}
}

// Credentials returns the cached key or fetches one. Errors hold no secrets.
func (s *Source) Credentials(ctx context.Context) (apiclient.Credentials, error) {
	last, fresh := s.cached()
	if fresh {
		return last, nil
	}
	// The library takes no context. A fetch that is given up runs on within the
	// library's own timeouts, and the next caller finds its result.
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
		err = ctx.Err()
	}
	if last, _ = s.cached(); last != (apiclient.Credentials{}) {
		return last, nil
	}
	return apiclient.Credentials{}, err
}

// Reject forgets a key, if it is still the one in use, and the provider that gave it.
func (s *Source) Reject(key apiclient.Credentials) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == key {
		s.last = apiclient.Credentials{}
		s.rejected = true
	}
}

// cached returns the last key, zero without one, and whether it is fresh enough to use
// without a fetch.
func (s *Source) cached() (last apiclient.Credentials, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.last != (apiclient.Credentials{}) && time.Since(s.fetchedAt) < keyLifetime
}

// fetch fetches a key, and again if the API rejected the last key meanwhile: the fetch
// may have returned the rejected one.
func (s *Source) fetch() (apiclient.Credentials, error) {
	for {
		s.resetIfStale()
		key, err := s.fetchOnce()
		if s.store(key, err) {
			s.report(err)
			return key, err
		}
	}
}

// resetIfStale drops the provider after a rejection or chainLifetime.
func (s *Source) resetIfStale() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rejected || s.config.isDefault() && time.Since(s.madeAt) >= chainLifetime {
		s.provider = nil
		s.rejected = false
	}
}

// fetchOnce asks the library for the key. The library's panics become errors. While
// the inputs stay the same it uses the same provider, which renews its key only
// shortly before the key expires.
func (s *Source) fetchOnce() (key apiclient.Credentials, err error) {
	current, err := s.config.readInputs()
	if err != nil {
		return apiclient.Credentials{}, s.config.failure(err.Error())
	}
	defer func() {
		if recover() != nil {
			key, err = apiclient.Credentials{}, s.config.noKey(nil)
		}
		if err != nil {
			s.provider = nil // A chain that failed once fails for ever.
		}
	}()
	if s.provider == nil || s.inputs != current {
		if s.provider, err = s.newProvider(current); err != nil {
			return apiclient.Credentials{}, s.config.noKey(err)
		}
		s.inputs, s.madeAt = current, time.Now()
	}
	model, err := s.provider.GetCredential()
	if err != nil {
		return apiclient.Credentials{}, s.config.noKey(err)
	}
	key = apiclient.Credentials{
		AccessKeyID:     deref(model.AccessKeyId),
		AccessKeySecret: deref(model.AccessKeySecret),
		SecurityToken:   deref(model.SecurityToken),
		Provider:        s.config.Type,
	}
	if s.config.isDefault() {
		key.Provider = deref(model.ProviderName) // The member of the chain.
	}
	if key.AccessKeyID == "" || key.AccessKeySecret == "" {
		return apiclient.Credentials{}, s.config.noKey(nil)
	}
	return key, nil
}

// store keeps the result of a fetch; false if the API rejected the last key meanwhile.
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

// localPort is the client's port of a connection, which differs in equal failures.
var localPort = regexp.MustCompile(`:\d+->`)

// report calls renewed if the outcome of renewals changed. Without a key there is
// nothing to renew, and the caller gets the error.
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

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
