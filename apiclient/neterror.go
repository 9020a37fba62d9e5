package apiclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
)

// NetworkError returns the Error for a failed HTTP exchange. It repeats only what the
// packages net and crypto/tls say of hosts, ports and certificates: a *url.Error
// prints the address, and other errors may quote a proxy's password.
func NetworkError(err error) *Error {
	var (
		operation   *net.OpError
		lookup      *net.DNSError
		certificate *tls.CertificateVerificationError
		hostname    x509.HostnameError
		alert       tls.AlertError
		record      tls.RecordHeaderError
		timeout     interface{ Timeout() bool }
	)
	switch {
	case errors.As(err, &certificate):
		return newError(CodeTLS, ClassNetwork, certificate.Err.Error())
	case errors.As(err, &hostname):
		return newError(CodeTLS, ClassNetwork, hostname.Error())
	case errors.As(err, &alert):
		return newError(CodeTLS, ClassNetwork, alert.Error())
	case errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch):
		return newError(CodeTLS, ClassNetwork, "the endpoint does not speak TLS")
	case strings.Contains(err.Error(), "tls: "): // crypto/tls has no type for its other errors.
		return newError(CodeTLS, ClassNetwork, "the endpoint's TLS is not acceptable")
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
