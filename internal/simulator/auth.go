package simulator

import (
	"crypto/hmac"
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

// authenticate verifies that the call was signed recently with the accepted
// credentials. It returns the nonce of the call.
func (c *call) authenticate(accepted credentials, now time.Time) (nonce string, apiErr *apiError) {
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
		apiErr = params.verify(accepted)
	}
	return params.nonce, apiErr
}

func checkDate(date string, now time.Time) *apiError {
	t, err := time.Parse(timeFormat, date)
	// Parse also accepts fractions of a second, which the format does not have.
	if err != nil || t.Format(timeFormat) != date {
		return errDateFormat
	}
	if now.Sub(t).Abs() > nonceLifetime {
		return errDateExpired
	}
	return nil
}

func (p authParams) verify(accepted credentials) *apiError {
	if p.keyID != accepted.id {
		return errUnknownKey
	}
	if p.token == "" && accepted.tokenRequired {
		return errTokenMalformed
	}
	if p.token != "" && p.token != accepted.token {
		return errTokenMismatch
	}
	want, stringToSign := p.sign(accepted.secret)
	if !hmac.Equal([]byte(p.signature), []byte(want)) {
		return signatureMismatch(stringToSign)
	}
	return nil
}
