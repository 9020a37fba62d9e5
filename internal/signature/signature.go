// Package signature holds the arithmetic of Alibaba Cloud's two RPC request
// signatures. It knows nothing of HTTP clients, servers or credentials: the API
// client signs with it and the simulated API verifies with it.
//
// Sources: Alibaba Cloud's "V3 request body and signature mechanism" and
// "RPC signature mechanism" pages; the published vectors in the tests.
package signature

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // HMAC-SHA1 is what the older signature scheme is defined with.
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// AlgorithmV3 is the name of the V3 scheme, as the Authorization header begins.
const AlgorithmV3 = "ACS3-HMAC-SHA256"

// EmptyPayloadHash is the hex SHA-256 of an empty request body.
const EmptyPayloadHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Header is one header that a V3 signature covers. Name is in lower case.
type Header struct {
	Name, Value string
}

// V3 signs a request to the path "/" with the scheme ACS3-HMAC-SHA256 and
// returns the names of the signed headers, joined with semicolons, and the
// signature in hex. The headers are sorted in place. PayloadHash is the hex
// SHA-256 of the body.
func V3(secret, method string, query url.Values, headers []Header, payloadHash string) (signedHeaders, signature string) {
	canonical, signedHeaders := canonicalV3(method, query, headers, payloadHash)
	hash := sha256.Sum256([]byte(canonical))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(AlgorithmV3 + "\n" + hex.EncodeToString(hash[:])))
	return signedHeaders, hex.EncodeToString(mac.Sum(nil))
}

func canonicalV3(method string, query url.Values, headers []Header, payloadHash string) (canonical, signedHeaders string) {
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

// HMACSHA1 signs request parameters with the older scheme, SignatureMethod
// HMAC-SHA1 and SignatureVersion 1.0, and returns the signature in Base64. A
// parameter named Signature is left out; all others count, empty ones included.
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

// CanonicalQuery encodes parameters as both schemes want them and as they may be
// sent: sorted by name, names and values percent-encoded by RFC 3986.
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

// escape differs from form encoding in the blank only: url.QueryEscape leaves
// exactly RFC 3986's unreserved characters alone, but writes a blank as "+".
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
