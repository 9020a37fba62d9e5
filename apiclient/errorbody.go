package apiclient

import (
	"bytes"
	"encoding/xml"
	"regexp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// lenient tolerates duplicate keys and invalid UTF-8, both seen in responses of the API.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// Only what has one of these shapes is repeated from an error body: a Message may quote
// the whole signed request.
var (
	codeShape      = regexp.MustCompile(`^[A-Z][A-Za-z]*([._-]?[A-Za-z]+)*$`)
	requestIDShape = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
)

const maxCodeLength = 64

// parseErrorBody returns the API's code and request id from an error body: JSON with
// capital or lower-case keys, or XML. Either is empty if the body has none, as a proxy's
// HTML page, or if it does not have the expected shape.
func parseErrorBody(body []byte) (code, requestID string) {
	body = bytes.TrimSpace(body)
	switch {
	case bytes.HasPrefix(body, []byte("{")):
		code, requestID = parseJSONError(body)
	case bytes.HasPrefix(body, []byte("<")):
		code, requestID = parseXMLError(body)
	}
	if len(code) > maxCodeLength || !codeShape.MatchString(code) {
		code = ""
	}
	if !requestIDShape.MatchString(requestID) {
		requestID = ""
	}
	return code, requestID
}

func parseJSONError(body []byte) (code, requestID string) {
	var parsed struct {
		Code      jsontext.Value `json:"Code"`
		RequestID jsontext.Value `json:"RequestId"`
	}
	if err := json.Unmarshal(body, &parsed, lenient, json.MatchCaseInsensitiveNames(true)); err != nil {
		return "", ""
	}
	return unquote(parsed.Code), unquote(parsed.RequestID)
}

func unquote(value jsontext.Value) string {
	if value.Kind() != '"' {
		return ""
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return ""
	}
	return string(text)
}

func parseXMLError(body []byte) (code, requestID string) {
	var parsed struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string   `xml:"Code"`
		RequestID string   `xml:"RequestId"`
	}
	if err := xml.Unmarshal(body, &parsed); err != nil {
		return "", ""
	}
	return parsed.Code, parsed.RequestID
}
