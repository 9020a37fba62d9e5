package apiclient

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// ParseEndpoint reads an API endpoint: a host name, with or without a port,
// spoken to over HTTPS. "http://" before it is accepted for a loopback address
// only, since requests carry a key's id and token.
func ParseEndpoint(text string) (*url.URL, error) {
	address := text
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || strings.ContainsAny(text, " \t\r\n"):
		return nil, errors.New("not a host name")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Path != "" && u.Path != "/"):
		return nil, errors.New("a host name is wanted, without user, path or query")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("http:// is for loopback addresses only, not for %s", u.Hostname())
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("the scheme %q is not https", u.Scheme)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
