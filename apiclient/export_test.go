package apiclient

import (
	"net/http"
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

// DecodePage reads the body of a successful answer.
func DecodePage(body []byte) (Page, error) { return decodePage(body, nil) }

// AnswerError is the error in an answer.
func AnswerError(status int, body []byte) error {
	return answerError(&http.Response{StatusCode: status}, body, time.Now())
}
