package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"alicdn_export_exporter/internal/signature"
)

// authV3 reads the authentication parameters of the V3 scheme, ACS3-HMAC-SHA256,
// from the headers.
func (c *call) authV3() (authParams, *apiError) {
	authorization, apiErr := c.parseAuthorization()
	if apiErr != nil {
		return authParams{}, apiErr
	}
	for _, required := range []struct{ header, parameter string }{
		{"x-acs-date", "Timestamp"},
		{"x-acs-signature-nonce", "SignatureNonce"},
		{"x-acs-content-sha256", "ContentSha256"},
	} {
		if c.header.Get(required.header) == "" {
			return authParams{}, missingParameter(required.parameter)
		}
	}
	if id := c.header.Get("x-acs-accesskey-id"); id != "" && id != authorization["Credential"] {
		return authParams{}, errTokenMismatch
	}
	signedHeaders := strings.Split(authorization["SignedHeaders"], ";")
	if !c.signsRequiredHeaders(signedHeaders) {
		return authParams{}, errIncomplete
	}
	return authParams{
		keyID:     authorization["Credential"],
		token:     c.header.Get("x-acs-security-token"),
		nonce:     c.header.Get("x-acs-signature-nonce"),
		date:      c.header.Get("x-acs-date"),
		signature: authorization["Signature"],
		sign: func(secret string) (string, string) {
			return c.signV3(secret, signedHeaders)
		},
	}, nil
}

// parseAuthorization returns the three fields of the Authorization header, by name.
func (c *call) parseAuthorization() (map[string]string, *apiError) {
	text := strings.TrimPrefix(c.header.Get("Authorization"), signature.AlgorithmV3+" ")
	fields := make(map[string]string)
	for field := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(field, "=")
		fields[name] = value
	}
	if len(fields) != 3 || fields["Credential"] == "" || fields["SignedHeaders"] == "" || fields["Signature"] == "" {
		return nil, errIncomplete
	}
	return fields, nil
}

// signsRequiredHeaders reports whether the names of the signed headers are sorted
// and include the host and every x-acs- header of the call. An unsigned header
// could be changed on the way.
func (c *call) signsRequiredHeaders(names []string) bool {
	signed := make(map[string]bool, len(names))
	for i, name := range names {
		if name != strings.ToLower(name) || i > 0 && names[i-1] >= name {
			return false
		}
		signed[name] = true
	}
	for name := range c.header {
		if name := strings.ToLower(name); strings.HasPrefix(name, "x-acs-") && !signed[name] {
			return false
		}
	}
	return signed["host"]
}

// signV3 returns the signature of the call and the string that was signed. The
// signature is empty if the body does not match its hash in the header.
func (c *call) signV3(secret string, headerNames []string) (want, stringToSign string) {
	sum := sha256.Sum256(c.body)
	bodyHash := hex.EncodeToString(sum[:])
	headers := make([]signature.Header, len(headerNames))
	for i, name := range headerNames {
		headers[i] = signature.Header{Name: name, Value: c.headerValue(name)}
	}
	if c.header.Get("x-acs-content-sha256") == bodyHash {
		_, want = signature.V3(secret, c.method, c.query, headers, bodyHash)
	}
	return want, c.stringToSignV3(headers, bodyHash)
}

func (c *call) headerValue(name string) string {
	if name == "host" {
		return c.host
	}
	return strings.Join(c.header.Values(name), ",")
}

// stringToSignV3 returns the canonical request, which the API shows when a
// signature does not match.
func (c *call) stringToSignV3(headers []signature.Header, bodyHash string) string {
	var names, lines []string
	for _, h := range headers {
		names = append(names, h.Name)
		lines = append(lines, h.Name+":"+strings.TrimSpace(h.Value)+"\n")
	}
	return strings.Join([]string{
		c.method,
		"/",
		signature.CanonicalQuery(c.query),
		strings.Join(lines, ""),
		strings.Join(names, ";"),
		bodyHash,
	}, "\n")
}
