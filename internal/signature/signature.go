// Package signature computes Alibaba Cloud's two signatures of RPC requests. The API client signs requests with it, and
// the simulated API verifies them with it.
//
// The signatures are defined on Alibaba Cloud's pages "V3 request body and signature mechanism" and "RPC signature
// mechanism". The tests contain the examples of both pages.
package signature

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // The older signature is defined with HMAC-SHA1.
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// AlgorithmV3 is the name of the V3 signature. The Authorization header begins with it.
const AlgorithmV3 = "ACS3-HMAC-SHA256"

// EmptyPayloadHash is the SHA-256 of an empty request body, in hex.
const EmptyPayloadHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Header is a request header that a V3 signature covers. Its name is in lower case.
type Header struct {
	Name, Value string
}

// V3 returns the ACS3-HMAC-SHA256 signature of a request to the path "/", in hex, and the names of the signed headers,
// joined with semicolons. payloadHash is the SHA-256 of the body, in hex. V3 sorts headers in place.
func V3(
	secret, method string, query url.Values, headers []Header, payloadHash string,
) (signedHeaders, signature string) {
	canonical, signedHeaders := canonicalV3(method, query, headers, payloadHash)
	hash := sha256.Sum256([]byte(canonical))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(AlgorithmV3 + "\n" + hex.EncodeToString(hash[:])))
	return signedHeaders, hex.EncodeToString(mac.Sum(nil))
}

// canonicalV3 returns the canonical request, whose hash is signed, and the names of its headers.
func canonicalV3(
	method string, query url.Values, headers []Header, payloadHash string,
) (canonical, signedHeaders string) {
	slices.SortFunc(headers, func(a, b Header) int { return strings.Compare(a.Name, b.Name) })
	var b, names strings.Builder
	b.Grow(1024)
	names.Grow(256)
	b.WriteString(method + "\n/\n" + CanonicalQuery(query) + "\n")
	for i, h := range headers {
		b.WriteString(h.Name + ":" + strings.TrimSpace(h.Value) + "\n")
		if i > 0 {
			names.WriteByte(';')
		}
		names.WriteString(h.Name)
	}
	b.WriteString("\n" + names.String() + "\n" + payloadHash)
	return b.String(), names.String()
}

// HMACSHA1 returns the older signature of request parameters (SignatureMethod HMAC-SHA1, SignatureVersion 1.0), in
// Base64. It covers all parameters, including empty ones, except the parameter Signature.
func HMACSHA1(secret, method string, params url.Values) string {
	unsigned := make(url.Values, len(params))
	for name, values := range params {
		if name != "Signature" {
			unsigned[name] = values
		}
	}
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(method + "&%2F&" + escape(CanonicalQuery(unsigned))))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// CanonicalQuery encodes parameters as both signatures require: sorted by name, names and values percent-encoded
// according to RFC 3986. The result is also a valid query of a URL.
func CanonicalQuery(query url.Values) string {
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		for _, value := range query[name] {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(escape(name) + "=" + escape(value))
		}
	}
	return b.String()
}

// escape percent-encodes s according to RFC 3986. url.QueryEscape differs only in the space, which it encodes as "+".
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
