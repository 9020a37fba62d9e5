package credentials

import (
	"time"

	"github.com/aliyun/credentials-go/credentials"
)

// NewChain returns a Source of type default with another provider than the library's.
func NewChain(newProvider func() (credentials.Credential, error)) *Source {
	return &Source{newProvider: func(inputs) (credentials.Credential, error) { return newProvider() }}
}

// Age makes the key and the provider older, where a test cannot use fake time.
func Age(s *Source, by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetchedAt = s.fetchedAt.Add(-by)
	s.madeAt = s.madeAt.Add(-by)
}

// Expire makes the next call fetch the key. It is safe during a fetch.
func Expire(s *Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetchedAt = time.Time{}
}

// Report passes on the outcome of a renewal.
func Report(s *Source, err error) { s.report(err) }
