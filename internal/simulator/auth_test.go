package simulator

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alicdn_export_exporter/internal/signature"
	"alicdn_export_exporter/internal/simulator/simulatortest"
)

// A way to sign, with and without parameters changed before and after.
func schemes(c *simulatortest.Client) map[string]func(edit func(set func(name, value string))) *http.Request {
	headers := map[string]string{"date": "x-acs-date", "nonce": "x-acs-signature-nonce", "token": "x-acs-security-token"}
	params := map[string]string{"date": "Timestamp", "nonce": "SignatureNonce", "token": "SecurityToken"}
	return map[string]func(edit func(set func(name, value string))) *http.Request{
		"V3": func(edit func(set func(name, value string))) *http.Request {
			return c.V3(http.MethodPost, UsageAction, nil, "", func(r *http.Request) {
				edit(func(name, value string) { setOrDrop(r.Header.Set, r.Header.Del, headers[name], value) })
			})
		},
		"HMAC-SHA1": func(edit func(set func(name, value string))) *http.Request {
			return c.HMACSHA1(http.MethodGet, UsageAction, nil, func(p url.Values) {
				edit(func(name, value string) { setOrDrop(p.Set, p.Del, params[name], value) })
			})
		},
	}
}

func setOrDrop(set func(name, value string), drop func(name string), name, value string) {
	if value == "" {
		drop(name)
		return
	}
	set(name, value)
}

type setter = func(name, value string)

func TestSignatureCodes(t *testing.T) {
	for name, tc := range map[string]struct {
		caller simulatortest.Client
		edit   func(set setter)
		status int
		code   string // empty: accepted
	}{
		"right":                        {},
		"right, default token":         {caller: simulatortest.Client{Token: DefaultSecurityToken}},
		"unknown key":                  {caller: simulatortest.Client{KeyID: "LTAInobody"}, status: 404, code: "InvalidAccessKeyId.NotFound"},
		"unknown temporary key":        {caller: simulatortest.Client{KeyID: "STS.nobody", Token: DefaultSecurityToken}, status: 404, code: "InvalidAccessKeyId.NotFound"},
		"wrong secret":                 {caller: simulatortest.Client{Secret: "guessed"}, status: 400, code: "SignatureDoesNotMatch"},
		"wrong secret and right token": {caller: simulatortest.Client{Secret: "guessed", Token: DefaultSecurityToken}, status: 400, code: "SignatureDoesNotMatch"},
		"wrong token":                  {caller: simulatortest.Client{Token: "old"}, status: 400, code: "InvalidSecurityToken.MismatchWithAccessKey"},
		"no date":                      {edit: func(set setter) { set("date", "") }, status: 400, code: "MissingTimestamp"},
		"no nonce":                     {edit: func(set setter) { set("nonce", "") }, status: 400, code: "MissingSignatureNonce"},
		"date with fraction":           {edit: func(set setter) { set("date", "2026-11-22T12:00:00.5Z") }, status: 400, code: "InvalidTimeStamp.Format"},
		"date with zone":               {edit: func(set setter) { set("date", "2026-11-22T20:00:00+08:00") }, status: 400, code: "InvalidTimeStamp.Format"},
		"date of RFC 1123":             {edit: func(set setter) { set("date", "Sun, 22 Nov 2026 12:00:00 GMT") }, status: 400, code: "InvalidTimeStamp.Format"},
		"date that is none":            {edit: func(set setter) { set("date", "2026-02-30T12:00:00Z") }, status: 400, code: "InvalidTimeStamp.Format"},
		"15 minutes old":               {edit: func(set setter) { set("date", "2026-11-22T11:45:00Z") }},
		"15 minutes early":             {edit: func(set setter) { set("date", "2026-11-22T12:15:00Z") }},
		"older":                        {edit: func(set setter) { set("date", "2026-11-22T11:44:59Z") }, status: 400, code: "InvalidTimeStamp.Expired"},
		"earlier":                      {edit: func(set setter) { set("date", "2026-11-22T12:15:01Z") }, status: 400, code: "InvalidTimeStamp.Expired"},
	} {
		c := tc.caller
		c.Now, c.KeyID, c.Secret = noon, orDefault(c.KeyID, DefaultAccessKeyID), orDefault(c.Secret, DefaultAccessKeySecret)
		if tc.edit == nil {
			tc.edit = func(setter) {}
		}
		for scheme, sign := range schemes(&c) {
			t.Run(scheme+", "+name, func(t *testing.T) {
				w := simulatortest.Do(New(twoTasks(), Options{Now: fixedClock(noon)}), sign(tc.edit))
				if tc.code == "" {
					if w.Code != http.StatusOK {
						t.Errorf("answer %d %s", w.Code, w.Body)
					}
					return
				}
				simulatortest.WantError(t, w, tc.status, tc.code)
			})
		}
	}
}

