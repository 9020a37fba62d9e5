package simulator

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestAuthHMACSHA1(t *testing.T) {
	t.Run("the signature covers every parameter", func(t *testing.T) {
		set := func(name, value string) func(url.Values) {
			return func(p url.Values) { p.Set(name, value) }
		}
		remove := func(names ...string) func(url.Values) {
			return func(p url.Values) {
				for _, name := range names {
					p.Del(name)
				}
			}
		}
		for name, tc := range map[string]struct {
			before, after func(url.Values) // change the parameters before and after they are signed
			code          string           // empty: accepted
		}{
			"changed":                {after: set("PageSize", "50"), code: "SignatureDoesNotMatch"},
			"added":                  {after: set("PageNumber", "2"), code: "SignatureDoesNotMatch"},
			"added, empty":           {after: set("SignatureType", ""), code: "SignatureDoesNotMatch"},
			"signed, empty":          {before: set("SignatureType", "")},
			"special characters":     {before: set("Extra", "a b*~+/=&出")},
			"no signature":           {after: remove("Signature"), code: "MissingSignature"},
			"no key":                 {after: remove("AccessKeyId"), code: "MissingAccessKeyId"},
			"no key, no signature":   {after: remove("AccessKeyId", "Signature"), code: "MissingAccessKeyId"},
			"other signature method": {before: set("SignatureMethod", "HMAC-SHA256"), code: "IncompleteSignature"},
			"other version":          {before: set("SignatureVersion", "2.0"), code: "IncompleteSignature"},
			"no signature method":    {before: remove("SignatureMethod"), code: "MissingSignatureMethod"},
		} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				t.Run(method+", "+name, func(t *testing.T) {
					var edits []func(url.Values)
					if tc.before != nil {
						edits = append(edits, tc.before)
					}
					r := newClient(noon).HMACSHA1(method, UsageAction, url.Values{"PageSize": {"2"}}, edits...)
					if tc.after != nil {
						r = changeParams(t, r, tc.after)
					}
					if got := simulatortest.DecodeError(t, simulatortest.Do(newServer(), r)).Code; got != tc.code {
						t.Errorf("code %q, want %q", got, tc.code)
					}
				})
			}
		}
	})

	// The message contains the key id and the token, a trap for clients that log it.
	t.Run("a wrong signature gets the string that the server signed", func(t *testing.T) {
		c := newClient(noon)
		c.Secret, c.Token = "guessed", DefaultSecurityToken
		w := simulatortest.Do(newServer(), c.HMACSHA1(http.MethodGet, UsageAction, nil))
		want := "Specified signature is not matched with our calculation. server string to sign is:GET&%2F&" +
			strings.Join([]string{
				"AccessKeyId%3D" + DefaultAccessKeyID,
				"Action%3D" + UsageAction,
				"Format%3DJSON",
				"SecurityToken%3D" + DefaultSecurityToken,
				"SignatureMethod%3DHMAC-SHA1",
				"SignatureNonce%3Dnonce-1",
				"SignatureVersion%3D1.0",
				"Timestamp%3D2026-11-22T12%253A00%253A00Z",
				"Version%3D2018-05-10",
			}, "%26")
		if got := simulatortest.WantError(t, w, 400, "SignatureDoesNotMatch").Message; got != want {
			t.Errorf("message:\n%s\nwant\n%s", got, want)
		}
	})
}

// changeParams returns r with changed parameters and the old signature.
func changeParams(t *testing.T, r *http.Request, change func(url.Values)) *http.Request {
	t.Helper()
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	change(r.Form)
	if r.Method == http.MethodGet {
		return httptest.NewRequest(r.Method, "http://cdn.example/?"+r.Form.Encode(), http.NoBody)
	}
	changed := httptest.NewRequest(r.Method, "http://cdn.example/", strings.NewReader(r.Form.Encode()))
	changed.Header = r.Header
	return changed
}
