package simulator

import (
	"crypto/sha256"
	"sync"
	"time"
)

// nonceMemory is how long the API remembers a nonce, and how far a request's
// clock may be off.
const nonceMemory = 15 * time.Minute

// maxNonces bounds the memory: at the documented quota an account cannot use more
// within nonceMemory.
const maxNonces = DefaultQuota * int(nonceMemory/time.Second)

// nonces remembers those of the last 15 minutes. Beyond maxNonces the oldest are
// forgotten first.
type nonces struct {
	mu     sync.Mutex
	known  map[nonceKey]struct{}
	oldest []usedNonce // in the order of use
}

type (
	// nonceKey is a hash, so that a nonce's length costs nothing.
	nonceKey  [16]byte
	usedNonce struct {
		key nonceKey
		at  time.Time
	}
)

// add remembers the nonce and returns false if it was known already.
func (n *nonces) add(nonce string, now time.Time) bool {
	sum := sha256.Sum256([]byte(nonce))
	key := nonceKey(sum[:16])
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.oldest) > 0 && now.Sub(n.oldest[0].at) > nonceMemory {
		n.forgetOldest()
	}
	if _, used := n.known[key]; used {
		return false
	}
	for len(n.oldest) >= maxNonces {
		n.forgetOldest()
	}
	if n.known == nil {
		n.known = make(map[nonceKey]struct{})
	}
	n.known[key] = struct{}{}
	n.oldest = append(n.oldest, usedNonce{key, now})
	return true
}

func (n *nonces) forgetOldest() {
	delete(n.known, n.oldest[0].key)
	n.oldest = n.oldest[1:]
}
