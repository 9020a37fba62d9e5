package simulator

import (
	"crypto/sha256"
	"sync"
	"time"
)

// nonceLifetime is how long the API remembers a nonce. It is also the largest
// accepted difference between the date of a request and the server's clock.
const nonceLifetime = 15 * time.Minute

// maxNonces is the number of nonces that an account can use within nonceLifetime
// at the documented quota.
const maxNonces = DefaultQuota * int(nonceLifetime/time.Second)

// nonces remembers the nonces of the last nonceLifetime, but at most the newest
// maxNonces.
type nonces struct {
	mu    sync.Mutex
	used  map[nonceHash]struct{}
	queue []usedNonce // oldest first
}

// nonceHash has a fixed size, however long the nonce is.
type nonceHash [16]byte

type usedNonce struct {
	hash   nonceHash
	usedAt time.Time
}

// add remembers a nonce. It returns false if the nonce was used already.
func (n *nonces) add(nonce string, now time.Time) bool {
	sum := sha256.Sum256([]byte(nonce))
	hash := nonceHash(sum[:16])
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.queue) > 0 && now.Sub(n.queue[0].usedAt) > nonceLifetime {
		n.dropOldest()
	}
	if _, used := n.used[hash]; used {
		return false
	}
	for len(n.queue) >= maxNonces {
		n.dropOldest()
	}
	if n.used == nil {
		n.used = make(map[nonceHash]struct{})
	}
	n.used[hash] = struct{}{}
	n.queue = append(n.queue, usedNonce{hash, now})
	return true
}

func (n *nonces) dropOldest() {
	delete(n.used, n.queue[0].hash)
	n.queue = n.queue[1:]
}
