package simulator

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"alicdn_export_exporter/internal/signature"
)

// noon is when most tests take place: a Sunday in the third week of a month.
var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

// client makes signed requests for a server.
type client struct {
	id, secret, token string
	now               time.Time
	nonces            int
}

func clientAt(now time.Time) *client {
	return &client{id: DefaultAccessKeyID, secret: DefaultAccessKeySecret, now: now}
}

func (c *client) nonce() string {
	c.nonces++
	return "nonce-" + strconv.Itoa(c.nonces)
}

// v3 signs a request by V3, after an edit of what is to be signed.
func (c *client) v3(method, action string, query url.Values, body string, edits ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(method, "http://cdn.example/?"+query.Encode(), strings.NewReader(body))
	sum := sha256.Sum256([]byte(body))
	r.Header.Set("x-acs-action", action)
	r.Header.Set("x-acs-version", Version)
	r.Header.Set("x-acs-date", c.now.UTC().Format(timeFormat))
	r.Header.Set("x-acs-signature-nonce", c.nonce())
	r.Header.Set("x-acs-content-sha256", hex.EncodeToString(sum[:]))
	if c.token != "" {
		r.Header.Set("x-acs-accesskey-id", c.id)
		r.Header.Set("x-acs-security-token", c.token)
	}
	for _, edit := range edits {
		edit(r)
	}
	headers := []signature.Header{{Name: "host", Value: r.Host}}
	for name := range r.Header {
		headers = append(headers, signature.Header{Name: strings.ToLower(name), Value: r.Header.Get(name)})
	}
	names, signed := signature.V3(c.secret, method, r.URL.Query(), headers, r.Header.Get("x-acs-content-sha256"))
	r.Header.Set("Authorization", signature.AlgorithmV3+" Credential="+c.id+",SignedHeaders="+names+",Signature="+signed)
	return r
}

// sha1 signs parameters by HMAC-SHA1, after an edit of what is to be signed.
func (c *client) sha1(method, action string, params url.Values, edits ...func(url.Values)) *http.Request {
	signed := url.Values{
		"AccessKeyId": {c.id}, "Action": {action}, "Format": {"JSON"}, "Version": {Version},
		"SignatureMethod": {"HMAC-SHA1"}, "SignatureVersion": {"1.0"}, "SignatureNonce": {c.nonce()},
		"Timestamp": {c.now.UTC().Format(timeFormat)},
	}
	if c.token != "" {
		signed.Set("SecurityToken", c.token)
	}
	maps.Copy(signed, params)
	for _, edit := range edits {
		edit(signed)
	}
	signed.Set("Signature", signature.HMACSHA1(c.secret, method, signed))
	if method == http.MethodGet {
		return httptest.NewRequest(method, "http://cdn.example/?"+signed.Encode(), http.NoBody)
	}
	r := httptest.NewRequest(method, "http://cdn.example/", strings.NewReader(signed.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func ask(s *Server, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// refusal decodes an error answer in JSON.
func refusal(t *testing.T, w *httptest.ResponseRecorder) errorBody {
	t.Helper()
	var body errorBody
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("status %d: %v in %s", w.Code, err, w.Body)
	}
	return body
}

func expectCode(t *testing.T, w *httptest.ResponseRecorder, status int, code string) errorBody {
	t.Helper()
	body := refusal(t, w)
	if w.Code != status || body.Code != code {
		t.Errorf("answer %d %s, want %d %s", w.Code, w.Body, status, code)
	}
	return body
}

func decodePage(t *testing.T, w *httptest.ResponseRecorder) usageDataPerPage {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	decoder := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	decoder.DisallowUnknownFields()
	var body pageBody
	if err := decoder.Decode(&body); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return body.UsageDataPerPage
}

// walk lists all tasks of an action, page after page, at a moment.
func walk(t *testing.T, s *Server, action string, now time.Time) []dataItem {
	t.Helper()
	c := clientAt(now)
	c.nonces = s.Calls() * 1000 // Nonces differ from those of a walk before.
	var items []dataItem
	for number := 1; ; number++ {
		query := url.Values{"PageNumber": {strconv.Itoa(number)}, "PageSize": {"50"}}
		p := decodePage(t, ask(s, c.v3(http.MethodPost, action, query, "")))
		items = append(items, p.Data.DataItem...)
		if len(p.Data.DataItem) == 0 || len(items) >= p.TotalCount {
			return items
		}
	}
}

func count(items []dataItem, matches func(dataItem) bool) int {
	return len(slices.DeleteFunc(slices.Clone(items), func(i dataItem) bool { return !matches(i) }))
}

func hasStatus(status string) func(dataItem) bool {
	return func(i dataItem) bool { return i.Status == status }
}
