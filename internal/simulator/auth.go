package simulator

import (
	"crypto/hmac"
	"slices"
	"time"
)

// timeFormat is the API's time format: UTC, whole seconds.
const timeFormat = "2006-01-02T15:04:05Z"

// authParams are the parameters that authenticate a call, in either scheme.
type authParams struct {
	keyID, token, nonce string
	date, signature     string

	// sign returns the signature that the call must have, and the string that was
	// signed.
	sign func(secret string) (signature, stringToSign string)
}

// authenticate verifies that the call was signed recently with one of the accepted
// credentials. It returns these credentials and the nonce of the call.
func (c *call) authenticate(accepted []credentials, now time.Time) (key credentials, nonce string, apiErr *apiError) {
	var params authParams
	switch {
	case c.isV3():
		params, apiErr = c.authV3()
	case c.params.Has("AccessKeyId") || c.params.Has("Signature"):
		params, apiErr = c.authHMACSHA1()
	default:
		apiErr = missingParameter("AccessKeyId")
	}
	if apiErr == nil {
		apiErr = checkDate(params.date, now)
	}
	if apiErr == nil {
		key, apiErr = params.verify(accepted)
	}
	return key, params.nonce, apiErr
}

func checkDate(date string, now time.Time) *apiError {
	t, ok := parseTime(date)
	if !ok {
		return errDateFormat
	}
	if now.Sub(t).Abs() > nonceLifetime {
		return errDateExpired
	}
	return nil
}

// parseTime parses a time in the API's format.
func parseTime(text string) (t time.Time, ok bool) {
	t, err := time.Parse(timeFormat, text)
	// Parse also accepts fractions of a second, which the format does not have.
	return t, err == nil && t.Format(timeFormat) == text
}

// verify returns the accepted credentials with which the call was signed.
func (p authParams) verify(accepted []credentials) (credentials, *apiError) {
	i := slices.IndexFunc(accepted, func(key credentials) bool { return key.id == p.keyID })
	if i < 0 {
		return credentials{}, errUnknownKey
	}
	key := accepted[i]
	if p.token == "" && key.tokenRequired {
		return credentials{}, errTokenMalformed
	}
	if p.token != "" && p.token != key.token {
		return credentials{}, errTokenMismatch
	}
	want, stringToSign := p.sign(key.secret)
	if !hmac.Equal([]byte(p.signature), []byte(want)) {
		return credentials{}, signatureMismatch(stringToSign)
	}
	return key, nil
}
