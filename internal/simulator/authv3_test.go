package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestAuthV3(t *testing.T) {
	t.Run("a request that is changed after it was signed", func(t *testing.T) {
		const (
			noMatch    = "SignatureDoesNotMatch"
			incomplete = "IncompleteSignature"
		)
		header := func(name, value string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set(name, value) }
		}
		authorization := func(old, changed string) func(*http.Request) {
			return func(r *http.Request) {
				r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, changed, 1))
			}
		}
		for name, tc := range map[string]struct {
			change func(*http.Request)
			code   string
		}{
			"nothing changed":        {func(*http.Request) {}, ""},
			"other query":            {func(r *http.Request) { r.URL.RawQuery = "PageNumber=2&Format=JSON" }, noMatch},
			"other host":             {func(r *http.Request) { r.Host = "evil.example" }, noMatch},
			"other method":           {func(r *http.Request) { r.Method = http.MethodGet }, noMatch},
			"other action":           {header("x-acs-action", DetailAction), noMatch},
			"other nonce":            {header("x-acs-signature-nonce", "other"), noMatch},
			"other date":             {header("x-acs-date", "2026-11-22T12:00:01Z"), noMatch},
			"other body":             {func(r *http.Request) { r.Body = http.NoBody }, noMatch},
			"header not signed":      {header("x-acs-security-token", DefaultSecurityToken), incomplete},
			"host not signed":        {authorization(";host;", ";"), incomplete},
			"action not signed":      {authorization("x-acs-action;", ""), incomplete},
			"names not sorted":       {authorization("host;x-acs-action", "x-acs-action;host"), incomplete},
			"duplicate name":         {authorization("host;", "host;host;"), incomplete},
			"name in capitals":       {authorization("content-type", "Content-Type"), incomplete},
			"more names than signed": {authorization("=content-type;", "=accept;content-type;"), noMatch},
			"no signature":           {authorization("Signature=", "Signed="), incomplete},
			"additional field":       {authorization("Signature=", "Region=cn,Signature="), incomplete},
			"space after comma":      {authorization(",Signature", ", Signature"), incomplete},
			"empty credential":       {authorization(DefaultAccessKeyID, ""), incomplete},
			"id of another key":      {header("x-acs-accesskey-id", "STS.other"), "InvalidSecurityToken.MismatchWithAccessKey"},
			"no scheme":              {func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAction"},
			"no body hash":           {func(r *http.Request) { r.Header.Del("x-acs-content-sha256") }, "MissingContentSha256"},
		} {
			t.Run(name, func(t *testing.T) {
				query := url.Values{"PageNumber": {"1"}, "Format": {"JSON"}}
				r := newClient(noon).V3(http.MethodPost, UsageAction, query, `{"a":1}`, header("content-type", "application/json"))
				tc.change(r)
				if got := simulatortest.DecodeError(t, simulatortest.Do(newServer(), r)).Code; got != tc.code {
					t.Errorf("code %q, want %q", got, tc.code)
				}
			})
		}
	})

	// Both the hash in the header and the hash in the signature must be correct.
	t.Run("a wrong body hash", func(t *testing.T) {
		wrong := strings.Repeat("0", 64)
		correct := sha256.Sum256([]byte("body"))
		for name, signed := range map[string]string{
			"in header and signature": wrong,
			"in the header only":      hex.EncodeToString(correct[:]),
		} {
			c := newClient(noon)
			r := c.V3(http.MethodPost, UsageAction, nil, "body", func(r *http.Request) {
				r.Header.Set("x-acs-content-sha256", wrong)
			})
			c.SignV3(r, signed)
			w := simulatortest.Do(newServer(), r)
			if code := simulatortest.DecodeError(t, w).Code; code != "SignatureDoesNotMatch" {
				t.Errorf("%s: code %q", name, code)
			}
		}
	})

	// The message contains the key id and the token, a trap for clients that log it.
	t.Run("a wrong signature gets the string that the server signed", func(t *testing.T) {
		c := newClient(noon)
		c.Secret, c.Token = "guessed", DefaultSecurityToken
		w := simulatortest.Do(newServer(), c.V3(http.MethodPost, UsageAction, url.Values{"PageSize": {"50"}}, ""))
		const emptyBodyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
		want := "Specified signature is not matched with our calculation. server string to sign is:" + strings.Join([]string{
			"POST",
			"/",
			"PageSize=50",
			"host:cdn.example",
			"x-acs-accesskey-id:" + DefaultAccessKeyID,
			"x-acs-action:" + UsageAction,
			"x-acs-content-sha256:" + emptyBodyHash,
			"x-acs-date:2026-11-22T12:00:00Z",
			"x-acs-security-token:" + DefaultSecurityToken,
			"x-acs-signature-nonce:nonce-1",
			"x-acs-version:2018-05-10",
			"",
			"host;x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-date;" +
				"x-acs-security-token;x-acs-signature-nonce;x-acs-version",
			emptyBodyHash,
		}, "\n")
		if got := simulatortest.WantError(t, w, 400, "SignatureDoesNotMatch").Message; got != want {
			t.Errorf("message:\n%s\nwant\n%s", got, want)
		}
	})
}
