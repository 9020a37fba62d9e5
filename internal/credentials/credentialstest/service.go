// Package credentialstest fakes the services that supply temporary keys: STS, the ECS metadata service and a
// credentials URI. Through its Proxy, clients reach the fakes under the real host names. Only tests may import it.
package credentialstest

import (
	"net/http"
	"sync"
	"time"
)

// Key is an access key. Token is empty for a permanent key.
type Key struct{ ID, Secret, Token string }

// timeFormat is the format of times in requests and responses: UTC, whole seconds.
const timeFormat = "2006-01-02T15:04:05Z"

// Service is the common part of STS, Metadata and URI: the key that they supply. It is safe for concurrent use.
type Service struct {
	mu       sync.Mutex
	key      Key
	lifetime time.Duration
	failure  http.HandlerFunc
	calls    int
}

// Issue sets the key that the service supplies. In each response, the key expires lifetime after the request.
func (s *Service) Issue(key Key, lifetime time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.lifetime, s.failure = key, lifetime, nil
}

// Fail makes answer handle all requests for a key until the next call of Issue.
func (s *Service) Fail(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = answer
}

// Calls returns the number of requests for a key, including refused ones.
func (s *Service) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// countAndFail counts a request for a key. After Fail, it also answers the request and returns true.
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

// session is a key in the JSON of the services.
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
		Expiration: time.Now().Add(s.lifetime).UTC().Format(timeFormat),
	}
}
