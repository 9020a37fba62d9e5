package apiclient

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Class says who has to act on an error. Its text is the value of the label class.
type Class string

// The classes. The first three often pass by themselves; the others require someone to act.
const (
	// ClassThrottled: the account's call quota is used up. Wait.
	ClassThrottled Class = "throttled"
	// ClassServer: the API has an internal problem. Wait.
	ClassServer Class = "server"
	// ClassNetwork: no complete response arrived. Check the network path to the API.
	ClassNetwork Class = "network"
	// ClassMalformed: the response is not a response of the API. Check the endpoint and proxies.
	ClassMalformed Class = "malformed"
	// ClassDenied: the account or the key lacks a permission. Grant it.
	ClassDenied Class = "denied"
	// ClassCredentials: the key or token is wrong, disabled or expired. Renew it.
	ClassCredentials Class = "credentials"
	// ClassClock: this machine's clock is wrong. Set it.
	ClassClock Class = "clock"
	// ClassRequest: the API rejects the request itself. Report it.
	ClassRequest Class = "request"
)

// ErrNotSent is the cause of a timeout that expired before the request was sent. The request
// was waiting for the account's rate limit or for other calls of the account. If the API's
// throttling caused the wait, the error is the throttling error instead.
var ErrNotSent = errors.New("the deadline expired before the request was sent")

// ErrShape is the cause of a CodeDecode error if the response has the name of the API's list,
// but not the expected structure. The API has changed, or differs from its documentation.
var ErrShape = errors.New("the response has another structure than a page of tasks")

// Error is why one attempt to read a page failed. Code and Class together are one of
// ErrorKinds. An Error never contains the request's URL, a secret, or the API's message, which
// may quote the request.
type Error struct {
	// Code is the API's code, the documented code of its family, or one of this package's own
	// codes. The set of codes is closed.
	Code  string
	Class Class
	// Status is the HTTP status of the response, or 0 if there was none.
	Status int
	// RequestID is the API's id of the request, for Alibaba Cloud's support. It is empty if the
	// response has none.
	RequestID string
	// APICode is the code that the API sent, or empty. It differs from Code if the API's code
	// is not documented.
	APICode string
	// Detail describes what happened. It may be empty.
	Detail string
	// RetryAfter is the wait that the response requests, or 0.
	RetryAfter time.Duration

	cause error
	// notSent is true if the request was not sent because the deadline came first.
	notSent bool
}

// newError returns an Error without the fields of a response.
func newError(code string, class Class, detail string) *Error {
	return &Error{Code: code, Class: class, Detail: detail}
}

// Error returns one line: the code, the detail, and the known fields of the response.
func (e *Error) Error() string {
	var known []string
	if e.Status != 0 {
		known = append(known, fmt.Sprintf("HTTP status %d", e.Status))
	}
	if e.APICode != "" && e.APICode != e.Code {
		known = append(known, "code "+e.APICode)
	}
	if e.RequestID != "" {
		known = append(known, "request id "+e.RequestID)
	}
	text := e.Code
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if len(known) > 0 {
		text += " (" + strings.Join(known, ", ") + ")"
	}
	return text
}

// Unwrap returns the cause: ErrNotSent, ErrShape, a *ProxyError, an error of the
// credentials provider, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Kind returns the error's code and class.
func (e *Error) Kind() ErrorKind { return ErrorKind{e.Code, e.Class} }

// throttling reports whether the API throttled the call.
func (e *Error) throttling() bool { return e.Class == ClassThrottled }

// nonceUsed reports whether the API has seen the request's nonce before.
func (e *Error) nonceUsed() bool { return e.Code == "SignatureNonceUsed" }

// tokenRefused reports whether the API refused the temporary key's token.
func (e *Error) tokenRefused() bool { return strings.HasPrefix(e.Code, "InvalidSecurityToken.") }

// retried reports whether a call that failed with this error may be retried.
func (e *Error) retried() bool { return e.transient() || e.nonceUsed() || e.tokenRefused() }

// transient reports whether the same request may succeed a little later.
func (e *Error) transient() bool {
	switch e.Class {
	case ClassThrottled, ClassServer:
		return true
	case ClassNetwork:
		return e.Code != CodeTLS && e.Code != CodeProxy
	default:
		return false
	}
}
