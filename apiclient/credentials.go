package apiclient

import "context"

// Credentials is a key to sign with. It is a secret: it is never printed.
type Credentials struct {
	AccessKeyID, AccessKeySecret string
	// SecurityToken is empty for a key that does not expire.
	SecurityToken string
	// Provider names where the key came from, for people.
	Provider string
}

// String hides the key from every way of printing.
func (Credentials) String() string { return "(credentials)" }

// GoString hides the key from %#v.
func (Credentials) GoString() string { return "(credentials)" }

// CredentialsProvider gives the key to sign the next request with. It is safe
// for concurrent use.
type CredentialsProvider interface {
	// Credentials returns a key before the context ends. Its errors hold
	// nothing secret.
	Credentials(context.Context) (Credentials, error)
	// Reject says that the API refused a key, so that it is not given again
	// without having been fetched anew.
	Reject(Credentials)
}

// StaticCredentials gives the same key for ever.
type StaticCredentials Credentials

// Credentials returns the key.
func (s StaticCredentials) Credentials(context.Context) (Credentials, error) {
	return Credentials(s), nil
}

// Reject does nothing: there is no other key.
func (StaticCredentials) Reject(Credentials) {}
