package apiclient_test

import (
	"testing"

	"alicdn_export_exporter/apiclient"
)

func TestParseEndpoint(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "must be a host name, such as cdn.aliyuncs.com",
		"a b":                     "must be a host name, such as cdn.aliyuncs.com",
		"http://cdn.aliyuncs.com": "http:// is accepted for loopback addresses only",
		"cdn.aliyuncs.com:65536":  "must have a port from 1 to 65535, or none",
		"cdn.aliyuncs.com:0":      "must have a port from 1 to 65535, or none",
		"ftp://127.0.0.1":         "must use https",
		"cdn.aliyuncs.com/x":      "must be a host name without user, path or query",
		"user:secret@example.com": "must be a host name without user, path or query",
	} {
		var endpoint apiclient.Endpoint
		if err := endpoint.UnmarshalText([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: error = %v, want %s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"cdn.aliyuncs.com":             "cdn.aliyuncs.com",
		"https://CDN.aliyuncs.com:443": "cdn.aliyuncs.com", // One spelling, so that accounts can share a limiter.
		"cdn.aliyuncs.com:":            "cdn.aliyuncs.com",
		"cdn.aliyuncs.com:8443":        "cdn.aliyuncs.com:8443",
		"http://[::1]":                 "http://[::1]",
		"http://127.0.0.1:443":         "http://127.0.0.1:443",
		"http://127.0.0.1:80":          "http://127.0.0.1",
		"http://127.0.0.1:1":           "http://127.0.0.1:1",
		"http://[::1]:1":               "http://[::1]:1",
		"http://localhost/":            "http://localhost",
	} {
		if endpoint, err := apiclient.ParseEndpoint(text); err != nil || endpoint.String() != want {
			t.Errorf("%q: %s, %v, want %s", text, endpoint, err, want)
		}
	}
}
