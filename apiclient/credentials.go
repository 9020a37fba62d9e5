package apiclient

import (
	"context"
	"fmt"
	"io"
)

// Credentials is an access key to sign requests with. It is a secret: no format verb prints any
// part of it.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret Secret
	// SecurityToken is empty for a permanent key.
	SecurityToken Secret
	// Provider names the source of the key, in text for users.
	Provider string
}

// Format prints <redacted> for every verb.
func (Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// CredentialsProvider supplies the key for the next request. It is safe for concurrent use.
type CredentialsProvider interface {
	// Credentials returns a key, or an error if there is none before ctx is done. Errors
	// contain no secrets.
	Credentials(ctx context.Context) (Credentials, error)
	// Reject reports that the API refused a key. The provider does not return that key again
	// unless a new fetch yields it.
	Reject(Credentials)
}

// StaticCredentials always returns the same key.
type StaticCredentials Credentials

// Credentials returns the key.
func (s StaticCredentials) Credentials(context.Context) (Credentials, error) {
	return Credentials(s), nil
}

// Reject does nothing, because there is no other key.
func (StaticCredentials) Reject(Credentials) {}
