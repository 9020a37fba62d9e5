package credentials

import (
	"errors"
	"net/http"
	"net/url"
)

// RestrictLibrary turns off redirects and compressed responses for the requests that the library makes itself: those
// for roles in CLI profiles and credentials files. It changes http.DefaultTransport, which the library copies for
// every request. Call it before other goroutines start.
func RestrictLibrary() {
	transport := http.DefaultTransport.(*http.Transport) // Its documentation says so.
	transport.DisableCompression = true
	transport.Proxy = proxyUnlessRedirected
}

var errRedirected = errors.New("redirects are not followed")

// proxyUnlessRedirected is http.ProxyFromEnvironment, but returns an error for a request that follows a
// redirect.
func proxyUnlessRedirected(req *http.Request) (*url.URL, error) {
	if req.Response != nil {
		return nil, errRedirected
	}
	return http.ProxyFromEnvironment(req)
}
