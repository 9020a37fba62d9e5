package apiclient

import (
	"net/http"
	"slices"
	"strings"
)

// The codes of errors that this package finds by itself. They begin in lower case;
// the API's codes do not.
const (
	// CodeTimeout: no complete response in time, or no time left to send the request.
	CodeTimeout = "timeout"
	// CodeConnection: the connection could not be made, or broke.
	CodeConnection = "connection"
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
	// CodeOther: a code of the API that is not in its documentation.
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
	{CodeTLS, ClassNetwork},
	{CodeDecode, ClassMalformed},
	{CodeResponseTooLarge, ClassMalformed},
	{CodeRedirect, ClassMalformed},
	{CodeCredentials, ClassCredentials},
	{CodeHTTPStatus, ClassServer},
	{CodeHTTPStatus, ClassRequest},
	{CodeOther, ClassServer},
	{CodeOther, ClassRequest},
}

// ErrorKinds returns every pair of code and class that an Error can have.
func ErrorKinds() []ErrorKind { return slices.Clone(errorKinds) }

// KindOf returns the kind that an Error with a code of the API has. ok is false if the
// documentation of the API does not have the code.
func KindOf(apiCode string) (kind ErrorKind, ok bool) {
	code := family(apiCode)
	i := slices.IndexFunc(errorKinds, func(k ErrorKind) bool { return k.Code == code })
	if i < 0 || isLocal(code) {
		return ErrorKind{}, false
	}
	return errorKinds[i], true
}

// family returns the code that stands for a family of codes, or the code itself.
func family(apiCode string) string {
	for _, name := range []string{"Forbidden", "NoPermission"} {
		if strings.HasPrefix(apiCode, name+".") {
			return name
		}
	}
	if strings.HasPrefix(apiCode, "Missing") {
		return "MissingParameter"
	}
	return apiCode
}

// isLocal reports whether a code is one of this package's own.
func isLocal(code string) bool { return code != "" && code[0] >= 'a' && code[0] <= 'z' }

// statusClass classifies an HTTP error without a known code.
func statusClass(status int) Class {
	if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		return ClassServer
	}
	return ClassRequest
}
