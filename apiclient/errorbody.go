package apiclient

import (
	"bytes"
	"encoding/xml"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// lenient accepts duplicate keys and invalid UTF-8. Responses of the API have had both.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// Only a code and a request id with these shapes are used from an error body. A Message may
// quote the whole signed request.
var (
	codeShape      = regexp.MustCompile(`^[A-Z][A-Za-z]*([._-]?[A-Za-z]+)*$`)
	requestIDShape = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
)

const maxCodeLength = 64

// parseErrorBody returns the API's code and request id from an error body: JSON with capital or
// lower-case keys, or XML. Each is empty if the body lacks it, as a proxy's HTML page does, or
// if it does not have the expected shape. Only the first maxErrorBytes are read; the body may
// be longer.
func parseErrorBody(body []byte) (code, requestID string) {
	body = bytes.TrimSpace(body[:min(len(body), maxErrorBytes)])
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
	d := jsontext.NewDecoder(bytes.NewReader(body), lenient)
	if _, err := d.ReadToken(); err != nil { // The opening brace.
		return "", ""
	}
	for d.PeekKind() == '"' {
		token, err := d.ReadToken()
		if err != nil {
			break
		}
		key := token.String()
		value, err := d.ReadValue()
		if err != nil {
			break
		}
		switch {
		case strings.EqualFold(key, "Code"):
			code = unquote(value)
		case strings.EqualFold(key, "RequestId"):
			requestID = unquote(value)
		}
	}
	return code, requestID
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
	d := xml.NewDecoder(bytes.NewReader(body))
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return code, requestID
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			if depth == 1 && token.Name.Local != "Error" {
				return "", ""
			}
			var text string
			if depth != 2 || token.Name.Local != "Code" && token.Name.Local != "RequestId" {
				continue
			}
			if d.DecodeElement(&text, &token) != nil {
				return code, requestID
			}
			depth--
			if token.Name.Local == "Code" {
				code = text
			} else {
				requestID = text
			}
		case xml.EndElement:
			depth--
		}
	}
}
