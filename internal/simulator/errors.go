package simulator

import (
	"net/http"
	"net/url"
)

// apiError is an error response with the API's code and message.
type apiError struct {
	status        int
	code, message string
	header        http.Header
	detail        *accessDeniedDetail
}

func badRequest(code, message string) *apiError {
	return &apiError{status: http.StatusBadRequest, code: code, message: message}
}

func notFound(code, message string) *apiError {
	return &apiError{status: http.StatusNotFound, code: code, message: message}
}

// The errors without parameters.
var (
	errUnsupportedMethod = badRequest("UnsupportedHTTPMethod", "This http method is not supported.")
	errUnknownAction     = notFound("InvalidAction.NotFound",
		"Specified action is not found, please check your action name.")
	errUnknownAPI = notFound("InvalidApi.NotFound",
		"Specified api is not found, please check your url and method.")
	errUnknownKey = notFound("InvalidAccessKeyId.NotFound", "Specified access key is not found.")
	errIncomplete = badRequest("IncompleteSignature",
		"The request signature does not conform to Aliyun standards.")
	errNonceUsed  = badRequest("SignatureNonceUsed", "Specified signature nonce was used already.")
	errDateFormat = badRequest("InvalidTimeStamp.Format",
		"Specified time stamp or date value is not well formatted.")
	errDateExpired = badRequest("InvalidTimeStamp.Expired",
		"Specified time stamp or date value is expired.")
	errMissingTime = badRequest("MissingTimeParameter", "The StartTime and EndTime must be both specified.")
	errTimeRange   = badRequest("InvalidTimeRange",
		"The StartTime must be before the EndTime, by 31 days at most, and within the last year.")
	errTokenMalformed = badRequest("InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
	errTokenMismatch  = badRequest("InvalidSecurityToken.MismatchWithAccessKey",
		"Specified SecurityToken mismatch with the AccessKey.")
)

func missingParameter(name string) *apiError {
	return badRequest("Missing"+name, name+" is mandatory for this action.")
}

func malformedTime(parameter string) *apiError {
	return badRequest("Invalid"+parameter+".Malformed", "The specified value of parameter "+parameter+" is malformed.")
}

func invalidParameter(message string) *apiError {
	return badRequest("InvalidParameter", message)
}

// signatureMismatch quotes the string that the server signed, as the API does. The
// string contains the caller's access key id and security token.
func signatureMismatch(stringToSign string) *apiError {
	return badRequest("SignatureDoesNotMatch",
		"Specified signature is not matched with our calculation. server string to sign is:"+stringToSign)
}

// accessDeniedDetail names the permission that a caller lacks.
type accessDeniedDetail struct {
	AuthAction               string
	AuthPrincipalDisplayName string
	AuthPrincipalOwnerID     string `json:"AuthPrincipalOwnerId" xml:"AuthPrincipalOwnerId"`
	AuthPrincipalType        string
	EncodedDiagnosticMessage string
	NoPermissionType         string
	PolicyType               string
}

// permissionDenied is the error for a caller who lacks the permission for action.
func permissionDenied(code, action string) *apiError {
	return &apiError{
		status:  http.StatusForbidden,
		code:    code,
		message: "You are not authorized to perform this operation.",
		detail: &accessDeniedDetail{
			AuthAction:               "cdn:" + action,
			AuthPrincipalDisplayName: "279999999999999999",
			AuthPrincipalOwnerID:     "1099999999999999",
			AuthPrincipalType:        "SubUser",
			EncodedDiagnosticMessage: "AQEAAAAAaSimulatedDiagnosticMessage",
			NoPermissionType:         "ImplicitDeny",
			PolicyType:               "AccountLevelIdentityBasedPolicy",
		},
	}
}

func (e *apiError) response(meta responseMeta) *response {
	query := url.Values{"q": {e.code}, "product": {"Cdn"}, "requestId": {meta.requestID}}
	resp := encodeResponse(errorBody{
		RequestID:          meta.requestID,
		HostID:             meta.host,
		Code:               e.code,
		Message:            e.message,
		Recommend:          "https://api.aliyun.com/troubleshoot?" + query.Encode(),
		AccessDeniedDetail: e.detail,
	}, meta)
	resp.status, resp.header = e.status, e.header
	return resp
}
