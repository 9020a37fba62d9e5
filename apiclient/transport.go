package apiclient

import (
	"crypto/tls"
	"net/http"
	"time"
)

const (
	// maxIdleConnections bounds the idle connections of a transport over all of its
	// clients: enough for 32 lists that are read at once with 8 calls each.
	maxIdleConnections = 256
	// maxHeaderBytes bounds the headers of a response.
	maxHeaderBytes = 64 << 10
	// http2PingTimeout is the time without a frame during a request after which an HTTP/2
	// connection is pinged. The connection is closed if the ping is not answered within the
	// same time.
	http2PingTimeout = 15 * time.Second
)

// NewTransport returns a transport that any number of clients can share. The environment
// configures its proxies. The caller must close its idle connections after use.
func NewTransport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	transport.Proxy = http.ProxyFromEnvironment
	transport.DisableCompression = false
	transport.ForceAttemptHTTP2 = true
	transport.MaxIdleConns = maxIdleConnections
	transport.MaxIdleConnsPerHost = maxIdleConnections
	transport.MaxResponseHeaderBytes = maxHeaderBytes
	transport.OnProxyConnectResponse = checkProxyResponse
	// Without pings a silent HTTP/2 connection stays in use until TCP gives up, after
	// a quarter of an hour.
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: http2PingTimeout, PingTimeout: http2PingTimeout}
	return transport
}