func TestTokenOfTheServer(t *testing.T) {
	for name, tc := range map[string]struct {
		options   Options
		id, token string
		code      string
	}{
		"given and sent":                  {Options{SecurityToken: "mine"}, DefaultAccessKeyID, "mine", ""},
		"given, default sent":             {Options{SecurityToken: "mine"}, DefaultAccessKeyID, DefaultSecurityToken, "InvalidSecurityToken.MismatchWithAccessKey"},
		"given, none sent":                {Options{SecurityToken: "mine"}, DefaultAccessKeyID, "", "InvalidSecurityToken.Malformed"},
		"temporary key, default sent":     {Options{AccessKeyID: "STS.mine"}, "STS.mine", DefaultSecurityToken, ""},
		"temporary key, none sent":        {Options{AccessKeyID: "STS.mine"}, "STS.mine", "", "InvalidSecurityToken.Malformed"},
		"key of one's own, no token sent": {Options{AccessKeyID: "LTAImine"}, "LTAImine", "", ""},
		"key of one's own, default key":   {Options{AccessKeyID: "LTAImine"}, DefaultAccessKeyID, "", "InvalidAccessKeyId.NotFound"},
	} {
		tc.options.Now = fixedClock(noon)
		c := &simulatortest.Client{KeyID: tc.id, Secret: DefaultAccessKeySecret, Token: tc.token, Now: noon}
		for scheme, sign := range schemes(c) {
			w := simulatortest.Do(New(twoTasks(), tc.options), sign(func(setter) {}))
			if got := simulatortest.DecodeError(t, w).Code; got != tc.code {
				t.Errorf("%s, %s: code %q, want %q", scheme, name, got, tc.code)
			}
		}
	}
}

func TestRotateLeavesNoOldKey(t *testing.T) {
	s := New(twoTasks(), Options{Now: fixedClock(noon)})
	before := newClient(noon)
	after := &simulatortest.Client{KeyID: "STS.second", Secret: "second", Token: "second token", Now: noon, NoncePrefix: "after-"}
	simulatortest.DecodePage(t, simulatortest.Do(s, before.V3(http.MethodGet, UsageAction, nil, "")))
	simulatortest.WantError(t, simulatortest.Do(s, after.V3(http.MethodGet, UsageAction, nil, "")), 404, "InvalidAccessKeyId.NotFound")
	s.SetCredentials(after.KeyID, after.Secret, after.Token)
	simulatortest.WantError(t, simulatortest.Do(s, before.V3(http.MethodGet, UsageAction, nil, "")), 404, "InvalidAccessKeyId.NotFound")
	simulatortest.DecodePage(t, simulatortest.Do(s, after.V3(http.MethodGet, UsageAction, nil, "")))
	after.Token = ""
	simulatortest.WantError(t, simulatortest.Do(s, after.V3(http.MethodGet, UsageAction, nil, "")), 400, "InvalidSecurityToken.Malformed")
}

