package simulator

import (
	"net/url"

	"alicdn_export_exporter/internal/signature"
)

// authHMACSHA1 reads the authentication parameters of the older scheme, HMAC-SHA1,
// from the URL and the form.
func (c *call) authHMACSHA1() (authParams, *apiError) {
	for _, name := range []string{
		"AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp",
	} {
		if c.params.Get(name) == "" {
			return authParams{}, missingParameter(name)
		}
	}
	if c.params.Get("SignatureMethod") != "HMAC-SHA1" || c.params.Get("SignatureVersion") != "1.0" {
		return authParams{}, errIncomplete
	}
	return authParams{
		keyID:     c.params.Get("AccessKeyId"),
		token:     c.params.Get("SecurityToken"),
		nonce:     c.params.Get("SignatureNonce"),
		date:      c.params.Get("Timestamp"),
		signature: c.params.Get("Signature"),
		sign: func(secret string) (string, string) {
			return signature.HMACSHA1(secret, c.method, c.params), c.stringToSignHMACSHA1()
		},
	}, nil
}

// stringToSignHMACSHA1 returns the string that the API shows when a signature does
// not match.
func (c *call) stringToSignHMACSHA1() string {
	unsigned := make(url.Values, len(c.params))
	for name, values := range c.params {
		if name != "Signature" {
			unsigned[name] = values
		}
	}
	// QueryEscape differs from RFC 3986 only in how it encodes a space, and the
	// canonical query has none.
	return c.method + "&%2F&" + url.QueryEscape(signature.CanonicalQuery(unsigned))
}
