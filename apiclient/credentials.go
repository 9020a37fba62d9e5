package apiclient

import "context"

// Credentials is an access key to sign requests with. It is a secret: printing it in
// any form shows nothing of it.
type Credentials struct {
	AccessKeyID, AccessKeySecret string
	// SecurityToken is empty for a permanent key.
	SecurityToken string
	// Provider names where the key came from, for people.
	Provider string
}

// String hides the key from all verbs except %#v.
func (Credentials) String() string { return "(credentials)" }

// GoString hides the key from %#v.
func (Credentials) GoString() string { return "(credentials)" }

// CredentialsProvider supplies the key for the next request. It is safe for concurrent
// use.
type CredentialsProvider interface {
	// Credentials returns a key before ctx ends. Its errors hold no secrets.
	Credentials(ctx context.Context) (Credentials, error)
	// Reject reports that the API refused a key. The provider does not return it again
	// without fetching it anew.
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
