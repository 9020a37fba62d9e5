package credentials

import (
	"errors"
	"net/http"
	"net/url"
)

// RestrictLibrary makes the requests that the library makes by itself, for roles in CLI profiles and credentials files,
// refuse redirects and compressed responses. It changes http.DefaultTransport, which the library copies for every
// request, so it must be called before other goroutines start.
func RestrictLibrary() {
	transport := http.DefaultTransport.(*http.Transport) // Its documentation says so.
	transport.DisableCompression = true
	transport.Proxy = proxyUnlessRedirected
}

var errRedirected = errors.New("redirects are not followed")

// proxyUnlessRedirected is http.ProxyFromEnvironment for all requests but those that follow a redirect.
func proxyUnlessRedirected(req *http.Request) (*url.URL, error) {
	if req.Response != nil {
		return nil, errRedirected
	}
	return http.ProxyFromEnvironment(req)
}
