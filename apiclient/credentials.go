package apiclient

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aliyun/credentials-go/credentials"
	"golang.org/x/sync/singleflight"
)

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

// How often the default chain is asked, and how often it is built anew. The
// library renews a token 180 s before its end, so a key is never older than
// it may be; what it keeps for ever (a profile, a chain that failed) is read
// again with the next chain.
const (
	keyLifetime   = 30 * time.Second
	chainLifetime = 5 * time.Minute
	// renewalPatience is how long a renewal may hold up who has a key already.
	renewalPatience = time.Second
)

// errNoCredentials replaces every error of the library: those may quote whole
// answers of a credentials service, secrets included.
var errNoCredentials = errors.New("no key from any of the environment, OIDC, the CLI profile, the credentials file, " +
	"the ECS metadata service or the credentials URI")

// DefaultChain finds a key as Alibaba Cloud's own tools do: environment
// variables, OIDC (RRSA), the CLI profile, the credentials file, the ECS
// metadata service, a credentials URI. It makes github.com/aliyun/credentials-go
// safe for concurrent use and bounded by a context, picks up a key that was
// changed, and goes on with the last key while a new one cannot be had, until
// the API rejects it.
type DefaultChain struct {
	build   func() (credentials.Credential, error)
	fetches singleflight.Group

	// Only the one fetch in flight uses these two.
	chain   credentials.Credential
	builtAt time.Time

	mu        sync.Mutex
	last      Credentials // zero without one
	fetchedAt time.Time
	rejected  bool // the chain that gave the last key has to be built anew
}

// NewDefaultChain returns a chain that has not looked for a key yet.
func NewDefaultChain() *DefaultChain {
	return &DefaultChain{build: func() (credentials.Credential, error) { return credentials.NewCredential(nil) }}
}

// Credentials returns the key that is known, or fetches one.
func (d *DefaultChain) Credentials(ctx context.Context) (Credentials, error) {
	last, fresh := d.known()
	if fresh {
		return last, nil
	}
	// The library takes no context: a fetch that is given up goes on by itself,
	// within the library's own timeouts, and the next caller finds its result.
	fetched := d.fetches.DoChan("", func() (any, error) { return d.fetch() })
	if last != (Credentials{}) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, renewalPatience)
		defer cancel()
	}
	var err error
	select {
	case result := <-fetched:
		if result.Err == nil {
			return result.Val.(Credentials), nil
		}
		err = result.Err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if last, _ = d.known(); last != (Credentials{}) {
		return last, nil
	}
	return Credentials{}, err
}

// Reject forgets the key, if it is still the one in use, and the chain it came from.
func (d *DefaultChain) Reject(key Credentials) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == key {
		d.last = Credentials{}
		d.rejected = true
	}
}

func (d *DefaultChain) known() (last Credentials, fresh bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last, d.last != (Credentials{}) && time.Since(d.fetchedAt) < keyLifetime
}

func (d *DefaultChain) fetch() (Credentials, error) {
	d.mu.Lock()
	if d.rejected || time.Since(d.builtAt) >= chainLifetime {
		d.chain = nil
		d.rejected = false
	}
	d.mu.Unlock()

	key, err := d.ask()

	d.mu.Lock()
	defer d.mu.Unlock()
	d.fetchedAt = time.Now()
	if err != nil {
		d.chain = nil // A chain that failed once fails for ever.
		return Credentials{}, err
	}
	d.last = key
	return key, nil
}

// ask survives the library's panics as well as its errors.
func (d *DefaultChain) ask() (key Credentials, err error) {
	defer func() {
		if recover() != nil {
			key, err = Credentials{}, errNoCredentials
		}
	}()
	if d.chain == nil {
		chain, err := d.build()
		if err != nil {
			return Credentials{}, errNoCredentials
		}
		d.chain, d.builtAt = chain, time.Now()
	}
	model, err := d.chain.GetCredential()
	if err != nil || model == nil {
		return Credentials{}, errNoCredentials
	}
	key = Credentials{
		AccessKeyID:     text(model.AccessKeyId),
		AccessKeySecret: text(model.AccessKeySecret),
		SecurityToken:   text(model.SecurityToken),
		Provider:        text(model.ProviderName),
	}
	if key.AccessKeyID == "" || key.AccessKeySecret == "" {
		return Credentials{}, errNoCredentials
	}
	return key, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
