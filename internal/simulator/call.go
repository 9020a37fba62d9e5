package simulator

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"alicdn_export_exporter/internal/signature"
)

// The list operations, one for each export, and the version of the API that has
// them.
const (
	UsageAction  = "DescribeUserUsageDataExportTask"
	DetailAction = "DescribeUserUsageDetailDataExportTask"
	Version      = "2018-05-10"
)

// maxRequestBody bounds what is read of a request, in bytes.
const maxRequestBody = 1 << 20

// call is a request as the gateway understands it.
type call struct {
	method, action string
	query          url.Values // of the URL
	params         url.Values // of the URL and of a form
	header         http.Header
	host           string
	body           []byte
}

// readCall takes a request apart. The call that it returns is good for the form
// of a refusal, if nothing else.
func readCall(w http.ResponseWriter, r *http.Request) (*call, *apiError) {
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
	if err := c.readForm(); err != nil {
		return c, invalidParameter("The form is not well formed.")
	}
	return c, c.readName()
}

func (c *call) readForm() error {
	mediaType, _, _ := strings.Cut(c.header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(mediaType), "application/x-www-form-urlencoded") {
		return nil // A body of another kind is signed, but holds no parameters.
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

// readName finds the action and the version: in headers where V3 signs them, in
// parameters otherwise.
func (c *call) readName() *apiError {
	find := func(header, parameter string) string {
		if c.isV3() {
			return c.header.Get(header)
		}
		return c.params.Get(parameter)
	}
	c.action = find("x-acs-action", "Action")
	switch version := find("x-acs-version", "Version"); {
	case c.action == "":
		return missing("Action")
	case version == "":
		return missing("Version")
	case version != Version:
		return errUnknownAPI
	case c.action != UsageAction && c.action != DetailAction:
		return errUnknownAction
	}
	return nil
}

func (c *call) isV3() bool {
	return strings.HasPrefix(c.header.Get("Authorization"), signature.AlgorithmV3+" ")
}

// wantsXML tells the form of the answer: V3 clients get JSON, older ones XML
// unless they ask for JSON.
func (c *call) wantsXML() bool {
	return !c.isV3() && !strings.EqualFold(c.params.Get("Format"), "JSON")
}
