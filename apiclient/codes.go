package apiclient

import (
	"net/http"
	"path"
	"slices"
	"time"
)

// The codes of errors that this package detects itself. They begin with a lower-case letter;
// the API's codes do not.
const (
	// CodeTimeout: no complete response in time, or no time left to send the request.
	CodeTimeout = "timeout"
	// CodeConnection: the connection could not be established, or was lost.
	CodeConnection = "connection"
	// CodeProxy: the HTTP proxy refused to connect to the endpoint.
	CodeProxy = "proxy"
	// CodeTLS: the server's TLS or certificate is not acceptable.
	CodeTLS = "tls"
	// CodeDecode: the response is not a page of tasks.
	CodeDecode = "decode"
	// CodeResponseTooLarge: the response is larger than a page can be.
	CodeResponseTooLarge = "response_too_large"
	// CodeRedirect: the server redirects, which is never followed.
	CodeRedirect = "redirect"
	// CodeCredentials: there is no key to sign with.
	CodeCredentials = "credentials"
	// CodeHTTPStatus: an HTTP error without a code of the API.
	CodeHTTPStatus = "http_status"
	// CodeOther: a code of the API that is neither documented nor in a known family.
	CodeOther = "other"
)

// ErrorKind is an error's code and its class.
type ErrorKind struct {
	Code  string
	Class Class
}

// errorKinds are all pairs of code and class. The API's codes and classes are from the error tables
// of Alibaba Cloud CDN and of its RPC gateway.
var errorKinds = []ErrorKind{
	{"Throttling", ClassThrottled},
	{"Throttling.User", ClassThrottled},
	{"Throttling.Api", ClassThrottled},
	{"IllegalOperation", ClassDenied},
	{"OperationDenied", ClassDenied},
	{"Forbidden", ClassDenied},
	{"NoPermission", ClassDenied},
	{"InvalidParameter", ClassRequest},
	{"InvalidParameterProduct", ClassRequest},
	{"InvalidParameterOperator", ClassRequest},
	{"InvalidParameterArea", ClassRequest},
	{"InvalidParameterField", ClassRequest},
	{"InvalidParameterStartTime", ClassRequest},
	{"InvalidParameterEndTime", ClassRequest},
	{"InvalidParameterAliuid", ClassRequest},
	{"InvalidTimeRange", ClassRequest},
	{"MissingParameter", ClassRequest},
	{"InvalidApi.NotFound", ClassRequest},
	{"InvalidAction.NotFound", ClassRequest},
	{"InvalidAccessKeyId.NotFound", ClassCredentials},
	{"InvalidAccessKeyId.Inactive", ClassCredentials},
	{"SignatureDoesNotMatch", ClassCredentials},
	{"SignatureNonceUsed", ClassCredentials},
	{"InvalidSecurityToken.Expired", ClassCredentials},
	{"InvalidSecurityToken.Malformed", ClassCredentials},
	{"InvalidSecurityToken.MismatchWithAccessKey", ClassCredentials},
	{"InvalidTimeStamp.Expired", ClassClock},
	{"InvalidTimeStamp.Format", ClassClock},
	{"ServiceUnavailable", ClassServer},
	{"InternalError", ClassServer},
	{"UnknownError", ClassServer},
	{CodeTimeout, ClassNetwork},
	{CodeConnection, ClassNetwork},
	{CodeProxy, ClassNetwork},
	{CodeTLS, ClassNetwork},
	{CodeDecode, ClassMalformed},
	{CodeResponseTooLarge, ClassMalformed},
	{CodeRedirect, ClassMalformed},
	{CodeCredentials, ClassCredentials},
	{CodeHTTPStatus, ClassThrottled},
	{CodeHTTPStatus, ClassServer},
	{CodeHTTPStatus, ClassMalformed},
	{CodeOther, ClassThrottled},
	{CodeOther, ClassServer},
	{CodeOther, ClassRequest},
}

// families map undocumented codes of the API, by path.Match patterns, to a documented code that
// is used in their place. The first matching family is used. The API and its gateway send more
// codes than their documentation lists: Throttling.System, Rejected.Throttling,
// MissingSecurityToken and IllegalTimestamp are in public reports of other tools.
var families = []struct {
	code     string
	patterns []string
}{
	{"Throttling", []string{"Throttling*", "*.Throttling", "FlowControl*", "TooManyRequests*"}},
	{"InvalidAccessKeyId.NotFound", []string{"InvalidAccessKeyId*", "MissingAccessKeyId"}},
	{"InvalidSecurityToken.Malformed", []string{"InvalidSecurityToken*", "MissingSecurityToken", "SecurityToken*"}},
	{"SignatureDoesNotMatch", []string{"SignatureDoesNotMatch*", "IncompleteSignature*"}},
	{"InvalidTimeStamp.Expired", []string{"*TimeStamp*", "*Timestamp*", "RequestTimeTooSkewed"}},
	{"Forbidden", []string{"Forbidden*", "*Denied*", "NotAuthorized*", "Unauthorized*", "ImplicitDeny*"}},
	{"NoPermission", []string{"NoPermission*"}},
	{"ServiceUnavailable", []string{"ServiceUnavailable*", "SystemBusy*", "Internal*"}},
	{"MissingParameter", []string{"Missing*"}},
}

// ErrorKinds returns every pair of code and class that an Error can have.
func ErrorKinds() []ErrorKind { return slices.Clone(errorKinds) }

// KindOf returns the kind of an Error with a code of the API. ok is false if the code is
// neither documented nor in a known family.
func KindOf(apiCode string) (kind ErrorKind, ok bool) {
	if kind, ok = documented(apiCode); ok {
		return kind, true
	}
	for _, family := range families {
		for _, pattern := range family.patterns {
			if matched, _ := path.Match(pattern, apiCode); matched { // The patterns are valid.
				return documented(family.code)
			}
		}
	}
	return ErrorKind{}, false
}

// documented finds a code in errorKinds, unless it is one of this package's own.
func documented(code string) (kind ErrorKind, ok bool) {
	i := slices.IndexFunc(errorKinds, func(k ErrorKind) bool { return k.Code == code })
	if i < 0 || isLocal(code) {
		return ErrorKind{}, false
	}
	return errorKinds[i], true
}

// isLocal reports whether a code is one of this package's own.
func isLocal(code string) bool { return code != "" && code[0] >= 'a' && code[0] <= 'z' }

// unknownClass classifies an error of the API whose code is unknown.
func unknownClass(status int, retryAfter time.Duration) Class {
	switch {
	case retryAfter > 0 || status == http.StatusTooManyRequests:
		return ClassThrottled
	case status >= http.StatusInternalServerError:
		return ClassServer
	default:
		return ClassRequest
	}
}

// statusClass classifies an HTTP error without a code of the API. A proxy or a load
// balancer sends such a response; the API's own errors have codes.
func statusClass(status int) Class {
	switch {
	case status == http.StatusTooManyRequests:
		return ClassThrottled
	case status >= http.StatusInternalServerError:
		return ClassServer
	default:
		return ClassMalformed
	}
}
