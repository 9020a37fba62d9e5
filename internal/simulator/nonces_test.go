package simulator

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestNonces(t *testing.T) {
	t.Run("a nonce is accepted once in 15 minutes", func(t *testing.T) {
		now := noon
		s := New(twoTasks(), Options{Now: func() time.Time { return now }})
		c := newClient(noon)
		request := func(nonce string) *http.Request {
			c.Now = now
			return c.V3(http.MethodGet, UsageAction, nil, "", func(r *http.Request) {
				r.Header.Set("x-acs-signature-nonce", nonce)
			})
		}
		simulatortest.DecodePage(t, simulatortest.Do(s, request("a")))
		simulatortest.WantError(t, simulatortest.Do(s, request("a")), 400, "SignatureNonceUsed")
		simulatortest.DecodePage(t, simulatortest.Do(s, request("b")))
		now = noon.Add(15 * time.Minute)
		simulatortest.WantError(t, simulatortest.Do(s, request("a")), 400, "SignatureNonceUsed")
		now = now.Add(time.Second)
		simulatortest.DecodePage(t, simulatortest.Do(s, request("a")))

		// A request with a wrong signature does not use up its nonce.
		c.Secret = "guessed"
		simulatortest.WantError(t, simulatortest.Do(s, request("c")), 400, "SignatureDoesNotMatch")
		c.Secret = DefaultAccessKeySecret
		simulatortest.DecodePage(t, simulatortest.Do(s, request("c")))
	})

	t.Run("at most maxNonces are remembered, the newest", func(t *testing.T) {
		var n nonces
		for i := range maxNonces + 1000 {
			if !n.add(strconv.Itoa(i), noon) {
				t.Fatalf("nonce %d was used already", i)
			}
		}
		if len(n.used) != maxNonces || len(n.queue) != maxNonces {
			t.Errorf("%d and %d nonces are remembered, want %d", len(n.used), len(n.queue), maxNonces)
		}
		if n.add(strconv.Itoa(1000), noon) {
			t.Errorf("the oldest of the newest %d nonces was forgotten", maxNonces)
		}
		if !n.add("999", noon) {
			t.Errorf("more than the newest %d nonces are remembered", maxNonces)
		}
	})
}
