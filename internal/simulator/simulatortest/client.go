// Package simulatortest is a client of the simulated API, for the tests of package simulator and of its scenarios. It
// uses none of the exporter's client, except package signature. It cannot import package simulator, because the
// internal tests of that package import it.
package simulatortest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"time"

	"alicdn_export_exporter/internal/signature"
)

const (
	apiVersion = "2018-05-10"
	timeFormat = "2006-01-02T15:04:05Z"
)

// Client makes signed requests to the host cdn.example. It is not safe for
// concurrent use.
type Client struct {
	KeyID, Secret string
	Token         string    // not sent if empty
	Now           time.Time // the date of the requests

	// NoncePrefix must differ between clients that use the same server. A client
	// numbers its nonces: nonce-1, nonce-2 and so on.
	NoncePrefix string
	nonces      int
}

func (c *Client) nonce() string {
	c.nonces++
	return c.NoncePrefix + "nonce-" + strconv.Itoa(c.nonces)
}

// List returns a request for the first page of an action's tasks, in the V3 scheme.
func (c *Client) List(action string) *http.Request {
	return c.V3(http.MethodGet, action, nil, "")
}

// V3 returns a request in the scheme ACS3-HMAC-SHA256. The edits change it before it
// is signed.
func (c *Client) V3(method, action string, query url.Values, body string, edits ...func(*http.Request)) *http.Request {
	r := newRequest(method, query, body)
	sum := sha256.Sum256([]byte(body))
	r.Header.Set("x-acs-action", action)
	r.Header.Set("x-acs-version", apiVersion)
	r.Header.Set("x-acs-date", c.Now.UTC().Format(timeFormat))
	r.Header.Set("x-acs-signature-nonce", c.nonce())
	r.Header.Set("x-acs-content-sha256", hex.EncodeToString(sum[:]))
	if c.Token != "" {
		r.Header.Set("x-acs-accesskey-id", c.KeyID)
		r.Header.Set("x-acs-security-token", c.Token)
	}
	for _, edit := range edits {
		edit(r)
	}
	c.SignV3(r, r.Header.Get("x-acs-content-sha256"))
	return r
}

// SignV3 sets the Authorization header of r, for the given hash of the body. The
// signature covers the host and all other headers.
func (c *Client) SignV3(r *http.Request, bodyHash string) {
	headers := []signature.Header{{Name: "host", Value: r.Host}}
	for name := range r.Header {
		if name != "Authorization" {
			headers = append(headers, signature.Header{Name: strings.ToLower(name), Value: r.Header.Get(name)})
		}
	}
	names, signed := signature.V3(c.Secret, r.Method, r.URL.Query(), headers, bodyHash)
	r.Header.Set("Authorization",
		signature.AlgorithmV3+" Credential="+c.KeyID+",SignedHeaders="+names+",Signature="+signed)
}

// HMACSHA1 returns a request in the scheme HMAC-SHA1: a form if the method is POST,
// a query otherwise. The edits change the parameters before they are signed.
func (c *Client) HMACSHA1(method, action string, params url.Values, edits ...func(url.Values)) *http.Request {
	signed := url.Values{
		"AccessKeyId": {c.KeyID}, "Action": {action}, "Format": {"JSON"}, "Version": {apiVersion},
		"SignatureMethod": {"HMAC-SHA1"}, "SignatureVersion": {"1.0"}, "SignatureNonce": {c.nonce()},
		"Timestamp": {c.Now.UTC().Format(timeFormat)},
	}
	if c.Token != "" {
		signed.Set("SecurityToken", c.Token)
	}
	maps.Copy(signed, params)
	for _, edit := range edits {
		edit(signed)
	}
	signed.Set("Signature", signature.HMACSHA1(c.Secret, method, signed))
	if method == http.MethodGet {
		return newRequest(method, signed, "")
	}
	r := newRequest(method, nil, signed.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func newRequest(method string, query url.Values, body string) *http.Request {
	target := "http://cdn.example/?" + query.Encode()
	return httptest.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body))
}

// Do returns the handler's response to r.
func Do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
