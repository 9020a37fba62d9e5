package simulator

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
)

// apiError is a refusal as the API words it.
type apiError struct {
	status        int
	code, message string
	header        http.Header
	detail        *accessDeniedDetail
}

// accessDeniedDetail says which permission a caller lacks.
type accessDeniedDetail struct {
	AuthAction               string
	AuthPrincipalDisplayName string
	AuthPrincipalOwnerID     string `json:"AuthPrincipalOwnerId" xml:"AuthPrincipalOwnerId"`
	AuthPrincipalType        string
	EncodedDiagnosticMessage string
	NoPermissionType         string
	PolicyType               string
}

// The refusals that are always the same.
var (
	errUnsupportedMethod = &apiError{status: http.StatusBadRequest, code: "UnsupportedHTTPMethod", message: "This http method is not supported."}
	errUnknownAction     = &apiError{status: http.StatusNotFound, code: "InvalidAction.NotFound", message: "Specified action is not found, please check your action name."}
	errUnknownAPI        = &apiError{status: http.StatusNotFound, code: "InvalidApi.NotFound", message: "Specified api is not found, please check your url and method."}
	errUnknownKey        = &apiError{status: http.StatusNotFound, code: "InvalidAccessKeyId.NotFound", message: "Specified access key is not found."}
	errIncomplete        = &apiError{status: http.StatusBadRequest, code: "IncompleteSignature", message: "The request signature does not conform to Aliyun standards."}
	errNonceUsed         = &apiError{status: http.StatusBadRequest, code: "SignatureNonceUsed", message: "Specified signature nonce was used already."}
	errDateFormat        = &apiError{status: http.StatusBadRequest, code: "InvalidTimeStamp.Format", message: "Specified time stamp or date value is not well formatted."}
	errDateExpired       = &apiError{status: http.StatusBadRequest, code: "InvalidTimeStamp.Expired", message: "Specified time stamp or date value is expired."}
	errTokenMalformed    = &apiError{status: http.StatusBadRequest, code: "InvalidSecurityToken.Malformed", message: "Specified SecurityToken is malformed."}
	errTokenMismatch     = &apiError{status: http.StatusBadRequest, code: "InvalidSecurityToken.MismatchWithAccessKey", message: "Specified SecurityToken mismatch with the AccessKey."}

	errServiceUnavailable = &apiError{status: http.StatusServiceUnavailable, code: "ServiceUnavailable", message: "The request has failed due to a temporary failure of the server."}
	errInternal           = &apiError{status: http.StatusInternalServerError, code: "InternalError", message: "The request processing has failed due to some unknown error."}
)

func missing(parameter string) *apiError {
	return &apiError{status: http.StatusBadRequest, code: "Missing" + parameter, message: parameter + " is mandatory for this action."}
}

func invalidParameter(message string) *apiError {
	return &apiError{status: http.StatusBadRequest, code: "InvalidParameter", message: message}
}

// signatureMismatch echoes what the server signed, as the API does. The text holds
// the caller's key id and security token.
func signatureMismatch(stringToSign string) *apiError {
	return &apiError{
		status:  http.StatusBadRequest,
		code:    "SignatureDoesNotMatch",
		message: "Specified signature is not matched with our calculation. server string to sign is:" + stringToSign,
	}
}

// denied is the refusal of a caller who lacks the permission for the action.
func denied(code, action string) *apiError {
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

// answer is an HTTP answer, all but the headers that each one has.
type answer struct {
	status      int
	header      http.Header
	contentType string
	body        []byte
}

// envelope is what an answer needs to know of its request.
type envelope struct {
	requestID, host string
	xml             bool
}

// errorBody is an error in JSON and, as Error, in XML.
type errorBody struct {
	XMLName            xml.Name            `json:"-" xml:"Error"`
	RequestID          string              `json:"RequestId" xml:"RequestId"`
	HostID             string              `json:"HostId" xml:"HostId"`
	Code               string              `json:"Code" xml:"Code"`
	Message            string              `json:"Message" xml:"Message"`
	Recommend          string              `json:"Recommend" xml:"Recommend"`
	AccessDeniedDetail *accessDeniedDetail `json:"AccessDeniedDetail,omitempty" xml:"AccessDeniedDetail,omitempty"`
}

func (e *apiError) answer(env envelope) *answer {
	query := url.Values{"q": {e.code}, "product": {"Cdn"}, "requestId": {env.requestID}}
	a := render(errorBody{
		RequestID:          env.requestID,
		HostID:             env.host,
		Code:               e.code,
		Message:            e.message,
		Recommend:          "https://api.aliyun.com/troubleshoot?" + query.Encode(),
		AccessDeniedDetail: e.detail,
	}, env)
	a.status, a.header = e.status, e.header
	return a
}

// render encodes a body of ours, which holds nothing that could fail to encode.
func render(body any, env envelope) *answer {
	var b bytes.Buffer
	a := &answer{status: http.StatusOK, contentType: "application/json;charset=utf-8"}
	if env.xml {
		a.contentType = "text/xml;charset=utf-8"
		b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>`)
		_ = xml.NewEncoder(&b).Encode(body)
	} else {
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false) // The API sends the & of a URL as it is.
		_ = encoder.Encode(body)
	}
	a.body = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return a
}
