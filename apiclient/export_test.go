package apiclient

import (
	"net/http"
	"time"

	"github.com/aliyun/credentials-go/credentials"
)

// NewChain returns a default chain over another source than the library's own.
func NewChain(build func() (credentials.Credential, error)) *KeySource {
	return &KeySource{build: func(keyInputs) (credentials.Credential, error) { return build() }}
}

// Age makes what a source knows older, where fake time cannot: with real HTTP.
func Age(s *KeySource, by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetchedAt = s.fetchedAt.Add(-by)
	s.builtAt = s.builtAt.Add(-by)
}

// Expire makes a source ask for its key anew with the next call, and is safe at any time.
func Expire(s *KeySource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetchedAt = time.Time{}
}

// Tell is what a source does with the outcome of a renewal.
func Tell(s *KeySource, err error) { s.tell(err) }

// DecodePage reads the body of a successful answer.
func DecodePage(body []byte) (Page, error) { return decodePage(body, nil) }

// AnswerError is the error in an answer.
func AnswerError(status int, body []byte) error {
	return answerError(&http.Response{StatusCode: status}, body, time.Now())
}
