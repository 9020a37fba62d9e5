package apiclient

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Class says who has to act on an error. Its text is the value of the label class.
type Class string

// The classes. The first three often pass by themselves; the others need someone to act.
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

// ErrNotSent is the cause of a timeout that expired before the request was sent: the
// time went by waiting for the account's rate limit or for its other calls. A request
// that the API's own throttling held back has the error of the throttling instead.
var ErrNotSent = errors.New("the deadline expired before the request was sent")

// ErrShape is the cause of a CodeDecode error if the response has the name of the API's
// list, but not its structure: the API has changed, or differs from its documentation.
var ErrShape = errors.New("the response has another structure than a page of tasks")

// Error is why one attempt to read a page failed. Code and Class together are one of
// ErrorKinds. It never holds an address, a secret, or the API's message, which may
// quote the request.
type Error struct {
	// Code is the API's code, the code that stands for its family, or one of this
	// package's own codes. It is a value from a closed set.
	Code  string
	Class Class
	// Status is the HTTP status of the response, 0 without a response.
	Status int
	// RequestID is the API's own id of the request, to quote to its support. It is
	// empty if the response has none.
	RequestID string
	// APICode is the code as the API sent it, empty without one. It differs from Code
	// if Code stands for a family.
	APICode string
	// Detail adds what happened, in this package's own words. It may be empty.
	Detail string
	// RetryAfter is how long the response asks the client to wait, 0 if it does not.
	RetryAfter time.Duration

	cause error
	// notSent tells that the request was not sent, because the deadline comes first.
	notSent bool
}

// newError returns an error without a response.
func newError(code string, class Class, detail string) *Error {
	return &Error{Code: code, Class: class, Detail: detail}
}

// Error returns one line: the code, then what else is known.
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

// throttling reports whether the API asks for fewer calls.
func (e *Error) throttling() bool { return e.Class == ClassThrottled }

// nonceUsed reports whether the API has seen the request's nonce before.
func (e *Error) nonceUsed() bool { return e.Code == "SignatureNonceUsed" }

// tokenRefused reports whether the API refused the temporary key's token.
func (e *Error) tokenRefused() bool { return strings.HasPrefix(e.Code, "InvalidSecurityToken.") }

// retried reports whether a call that failed so is ever retried.
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
