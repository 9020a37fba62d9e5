package apiclient

import (
	"context"
	"regexp"
	"sync"
	"time"

	"github.com/aliyun/credentials-go/credentials"
	"golang.org/x/sync/singleflight"
)

// How often a source is asked, and how often the default chain is built anew. The
// library renews a token 180 s before its end, so a key is never older than
// it may be; what its chain keeps for ever (a profile, that it failed) is read
// again with the next one.
const (
	keyLifetime   = 30 * time.Second
	chainLifetime = 5 * time.Minute
	// renewalPatience is how long a renewal may hold up who has a key already.
	renewalPatience = time.Second
)

// KeySource gets an account's key in the way that its settings say. It makes
// github.com/aliyun/credentials-go safe for concurrent use and bounded by a
// context, picks up a key that was changed in a file, and goes on with the last
// key while a new one cannot be had, until the API rejects it.
type KeySource struct {
	settings KeySettings
	build    func(keyInputs) (credentials.Credential, error)
	fetches  singleflight.Group

	// Only the one fetch in flight uses these four.
	library credentials.Credential // nil to have it built anew
	inputs  keyInputs              // that it was built with
	builtAt time.Time
	trouble string // that Renewed was told last

	mu        sync.Mutex
	last      Credentials // zero without one
	fetchedAt time.Time
	rejected  bool // what gave the last key has to be built anew
}

// NewKeySource returns a source that has not looked for a key yet.
func NewKeySource(settings KeySettings) *KeySource {
	return &KeySource{settings: settings, build: settings.build}
}

// Credentials returns the key that is known, or fetches one.
func (s *KeySource) Credentials(ctx context.Context) (Credentials, error) {
	last, fresh := s.known()
	if fresh {
		return last, nil
	}
	// The library takes no context: a fetch that is given up goes on by itself,
	// within the library's own timeouts, and the next caller finds its result.
	fetched := s.fetches.DoChan("", func() (any, error) { return s.fetch() })
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
	if last, _ = s.known(); last != (Credentials{}) {
		return last, nil
	}
	return Credentials{}, err
}

// Reject forgets the key, if it is still the one in use, and what gave it.
func (s *KeySource) Reject(key Credentials) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == key {
		s.last = Credentials{}
		s.rejected = true
	}
}

func (s *KeySource) known() (last Credentials, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.last != (Credentials{}) && time.Since(s.fetchedAt) < keyLifetime
}

func (s *KeySource) fetch() (Credentials, error) {
	for {
		s.prepare()
		key, err := s.ask()
		if s.keep(key, err) {
			s.tell(err)
			return key, err
		}
	}
}

// localPort is another one with each connection. The trouble is the same.
var localPort = regexp.MustCompile(`:\d+->`)

// tell tells of a change. While there is no key, whoever wants one has the error.
func (s *KeySource) tell(err error) {
	last, _ := s.known()
	if s.settings.Renewed == nil || err != nil && last == (Credentials{}) {
		return
	}
	trouble := ""
	if err != nil {
		trouble = localPort.ReplaceAllString(err.Error(), "->")
	}
	if trouble != s.trouble {
		s.trouble = trouble
		s.settings.Renewed(err)
	}
}

// prepare forgets what would give an old key again.
func (s *KeySource) prepare() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rejected || s.settings.isDefault() && time.Since(s.builtAt) >= chainLifetime {
		s.library = nil
		s.rejected = false
	}
}

// keep reports whether what was fetched counts: a key that was rejected meanwhile
// may be the same one.
func (s *KeySource) keep(key Credentials, err error) bool {
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

// ask survives the library's panics as well as its errors. While nothing changes it
// asks the same provider, which renews what it has only when that is about to end.
func (s *KeySource) ask() (key Credentials, err error) {
	inputs, err := s.settings.read()
	if err != nil {
		return Credentials{}, s.settings.failure(err.Error())
	}
	defer func() {
		if recover() != nil {
			key, err = Credentials{}, s.settings.noKey(nil)
		}
		if err != nil {
			s.library = nil // A chain that failed once fails for ever.
		}
	}()
	if s.library == nil || s.inputs != inputs {
		if s.library, err = s.build(inputs); err != nil {
			return Credentials{}, s.settings.noKey(err)
		}
		s.inputs, s.builtAt = inputs, time.Now()
	}
	model, err := s.library.GetCredential()
	if err != nil {
		return Credentials{}, s.settings.noKey(err)
	}
	key = Credentials{
		AccessKeyID:     text(model.AccessKeyId),
		AccessKeySecret: text(model.AccessKeySecret),
		SecurityToken:   text(model.SecurityToken),
		Provider:        s.settings.Type,
	}
	if s.settings.isDefault() {
		key.Provider = text(model.ProviderName) // Which of the chain it was.
	}
	if key.AccessKeyID == "" || key.AccessKeySecret == "" {
		return Credentials{}, s.settings.noKey(nil)
	}
	return key, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
