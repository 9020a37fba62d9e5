// Package keyservice stands in, as local servers, for the services that give out
// temporary keys: STS, the metadata service of ECS and a credentials URI; and for
// the network on which official clients look for them. Tests use it.
package keyservice

import (
	"net/http"
	"sync"
	"time"
)

// Key is a key as the services give it out. It is made up.
type Key struct{ ID, Secret, Token string }

// expiration is the format of a key's end: UTC, whole seconds.
const expiration = "2006-01-02T15:04:05Z"

// Issuer decides what a service answers to who may have a key. It is safe for
// concurrent use.
type Issuer struct {
	mu      sync.Mutex
	key     Key
	life    time.Duration
	instead http.HandlerFunc
	calls   int
}

// Issue makes the service give out a key that ends after a time.
func (i *Issuer) Issue(key Key, life time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key, i.life, i.instead = key, life, nil
}

// Fail makes the service answer in another way than its own, until Issue.
func (i *Issuer) Fail(instead http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.instead = instead
}

// Calls counts the requests for a key, refused ones included.
func (i *Issuer) Calls() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.calls
}

// failed counts a request for a key, and answers it where the service fails.
func (i *Issuer) failed(w http.ResponseWriter, r *http.Request) bool {
	i.mu.Lock()
	i.calls++
	instead := i.instead
	i.mu.Unlock()
	if instead != nil {
		instead(w, r)
	}
	return instead != nil
}

// session is a key in an answer.
type session struct {
	Code            string `json:",omitempty"` // only some services have it
	AccessKeyID     string `json:"AccessKeyId"`
	AccessKeySecret string
	SecurityToken   string
	Expiration      string
}

func (i *Issuer) session() session {
	i.mu.Lock()
	defer i.mu.Unlock()
	return session{
		AccessKeyID: i.key.ID, AccessKeySecret: i.key.Secret, SecurityToken: i.key.Token,
		Expiration: time.Now().Add(i.life).UTC().Format(expiration),
	}
}
