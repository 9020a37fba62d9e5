package simulator

import (
	"bufio"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

// schemes returns, for each signature scheme, a function that makes a signed request.
// Before it is signed, the values in changes replace its date, nonce or token; an
// empty value removes it.
func schemes(c *simulatortest.Client) map[string]func(changes map[string]string) *http.Request {
	headers := map[string]string{
		"date": "x-acs-date", "nonce": "x-acs-signature-nonce", "token": "x-acs-security-token",
	}
	params := map[string]string{"date": "Timestamp", "nonce": "SignatureNonce", "token": "SecurityToken"}
	return map[string]func(changes map[string]string) *http.Request{
		"V3": func(changes map[string]string) *http.Request {
			return c.V3(http.MethodPost, UsageAction, nil, "", func(r *http.Request) {
				for name, value := range changes {
					setOrRemove(r.Header, headers[name], value)
				}
			})
		},
		"HMAC-SHA1": func(changes map[string]string) *http.Request {
			return c.HMACSHA1(http.MethodGet, UsageAction, nil, func(p url.Values) {
				for name, value := range changes {
					setOrRemove(p, params[name], value)
				}
			})
		},
	}
}

// setOrRemove sets a header or a parameter, or removes it if value is empty.
func setOrRemove(values interface {
	Set(name, value string)
	Del(name string)
}, name, value string,
) {
	if value == "" {
		values.Del(name)
	} else {
		values.Set(name, value)
	}
}

func TestAuthenticate(t *testing.T) {
	type client = simulatortest.Client
	type changes = map[string]string
	const defaultToken = DefaultSecurityToken
	for name, tc := range map[string]struct {
		client  client // the default key where fields are empty
		changes changes
		status  int
		code    string // empty: accepted
	}{
		"correct":                {},
		"correct, default token": {client: client{Token: defaultToken}},
		"unknown key":            {client{KeyID: "LTAIunknown"}, nil, 404, "InvalidAccessKeyId.NotFound"},
		"unknown temporary key": {
			client{KeyID: "STS.unknown", Token: defaultToken}, nil, 404, "InvalidAccessKeyId.NotFound",
		},
		"wrong secret":                {client{Secret: "guessed"}, nil, 400, "SignatureDoesNotMatch"},
		"wrong secret, correct token": {client{Secret: "guessed", Token: defaultToken}, nil, 400, "SignatureDoesNotMatch"},
		"wrong token":                 {client{Token: "old"}, nil, 400, "InvalidSecurityToken.MismatchWithAccessKey"},

		"no date":               {client{}, changes{"date": ""}, 400, "MissingTimestamp"},
		"no nonce":              {client{}, changes{"nonce": ""}, 400, "MissingSignatureNonce"},
		"date with fraction":    {client{}, changes{"date": "2026-11-22T12:00:00.5Z"}, 400, "InvalidTimeStamp.Format"},
		"date with zone":        {client{}, changes{"date": "2026-11-22T20:00:00+08:00"}, 400, "InvalidTimeStamp.Format"},
		"date of RFC 1123":      {client{}, changes{"date": "Sun, 22 Nov 2026 12:00:00 GMT"}, 400, "InvalidTimeStamp.Format"},
		"date does not exist":   {client{}, changes{"date": "2026-02-30T12:00:00Z"}, 400, "InvalidTimeStamp.Format"},
		"15 minutes late":       {client{}, changes{"date": "2026-11-22T11:45:00Z"}, 0, ""},
		"15 minutes early":      {client{}, changes{"date": "2026-11-22T12:15:00Z"}, 0, ""},
		"over 15 minutes late":  {client{}, changes{"date": "2026-11-22T11:44:59Z"}, 400, "InvalidTimeStamp.Expired"},
		"over 15 minutes early": {client{}, changes{"date": "2026-11-22T12:15:01Z"}, 400, "InvalidTimeStamp.Expired"},
	} {
		c := tc.client
		c.Now = noon
		c.KeyID, c.Secret = orDefault(c.KeyID, DefaultAccessKeyID), orDefault(c.Secret, DefaultAccessKeySecret)
		for scheme, sign := range schemes(&c) {
			t.Run(scheme+", "+name, func(t *testing.T) {
				w := simulatortest.Do(newServer(), sign(tc.changes))
				if tc.code == "" {
					if w.Code != http.StatusOK {
						t.Errorf("response %d %s", w.Code, w.Body)
					}
					return
				}
				simulatortest.WantError(t, w, tc.status, tc.code)
			})
		}
	}

	t.Run("recorded requests of the official clients", testRecordedRequests)
}

// Each request was recorded byte for byte. A server with the right key must accept it once, at the time of the
// recording.
func testRecordedRequests(t *testing.T) {
	files, err := filepath.Glob("../signature/testdata/*.txt")
	if err != nil || len(files) != 4 {
		t.Fatalf("recorded requests: %v, %v", files, err)
	}
	recorded := time.Date(2026, time.November, 22, 20, 13, 0, 0, time.UTC)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			options := Options{Now: fixedClock(recorded), AccessKeyID: "LTAItestid", AccessKeySecret: "testsecret"}
			if strings.Contains(file, "sts") {
				options.AccessKeyID, options.SecurityToken = "STS.testid", "testtoken"
			}
			s := New(twoTasks(), options)
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range strings.Split(string(content), "---- conn")[1:] {
				_, raw, _ := strings.Cut(part, "\n")
				parse := func() *http.Request {
					r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
					if err != nil {
						t.Fatal(err)
					}
					return r
				}
				p := simulatortest.DecodePage(t, simulatortest.Do(s, parse()))
				if p.TotalCount != 2 || p.PageSize != 50 {
					t.Errorf("page %+v", p)
				}
				simulatortest.WantError(t, simulatortest.Do(s, parse()), 400, "SignatureNonceUsed")
			}
		})
	}
}
