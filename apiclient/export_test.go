package apiclient

import (
	"time"

	"github.com/aliyun/credentials-go/credentials"
)

// NewChain returns a chain over another source than the library's own.
func NewChain(build func() (credentials.Credential, error)) *DefaultChain {
	return &DefaultChain{build: build}
}

// Age makes what a chain knows older, where fake time cannot: with real HTTP.
func Age(d *DefaultChain, by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fetchedAt = d.fetchedAt.Add(-by)
	d.builtAt = d.builtAt.Add(-by)
}
