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

// NetworkError returns the Error for a failed HTTP exchange. It quotes only what the packages
// net and crypto/tls report about hosts, ports and certificates. A *url.Error contains the URL,
// and other errors may quote a proxy's password.
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
	// Status is the HTTP status of the proxy's response.
	Status int
}

// Error describes the proxy's response. It omits the proxy's address, which may contain a
// password.
func (e *ProxyError) Error() string {
	text := strings.TrimSpace(fmt.Sprintf("the proxy answered %d %s", e.Status, http.StatusText(e.Status)))
	if e.Status == http.StatusProxyAuthRequired {
		text = "the proxy answered 407: it requires a user and a password (HTTPS_PROXY)"
	}
	return text
}

// checkProxyResponse is the transport's OnProxyConnectResponse. Without it, the error has the
// proxy's own text instead of the status.
func checkProxyResponse(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &ProxyError{resp.StatusCode}
	}
	return nil
}

// isTLSError reports whether the innermost error is from crypto/tls. That package exports no
// type for a server's alerts and for most protocol errors, but their texts all begin with "tls:
// ". The text of an innermost error never begins with text from a server.
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

// maxDetailBytes is the maximum length of a detail that may quote a certificate or a name.
const maxDetailBytes = 300

// bounded returns the beginning of a text as one line. Characters that are not printable are
// escaped.
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
