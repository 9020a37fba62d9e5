package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"

	"alicdn_export_exporter/internal/signature"
)

// dateFormat is that of x-acs-date and of Timestamp: UTC, whole seconds.
const dateFormat = "2006-01-02T15:04:05Z"

// credentials are what a server accepts. A temporary key is none without its token.
type credentials struct {
	id, secret, token string
	temporary         bool
}

func isTemporary(id string) bool {
	return strings.HasPrefix(id, "STS.")
}

// claim is what a call says of itself, in one scheme or the other.
type claim struct {
	id, token, nonce, date string
	hasToken               bool
	signature              string
	// sign returns the signature that the secret gives, and what was signed.
	sign func(secret string) (signature, stringToSign string)
}

// verify tells whether the call was signed with the credentials just now, and
// returns its nonce.
func (c *call) verify(keys credentials, now time.Time) (nonce string, refusal *apiError) {
	var cl claim
	switch {
	case c.isV3():
		cl, refusal = c.claimV3()
	case c.params.Has("AccessKeyId") || c.params.Has("Signature"):
		cl, refusal = c.claimHMACSHA1()
	default:
		refusal = missing("AccessKeyId")
	}
	if refusal == nil {
		refusal = checkDate(cl.date, now)
	}
	if refusal == nil {
		refusal = cl.check(keys)
	}
	return cl.nonce, refusal
}

func checkDate(date string, now time.Time) *apiError {
	t, err := time.Parse(dateFormat, date)
	// Parse lets fractions of a second pass that the format does not have.
	if err != nil || t.Format(dateFormat) != date {
		return errDateFormat
	}
	if now.Sub(t).Abs() > nonceMemory {
		return errDateExpired
	}
	return nil
}

func (cl claim) check(keys credentials) *apiError {
	if cl.id != keys.id {
		return errUnknownKey
	}
	if !cl.hasToken && keys.temporary {
		return errTokenMalformed
	}
	if cl.hasToken && cl.token != keys.token {
		return errTokenMismatch
	}
	want, stringToSign := cl.sign(keys.secret)
	if !hmac.Equal([]byte(cl.signature), []byte(want)) {
		return signatureMismatch(stringToSign)
	}
	return nil
}

// claimV3 reads the Authorization header of the V3 scheme.
func (c *call) claimV3() (claim, *apiError) {
	fields := make(map[string]string)
	for field := range strings.SplitSeq(strings.TrimPrefix(c.header.Get("Authorization"), signature.AlgorithmV3+" "), ",") {
		name, value, _ := strings.Cut(field, "=")
		fields[name] = value
	}
	if len(fields) != 3 || fields["Credential"] == "" || fields["SignedHeaders"] == "" || fields["Signature"] == "" {
		return claim{}, errIncomplete
	}
	for _, h := range []struct{ header, meaning string }{
		{"x-acs-date", "Timestamp"},
		{"x-acs-signature-nonce", "SignatureNonce"},
		{"x-acs-content-sha256", "ContentSha256"},
	} {
		if c.header.Get(h.header) == "" {
			return claim{}, missing(h.meaning)
		}
	}
	if id := c.header.Get("x-acs-accesskey-id"); id != "" && id != fields["Credential"] {
		return claim{}, errTokenMismatch
	}
	sum := sha256.Sum256(c.body)
	hash := hex.EncodeToString(sum[:])
	signedNames := strings.Split(fields["SignedHeaders"], ";")
	if !c.signsEnough(signedNames) {
		return claim{}, errIncomplete
	}
	return claim{
		id:        fields["Credential"],
		token:     c.header.Get("x-acs-security-token"),
		hasToken:  c.header.Get("x-acs-security-token") != "",
		nonce:     c.header.Get("x-acs-signature-nonce"),
		date:      c.header.Get("x-acs-date"),
		signature: fields["Signature"],
		sign: func(secret string) (string, string) {
			headers := make([]signature.Header, len(signedNames))
			for i, name := range signedNames {
				headers[i] = signature.Header{Name: name, Value: c.headerValue(name)}
			}
			_, want := signature.V3(secret, c.method, c.query, headers, hash)
			if c.header.Get("x-acs-content-sha256") != hash {
				want = "" // Signed or not, it is not the body that was sent.
			}
			return want, c.canonicalV3(headers, hash)
		},
	}, nil
}

// signsEnough tells whether the names are in order and cover the host and every
// x-acs- header: an unsigned one could be changed on the way.
func (c *call) signsEnough(names []string) bool {
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

func (c *call) headerValue(name string) string {
	if name == "host" {
		return c.host
	}
	return strings.Join(c.header.Values(name), ",")
}

// canonicalV3 is what the API shows of its side of a signature that does not match.
func (c *call) canonicalV3(headers []signature.Header, hash string) string {
	var names, lines []string
	for _, h := range headers {
		names = append(names, h.Name)
		lines = append(lines, h.Name+":"+strings.TrimSpace(h.Value)+"\n")
	}
	return strings.Join([]string{c.method, "/", signature.CanonicalQuery(c.query), strings.Join(lines, ""), strings.Join(names, ";"), hash}, "\n")
}

// claimHMACSHA1 reads the parameters of the older scheme.
func (c *call) claimHMACSHA1() (claim, *apiError) {
	for _, name := range []string{"AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"} {
		if c.params.Get(name) == "" {
			return claim{}, missing(name)
		}
	}
	if c.params.Get("SignatureMethod") != "HMAC-SHA1" || c.params.Get("SignatureVersion") != "1.0" {
		return claim{}, errIncomplete
	}
	return claim{
		id:        c.params.Get("AccessKeyId"),
		token:     c.params.Get("SecurityToken"),
		hasToken:  c.params.Get("SecurityToken") != "",
		nonce:     c.params.Get("SignatureNonce"),
		date:      c.params.Get("Timestamp"),
		signature: c.params.Get("Signature"),
		sign: func(secret string) (string, string) {
			return signature.HMACSHA1(secret, c.method, c.params), c.stringToSignHMACSHA1()
		},
	}, nil
}

func (c *call) stringToSignHMACSHA1() string {
	unsigned := make(url.Values, len(c.params))
	for name, values := range c.params {
		if name != "Signature" {
			unsigned[name] = values
		}
	}
	// The canonical query holds no blank, the one character that QueryEscape
	// would not encode by RFC 3986.
	return c.method + "&%2F&" + url.QueryEscape(signature.CanonicalQuery(unsigned))
}
