package apiclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// NetworkError returns the Error for a failed HTTP exchange. It repeats only what the
// packages net and crypto/tls say of hosts, ports and certificates: a *url.Error
// prints the address, and other errors may quote a proxy's password.
func NetworkError(err error) *Error {
	failure := networkError(err)
	failure.Detail = bounded(failure.Detail)
	return failure
}

func networkError(err error) *Error {
	var (
		proxy       *ProxyError
		operation   *net.OpError
		lookup      *net.DNSError
		certificate *tls.CertificateVerificationError
		hostname    x509.HostnameError
		record      tls.RecordHeaderError
		timeout     interface{ Timeout() bool }
	)
	switch {
	case errors.As(err, &proxy):
		failure := newError(CodeProxy, ClassNetwork, proxy.Error())
		failure.cause = proxy
		return failure
	case errors.As(err, &operation) && operation.Op == "proxyconnect":
		failure := networkError(operation.Err)
		failure.Detail = "the proxy cannot be reached: " + failure.Detail
		return failure
	case errors.As(err, &certificate):
		return newError(CodeTLS, ClassNetwork, certificate.Err.Error())
	case errors.As(err, &hostname):
		return newError(CodeTLS, ClassNetwork, hostname.Error())
	case errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch):
		return newError(CodeTLS, ClassNetwork, "the endpoint does not speak TLS")
	case isTLSError(err):
		return newError(CodeTLS, ClassNetwork, "the endpoint's TLS is not acceptable: "+innermost(err).Error())
	case errors.As(err, &timeout) && timeout.Timeout():
		return newError(CodeTimeout, ClassNetwork, "no complete response within the time limit")
	case errors.As(err, &lookup):
		return newError(CodeConnection, ClassNetwork, lookup.Error())
	case errors.As(err, &operation):
		return newError(CodeConnection, ClassNetwork, operation.Error())
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return newError(CodeConnection, ClassNetwork, "the connection closed before the response ended")
	default:
		return newError(CodeConnection, ClassNetwork, "the connection failed")
	}
}

// ProxyError is a proxy's refusal to connect to a host.
type ProxyError struct {
	// Status is the HTTP status that the proxy answered.
	Status int
}

// Error says what the proxy answered, and nothing of its address, which may hold a password.
func (e *ProxyError) Error() string {
	text := strings.TrimSpace(fmt.Sprintf("the proxy answered %d %s", e.Status, http.StatusText(e.Status)))
	if e.Status == http.StatusProxyAuthRequired {
		text = "the proxy answered 407: it requires a user and a password (HTTPS_PROXY)"
	}
	return text
}

// checkProxyResponse is for http.Transport.OnProxyConnectResponse. Without it, the error has
// the proxy's own text in place of the status.
func checkProxyResponse(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &ProxyError{resp.StatusCode}
	}
	return nil
}

// isTLSError reports whether crypto/tls made the innermost error. crypto/tls exports no type
// for a server's alerts and for most protocol errors, but all of their texts begin so. A text
// of a server is never the beginning of an innermost error.
func isTLSError(err error) bool { return strings.HasPrefix(innermost(err).Error(), "tls: ") }

// innermost returns the last error of a chain.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// maxDetailBytes bounds a text that may hold parts of a certificate or a name.
const maxDetailBytes = 300

// bounded returns the beginning of a text on one line. What is not printable is escaped.
func bounded(text string) string {
	var line strings.Builder
	for _, r := range text {
		part := string(r)
		if !strconv.IsPrint(r) {
			quoted := strconv.QuoteRune(r)
			part = quoted[1 : len(quoted)-1]
		}
		if line.Len()+len(part) > maxDetailBytes {
			return line.String() + "…"
		}
		line.WriteString(part)
	}
	return line.String()
}
