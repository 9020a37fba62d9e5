package simulator

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"alicdn_export_exporter/internal/signature"
)

// maxRequestBody is the largest accepted request body, in bytes.
const maxRequestBody = 1 << 20

// call is a parsed request.
type call struct {
	method, action string
	query          url.Values // parameters in the URL
	params         url.Values // parameters in the URL and in a form
	header         http.Header
	host           string
	body           []byte
}

// parseCall parses a request. With an error it returns what it has parsed so far,
// never nil: wantsXML still needs it.
func parseCall(w http.ResponseWriter, r *http.Request) (*call, *apiError) {
	c := &call{method: r.Method, header: r.Header, host: r.Host, params: url.Values{}}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return c, invalidParameter("The query is not well formed.")
	}
	c.query, c.params = query, query
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return c, errUnsupportedMethod
	}
	if r.URL.Path != "/" {
		return c, errUnknownAPI
	}
	if c.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody)); err != nil {
		return c, invalidParameter("The request body is incomplete or too large.")
	}
	if err := c.parseForm(); err != nil {
		return c, invalidParameter("The form is not well formed.")
	}
	return c, c.parseAction()
}

func (c *call) parseForm() error {
	mediaType, _, _ := strings.Cut(c.header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(mediaType), "application/x-www-form-urlencoded") {
		return nil // Any other body is signed but has no parameters.
	}
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return err
	}
	for name, values := range c.query {
		form[name] = append(form[name], values...)
	}
	c.params = form
	return nil
}

// parseAction reads the action and the version. They are headers in the V3 scheme
// and parameters in the older one.
func (c *call) parseAction() *apiError {
	get := func(header, parameter string) string {
		if c.isV3() {
			return c.header.Get(header)
		}
		return c.params.Get(parameter)
	}
	c.action = get("x-acs-action", "Action")
	_, known := operations[c.action]
	switch version := get("x-acs-version", "Version"); {
	case c.action == "":
		return missingParameter("Action")
	case version == "":
		return missingParameter("Version")
	case version != Version:
		return errUnknownAPI
	case !known:
		return errUnknownAction
	}
	return nil
}

// isV3 reports whether the call uses the V3 signature scheme, ACS3-HMAC-SHA256.
func (c *call) isV3() bool {
	return strings.HasPrefix(c.header.Get("Authorization"), signature.AlgorithmV3+" ")
}

// wantsXML reports whether the response is XML. It is JSON in the V3 scheme, and
// XML by default in the older one.
func (c *call) wantsXML() bool {
	return !c.isV3() && !strings.EqualFold(c.params.Get("Format"), "JSON")
}