func TestWhatWasSignedIsWhatWasSent(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	authorization := func(sent, changed string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), sent, changed, 1))
		}
	}
	for name, tc := range map[string]struct {
		after func(*http.Request)
		code  string
	}{
		"other query":            {func(r *http.Request) { r.URL.RawQuery = "PageNumber=2" }, "SignatureDoesNotMatch"},
		"other host":             {func(r *http.Request) { r.Host = "evil.example" }, "SignatureDoesNotMatch"},
		"other method":           {func(r *http.Request) { r.Method = http.MethodGet }, "SignatureDoesNotMatch"},
		"other action":           {header("x-acs-action", DetailAction), "SignatureDoesNotMatch"},
		"other nonce":            {header("x-acs-signature-nonce", "other"), "SignatureDoesNotMatch"},
		"other date":             {header("x-acs-date", "2026-11-22T12:00:01Z"), "SignatureDoesNotMatch"},
		"other body":             {func(r *http.Request) { r.Body = http.NoBody }, "SignatureDoesNotMatch"},
		"a header unsigned":      {header("x-acs-security-token", DefaultSecurityToken), "IncompleteSignature"},
		"host unsigned":          {authorization(";host;", ";"), "IncompleteSignature"},
		"action unsigned":        {authorization("x-acs-action;", ""), "IncompleteSignature"},
		"names out of order":     {authorization("host;x-acs-action", "x-acs-action;host"), "IncompleteSignature"},
		"a name twice":           {authorization("host;", "host;host;"), "IncompleteSignature"},
		"a name in capitals":     {authorization("content-type", "Content-Type"), "IncompleteSignature"},
		"more names than signed": {authorization("=content-type;", "=accept;content-type;"), "SignatureDoesNotMatch"},
		"no signature":           {authorization("Signature=", "Signed="), "IncompleteSignature"},
		"one field more":         {authorization("Signature=", "Region=cn,Signature="), "IncompleteSignature"},
		"blank after comma":      {authorization(",Signature", ", Signature"), "IncompleteSignature"},
		"empty credential":       {authorization(DefaultAccessKeyID, ""), "IncompleteSignature"},
		"another key's id":       {func(r *http.Request) { r.Header.Set("x-acs-accesskey-id", "STS.other") }, "InvalidSecurityToken.MismatchWithAccessKey"},
		"no scheme":              {func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAction"},
		"no body hash":           {func(r *http.Request) { r.Header.Del("x-acs-content-sha256") }, "MissingContentSha256"},
		"nothing changed":        {func(*http.Request) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newClient(noon).V3(http.MethodPost, UsageAction, url.Values{"PageNumber": {"1"}, "Format": {"JSON"}}, `{"a":1}`, header("content-type", "application/json"))
			tc.after(r)
			if r.URL.RawQuery == "PageNumber=2" {
				r.URL.RawQuery += "&Format=JSON"
			}
			if got := simulatortest.DecodeError(t, simulatortest.Do(New(twoTasks(), Options{Now: fixedClock(noon)}), r)).Code; got != tc.code {
				t.Errorf("code %q, want %q", got, tc.code)
			}
		})
	}
}

// The body hash in the header and in the signature must both be the body's.
func TestBodyHashIsThatOfTheBody(t *testing.T) {
	other := strings.Repeat("0", 64)
	body := sha256.Sum256([]byte("body"))
	for name, signed := range map[string]string{"header and signature": other, "header alone": hex.EncodeToString(body[:])} {
		c := newClient(noon)
		r := c.V3(http.MethodPost, UsageAction, nil, "body", func(r *http.Request) { r.Header.Set("x-acs-content-sha256", other) })
		headers := []signature.Header{{Name: "host", Value: r.Host}}
		for name := range r.Header {
			if name := strings.ToLower(name); name != "authorization" {
				headers = append(headers, signature.Header{Name: name, Value: r.Header.Get(name)})
			}
		}
		names, sum := signature.V3(c.Secret, r.Method, r.URL.Query(), headers, signed)
		r.Header.Set("Authorization", signature.AlgorithmV3+" Credential="+c.KeyID+",SignedHeaders="+names+",Signature="+sum)
		if code := simulatortest.DecodeError(t, simulatortest.Do(New(twoTasks(), Options{Now: fixedClock(noon)}), r)).Code; code != "SignatureDoesNotMatch" {
			t.Errorf("another hash in %s: code %q", name, code)
		}
	}
}

