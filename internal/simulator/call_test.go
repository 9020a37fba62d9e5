package simulator

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestParseCall(t *testing.T) {
	c := newClient(noon)
	v3 := func(action string, edit func(*http.Request)) *http.Request {
		return c.V3(http.MethodGet, action, nil, "", edit)
	}
	removeHeader := func(name string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(name) } }
	removeParam := func(name string) func(url.Values) { return func(p url.Values) { p.Del(name) } }
	sha1 := func(action string, edits ...func(url.Values)) *http.Request {
		return c.HMACSHA1(http.MethodGet, action, nil, edits...)
	}
	oldVersion := func(r *http.Request) { r.Header.Set("x-acs-version", "2014-11-11") }

	path := c.List(UsageAction)
	path.URL.Path = "/2018-05-10"
	query := c.List(UsageAction)
	query.URL.RawQuery = "PageSize=%zz"
	form := httptest.NewRequest(http.MethodPost, "/?Format=JSON", strings.NewReader("a=%zz"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	largeBody := strings.Repeat("x", maxRequestBody+1)
	actionInQuery := c.V3(http.MethodGet, "", url.Values{"Action": {UsageAction}}, "", removeHeader("x-acs-action"))

	for name, tc := range map[string]struct {
		r      *http.Request
		status int
		code   string
	}{
		"V3, no action":             {v3("", removeHeader("x-acs-action")), 400, "MissingAction"},
		"V3, no version":            {v3(UsageAction, removeHeader("x-acs-version")), 400, "MissingVersion"},
		"V3, unknown action":        {c.List("DescribeCdnService"), 404, "InvalidAction.NotFound"},
		"V3, unknown version":       {v3(UsageAction, oldVersion), 404, "InvalidApi.NotFound"},
		"V3, action in the query":   {actionInQuery, 400, "MissingAction"},
		"HMAC-SHA1, no action":      {sha1("", removeParam("Action")), 400, "MissingAction"},
		"HMAC-SHA1, no version":     {sha1(UsageAction, removeParam("Version")), 400, "MissingVersion"},
		"HMAC-SHA1, unknown action": {sha1("DescribeNothing"), 404, "InvalidAction.NotFound"},
		"HMAC-SHA1, unknown version": {
			c.HMACSHA1(http.MethodPost, UsageAction, url.Values{"Version": {"2014-11-11"}}), 404, "InvalidApi.NotFound",
		},
		"unsupported method": {c.V3(http.MethodPut, UsageAction, nil, ""), 400, "UnsupportedHTTPMethod"},
		"unknown path":       {path, 404, "InvalidApi.NotFound"},
		"malformed query":    {query, 400, "InvalidParameter"},
		"malformed form":     {form, 400, "InvalidParameter"},
		"body too large":     {c.V3(http.MethodPost, UsageAction, nil, largeBody), 400, "InvalidParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			simulatortest.WantError(t, simulatortest.Do(newServer(), tc.r), tc.status, tc.code)
		})
	}
}
