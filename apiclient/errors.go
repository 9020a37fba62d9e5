package apiclient

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Class says who has to act on an error. Its text is the value of the label class.
type Class string

// The classes, from "wait" to "act".
const (
	// Throttled: the account's quota is used up; wait.
	Throttled Class = "throttled"
	// Server: the API is in trouble; wait.
	Server Class = "server"
	// Network: no answer was received; look at the way to the API.
	Network Class = "network"
	// Malformed: an answer came that is not the API's.
	Malformed Class = "malformed"
	// Denied: the account or the key may not do this; grant it.
	Denied Class = "denied"
	// CredentialsClass: the key or token is wrong, disabled or expired; renew it.
	CredentialsClass Class = "credentials"
	// Clock: this machine's clock is off; set it.
	Clock Class = "clock"
	// Request: the API refuses what this program asks; report it.
	Request Class = "request"
)

// The codes that are not the API's own but this program's.
const (
	CodeTimeout          = "timeout"
	CodeConnection       = "connection"
	CodeTLS              = "tls"
	CodeDecode           = "decode"
	CodeResponseTooLarge = "response_too_large"
	CodeRedirect         = "redirect"
	CodeCredentials      = "credentials"
	CodeHTTPStatus       = "http_status"
	CodeOther            = "other"
)

// Code is a pair of an error's code and class, as api_errors_total has it.
type Code struct {
	Code  string
	Class Class
}

// codes holds every pair there can be. The API's codes and their classes are
// from the error tables of Alibaba Cloud CDN and of its RPC gateway.
var codes = []Code{
	{"Throttling", Throttled},
	{"Throttling.User", Throttled},
	{"Throttling.Api", Throttled},
	{"IllegalOperation", Denied},
	{"OperationDenied", Denied},
	{"Forbidden", Denied},
	{"NoPermission", Denied},
	{"InvalidParameter", Request},
	{"InvalidParameterProduct", Request},
	{"InvalidParameterOperator", Request},
	{"InvalidParameterArea", Request},
	{"InvalidParameterField", Request},
	{"InvalidParameterStartTime", Request},
	{"InvalidParameterEndTime", Request},
	{"InvalidParameterAliuid", Request},
	{"InvalidTimeRange", Request},
	{"MissingParameter", Request},
	{"InvalidApi.NotFound", Request},
	{"InvalidAction.NotFound", Request},
	{"InvalidAccessKeyId.NotFound", CredentialsClass},
	{"InvalidAccessKeyId.Inactive", CredentialsClass},
	{"SignatureDoesNotMatch", CredentialsClass},
	{"SignatureNonceUsed", CredentialsClass},
	{"InvalidSecurityToken.Expired", CredentialsClass},
	{"InvalidSecurityToken.Malformed", CredentialsClass},
	{"InvalidSecurityToken.MismatchWithAccessKey", CredentialsClass},
	{"InvalidTimeStamp.Expired", Clock},
	{"InvalidTimeStamp.Format", Clock},
	{"ServiceUnavailable", Server},
	{"InternalError", Server},
	{"UnknownError", Server},
	{CodeTimeout, Network},
	{CodeConnection, Network},
	{CodeTLS, Network},
	{CodeDecode, Malformed},
	{CodeResponseTooLarge, Malformed},
	{CodeRedirect, Malformed},
	{CodeCredentials, CredentialsClass},
	{CodeHTTPStatus, Server},
	{CodeHTTPStatus, Request},
	{CodeOther, Server},
	{CodeOther, Request},
}

var classes = func() map[string]Class {
	m := make(map[string]Class, len(codes))
	for _, c := range codes {
		m[c.Code] = c.Class
	}
	return m
}()

// Codes lists every pair of code and class that an Error can have.
func Codes() []Code { return append([]Code(nil), codes...) }

// Error is why one attempt to read a page failed. Code and Class are one of
// Codes. It never holds an address, a message of the API, which may quote the
// request, or anything secret.
type Error struct {
	Code
	// Status is the answer's HTTP status, 0 where there was no answer.
	Status int
	// RequestID is the API's own id of the request, to quote to its support;
	// empty where the answer has none.
	RequestID string
	// APICode is the code that the API sent, where Code is folded from it.
	APICode string
	// Detail says more in this program's own words; it may be empty.
	Detail string
	// RetryAfter is how long the answer asks to wait, 0 where it does not.
	RetryAfter time.Duration
}

// Error is one line: the code, then what else is known.
func (e *Error) Error() string {
	var known []string
	if e.Status != 0 {
		known = append(known, fmt.Sprintf("HTTP status %d", e.Status))
	}
	if e.APICode != "" && e.APICode != e.Code.Code {
		known = append(known, "code "+e.APICode)
	}
	if e.RequestID != "" {
		known = append(known, "request id "+e.RequestID)
	}
	text := e.Code.Code
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if len(known) > 0 {
		text += " (" + strings.Join(known, ", ") + ")"
	}
	return text
}

// throttling reports whether the API asks for fewer calls.
func (e *Error) throttling() bool {
	return e.Class == Throttled || e.Status == http.StatusTooManyRequests
}

// transient reports whether the same request may succeed a little later.
func (e *Error) transient() bool {
	switch e.Class {
	case Throttled, Server:
		return true
	case Network:
		return e.Code.Code != CodeTLS
	default:
		return false
	}
}

// apiError is the error for a code that the API sent.
func apiError(apiCode string, status int) *Error {
	folded := fold(apiCode)
	if class, known := classes[folded]; known && !local(folded) {
		return &Error{Code: Code{folded, class}, Status: status, APICode: apiCode}
	}
	return &Error{Code: Code{CodeOther, statusClass(status)}, Status: status, APICode: apiCode}
}

// fold maps a family of codes to the one that stands for it.
func fold(apiCode string) string {
	for _, family := range []string{"Forbidden", "NoPermission"} {
		if strings.HasPrefix(apiCode, family+".") {
			return family
		}
	}
	if strings.HasPrefix(apiCode, "Missing") {
		return "MissingParameter"
	}
	return apiCode
}

// local tells this program's own codes, which start in lower case, from the API's.
func local(code string) bool { return code[0] >= 'a' && code[0] <= 'z' }

// statusClass is used where the code decides nothing.
func statusClass(status int) Class {
	if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		return Server
	}
	return Request
}
