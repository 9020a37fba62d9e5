package apiclient

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Endpoint is the address of the API: a host name with an optional port. Two spellings of the
// same address are equal Endpoints. The zero Endpoint is not usable.
type Endpoint struct{ scheme, host string }

// ParseEndpoint parses a host name with an optional port. The host is reached over HTTPS. The
// prefix "http://" is accepted for loopback addresses only, because requests carry an access
// key's id and token. Errors do not quote the text, which may contain a secret.
func ParseEndpoint(text string) (Endpoint, error) {
	address := text
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || strings.ContainsAny(text, " \t\r\n"):
		return Endpoint{}, errors.New("must be a host name, such as cdn.aliyuncs.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Path != "" && u.Path != "/"):
		return Endpoint{}, errors.New("must be a host name without user, path or query")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return Endpoint{}, errors.New("http:// is accepted for loopback addresses only")
	case u.Scheme != "https" && u.Scheme != "http":
		return Endpoint{}, errors.New("must use https")
	}
	port := u.Port()
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return Endpoint{}, errors.New("must have a port from 1 to 65535, or none")
	}
	return Endpoint{scheme: u.Scheme, host: canonicalHost(u)}, nil
}

// canonicalHost returns a URL's host in lower case, without the scheme's default port.
// Endpoints with the same address are then equal.
func canonicalHost(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" || port == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		return host
	}
	return host + ":" + port
}

// UnmarshalText parses an endpoint, for flags and configuration files.
func (e *Endpoint) UnmarshalText(text []byte) error {
	parsed, err := ParseEndpoint(string(text))
	if err == nil {
		*e = parsed
	}
	return err
}

// String returns the host, with "http://" before it for a loopback address that is
// reached without TLS.
func (e Endpoint) String() string {
	if e.scheme == "http" {
		return "http://" + e.host
	}
	return e.host
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
