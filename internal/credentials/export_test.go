package credentials

import (
	"time"

	"github.com/aliyun/credentials-go/credentials"
)

// NewChain returns a Source of the default type that gets its providers from newProvider.
func NewChain(newProvider func() (credentials.Credential, error)) *Source {
	s := &Source{newFetcher: func() *fetcher {
		return &fetcher{newProvider: func(inputs) (credentials.Credential, error) { return newProvider() }}
	}}
	s.fetcher = s.newFetcher()
	return s
}

// Age makes the key and the provider older, for tests that cannot use fake time.
func Age(s *Source, by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetchedAt = s.fetchedAt.Add(-by)
	s.fetcher.madeAt = s.fetcher.madeAt.Add(-by)
}

// Expire makes the next call fetch the key. Unlike Age, it may be called during a fetch.
func Expire(s *Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetchedAt = time.Time{}
}

// Report reports the result of a renewal.
func Report(s *Source, err error) { s.report(err) }