func TestHMACSHA1CoversEveryParameter(t *testing.T) {
	edit := func(name, value string) func(url.Values) {
		return func(p url.Values) { setOrDrop(p.Set, p.Del, name, value) }
	}
	for name, tc := range map[string]struct {
		before, after func(url.Values)
		code          string
	}{
		"changed":         {after: edit("PageSize", "50"), code: "SignatureDoesNotMatch"},
		"added":           {after: edit("PageNumber", "2"), code: "SignatureDoesNotMatch"},
		"added, empty":    {after: func(p url.Values) { p.Set("SignatureType", "") }, code: "SignatureDoesNotMatch"},
		"signed, empty":   {before: func(p url.Values) { p.Set("SignatureType", "") }},
		"odd characters":  {before: edit("Extra", "a b*~+/=&出")},
		"no signature":    {after: edit("Signature", ""), code: "MissingSignature"},
		"no key":          {after: edit("AccessKeyId", ""), code: "MissingAccessKeyId"},
		"no key, nothing": {after: func(p url.Values) { p.Del("AccessKeyId"); p.Del("Signature") }, code: "MissingAccessKeyId"},
		"other method":    {before: edit("SignatureMethod", "HMAC-SHA256"), code: "IncompleteSignature"},
		"other version":   {before: edit("SignatureVersion", "2.0"), code: "IncompleteSignature"},
		"no method":       {before: edit("SignatureMethod", ""), code: "MissingSignatureMethod"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(method+", "+name, func(t *testing.T) {
				var edits []func(url.Values)
				if tc.before != nil {
					edits = append(edits, tc.before)
				}
				r := newClient(noon).HMACSHA1(method, UsageAction, url.Values{"PageSize": {"2"}}, edits...)
				if tc.after != nil {
					r = edited(t, r, tc.after)
				}
				if got := simulatortest.DecodeError(t, simulatortest.Do(New(twoTasks(), Options{Now: fixedClock(noon)}), r)).Code; got != tc.code {
					t.Errorf("code %q, want %q", got, tc.code)
				}
			})
		}
	}
}

// edited changes the parameters of a signed request.
func edited(t *testing.T, r *http.Request, edit func(url.Values)) *http.Request {
	t.Helper()
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	edit(r.Form)
	if r.Method == http.MethodGet {
		return httptest.NewRequest(r.Method, "http://cdn.example/?"+r.Form.Encode(), http.NoBody)
	}
	changed := httptest.NewRequest(r.Method, "http://cdn.example/", strings.NewReader(r.Form.Encode()))
	changed.Header = r.Header
	return changed
}

// The trap for a client that shows the API's messages: they hold the key's id and
// the token.
func TestMismatchEchoesWhatTheServerSigned(t *testing.T) {
	c := &simulatortest.Client{KeyID: DefaultAccessKeyID, Secret: "guessed", Token: DefaultSecurityToken, Now: noon}
	v3 := simulatortest.WantError(t, simulatortest.Do(New(twoTasks(), Options{Now: fixedClock(noon)}), c.V3(http.MethodPost, UsageAction, url.Values{"PageSize": {"50"}}, "")), 400, "SignatureDoesNotMatch")
	const names = "host;x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version"
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	want := "Specified signature is not matched with our calculation. server string to sign is:" +
		"POST\n/\nPageSize=50\nhost:cdn.example\nx-acs-accesskey-id:" + DefaultAccessKeyID + "\nx-acs-action:" + UsageAction +
		"\nx-acs-content-sha256:" + empty + "\nx-acs-date:2026-11-22T12:00:00Z\nx-acs-security-token:" + DefaultSecurityToken +
		"\nx-acs-signature-nonce:nonce-1\nx-acs-version:2018-05-10\n\n" + names + "\n" + empty
	if v3.Message != want {
		t.Errorf("V3:\n%s\nwant\n%s", v3.Message, want)
	}
	old := simulatortest.WantError(t, simulatortest.Do(New(twoTasks(), Options{Now: fixedClock(noon)}), c.HMACSHA1(http.MethodGet, UsageAction, nil)), 400, "SignatureDoesNotMatch")
	want = "Specified signature is not matched with our calculation. server string to sign is:" +
		"GET&%2F&AccessKeyId%3D" + DefaultAccessKeyID + "%26Action%3D" + UsageAction + "%26Format%3DJSON%26SecurityToken%3D" + DefaultSecurityToken +
		"%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3Dnonce-2%26SignatureVersion%3D1.0%26Timestamp%3D2026-11-22T12%253A00%253A00Z%26Version%3D2018-05-10"
	if old.Message != want {
		t.Errorf("HMAC-SHA1:\n%s\nwant\n%s", old.Message, want)
	}
}

// Requests that the official clients sent once, byte for byte: each is accepted
// once, at its time, by a server that knows their key.
func TestRecordedRequestsAreAccepted(t *testing.T) {
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
				for i := range 2 {
					r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
					if err != nil {
						t.Fatal(err)
					}
					w := simulatortest.Do(s, r)
					if i == 1 {
						simulatortest.WantError(t, w, 400, "SignatureNonceUsed")
					} else if p := simulatortest.DecodePage(t, w); p.TotalCount != 2 || p.PageSize != 50 {
						t.Errorf("page %+v", p)
					}
				}
			}
		})
	}
}
