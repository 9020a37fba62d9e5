// Package credentialstest has stand-ins for the services that give out temporary
// keys: STS, the ECS metadata service and a credentials URI. Its Proxy leads an HTTP
// client to them under their real host names. Only tests may import it.
package credentialstest

import (
	"net/http"
	"sync"
	"time"
)

// Key is a temporary key, or the key that assumes a role. Token may be empty.
type Key struct{ ID, Secret, Token string }

// expirationFormat is the format of a key's expiration: UTC, whole seconds.
const expirationFormat = "2006-01-02T15:04:05Z"

// Service is what STS, Metadata and URI share: the key that they give out. It is safe
// for concurrent use.
type Service struct {
	mu       sync.Mutex
	key      Key
	lifetime time.Duration
	failure  http.HandlerFunc
	calls    int
}

// Issue sets the key that the service gives out. Each answer says that the key
// expires after lifetime.
func (s *Service) Issue(key Key, lifetime time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.lifetime, s.failure = key, lifetime, nil
}

// Fail makes answer handle all requests for a key until the next Issue.
func (s *Service) Fail(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = answer
}

// Calls returns the number of requests for a key, refused ones included.
func (s *Service) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// countAndFail counts a request for a key. It returns true if it has answered the
// request because of Fail.
func (s *Service) countAndFail(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	s.calls++
	failure := s.failure
	s.mu.Unlock()
	if failure == nil {
		return false
	}
	failure(w, r)
	return true
}

// session is the key as the services write it.
type session struct {
	Code            string `json:",omitempty"` // "Success"; STS has no code.
	AccessKeyID     string `json:"AccessKeyId"`
	AccessKeySecret string
	SecurityToken   string
	Expiration      string
}

func (s *Service) session(code string) session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return session{
		Code: code, AccessKeyID: s.key.ID, AccessKeySecret: s.key.Secret, SecurityToken: s.key.Token,
		Expiration: time.Now().Add(s.lifetime).UTC().Format(expirationFormat),
	}
}
