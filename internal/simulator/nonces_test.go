package simulator

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestNonceIsGoodOnce(t *testing.T) {
	now := noon
	s := New(twoTasks(), Options{Now: func() time.Time { return now }})
	c := newClient(noon)
	use := func(nonce string) *http.Request {
		c.Now = now
		return c.V3(http.MethodGet, UsageAction, nil, "", func(r *http.Request) { r.Header.Set("x-acs-signature-nonce", nonce) })
	}
	simulatortest.DecodePage(t, simulatortest.Do(s, use("a")))
	simulatortest.WantError(t, simulatortest.Do(s, use("a")), 400, "SignatureNonceUsed")
	simulatortest.DecodePage(t, simulatortest.Do(s, use("b")))
	now = noon.Add(15 * time.Minute)
	simulatortest.WantError(t, simulatortest.Do(s, use("a")), 400, "SignatureNonceUsed")
	now = now.Add(time.Second)
	simulatortest.DecodePage(t, simulatortest.Do(s, use("a")))

	// Who cannot sign cannot use a nonce up.
	c.Secret = "guessed"
	simulatortest.WantError(t, simulatortest.Do(s, use("c")), 400, "SignatureDoesNotMatch")
	c.Secret = DefaultAccessKeySecret
	simulatortest.DecodePage(t, simulatortest.Do(s, use("c")))
}

func TestNoncesAreBounded(t *testing.T) {
	var n nonces
	for i := range maxNonces + 1000 {
		if !n.add(strconv.Itoa(i), noon) {
			t.Fatalf("nonce %d was known", i)
		}
	}
	if len(n.used) != maxNonces || len(n.queue) != maxNonces {
		t.Errorf("%d and %d nonces are remembered, want %d", len(n.used), len(n.queue), maxNonces)
	}
	if n.add(strconv.Itoa(1000), noon) {
		t.Error("the oldest that has room is forgotten")
	}
	if !n.add("999", noon) {
		t.Error("the oldest is remembered in place of a newer one")
	}
}
