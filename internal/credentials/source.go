package credentials

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
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
)

// Source supplies the key that a Config describes. It implements apiclient.CredentialsProvider. It makes
// github.com/aliyun/credentials-go safe for concurrent use, bounds it by a context, and reads changed files again. If a
// renewal fails, it keeps the last key until the API rejects it.
type Source struct {
	config      Config
	newProvider func(inputs) (credentials.Credential, error)
	renewed     func(error)
	fetches     singleflight.Group

	// Only the fetch in flight uses these. There is at most one.
	hub      *hub                   // supplies the key to assume the role with; nil if config has it, or needs none
	provider credentials.Credential // nil if the next fetch must make a new one
	inputs   inputs                 // of provider
	madeAt   time.Time              // when provider was made
	failure  string                 // the last error that was passed to renewed; "" after a success

	mu        sync.Mutex
	last      apiclient.Credentials // the zero value if there is no key
	fetchedAt time.Time             // when the last fetch ended
	rejected  bool                  // the API rejected last, and the next fetch must make a new provider
}

// NewSource returns a Source that has not fetched a key yet. If it assumes a role and config has no key to do so, it
// gets that key from chain, which many Sources can share. If renewed is not nil, it is called with an error when
// renewals start to fail or fail for another reason, and with nil when they work again.
func NewSource(config Config, chain apiclient.CredentialsProvider, renewed func(error)) *Source {
	s := &Source{config: config, newProvider: config.newProvider, renewed: renewed}
	if config.usesHub() {
		s.hub = &hub{provider: chain}
		s.newProvider = func(in inputs) (credentials.Credential, error) { return config.newHubProvider(s.hub, in) }
	}
	return s
}

// Credentials returns the cached key or fetches one. Its errors contain no secrets.
func (s *Source) Credentials(ctx context.Context) (apiclient.Credentials, error) {
	last, fresh := s.cached()
	if fresh {
		return last, nil
	}
	// The library takes no context. If this caller stops waiting, the fetch continues until the library's own timeouts,
	// and the next caller gets its result.
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

// fetchOnce gets the key from the library and turns the library's panics into errors. If the inputs did not change, it
// uses the same provider again, which renews its key only shortly before the key expires.
func (s *Source) fetchOnce() (key apiclient.Credentials, err error) {
	current, err := s.config.readInputs()
	if err != nil {
		return apiclient.Credentials{}, s.config.wrap(err)
	}
	defer func() {
		if recover() != nil {
			key, err = apiclient.Credentials{}, s.noKeyError(nil)
		}
		if err != nil {
			s.provider = nil // The library's chain repeats its first failure.
		}
	}()
	if s.provider == nil || s.inputs != current {
		if s.provider, err = s.newProvider(current); err != nil {
			return apiclient.Credentials{}, s.noKeyError(err)
		}
		s.inputs, s.madeAt = current, time.Now()
	}
	model, err := s.getCredential()
	if err != nil {
		return apiclient.Credentials{}, s.noKeyError(err)
	}
	key = apiclient.Credentials{
		AccessKeyID:     trimmed(model.AccessKeyId),
		AccessKeySecret: trimmed(model.AccessKeySecret),
		SecurityToken:   trimmed(model.SecurityToken),
		Provider:        s.config.Type,
	}
	if s.config.isDefault() || s.hub != nil {
		key.Provider = deref(model.ProviderName) // It names the source within the chain.
	}
	if key.AccessKeyID == "" || key.AccessKeySecret == "" {
		return apiclient.Credentials{}, s.noKeyError(nil)
	}
	if hasOddCharacters(key.AccessKeyID + key.AccessKeySecret + key.SecurityToken) {
		return apiclient.Credentials{}, s.config.newError(fmt.Sprintf("the key from %s %s", key.Provider, oddCharacters))
	}
	return key, nil
}

func (s *Source) getCredential() (*credentials.CredentialModel, error) {
	if s.hub != nil {
		return s.hub.assumeRole(s.provider)
	}
	return s.provider.GetCredential()
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

// trimmed returns a part of a key without the line end that variables and files often have.
func trimmed(s *string) string { return strings.TrimSpace(deref(s)) }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
