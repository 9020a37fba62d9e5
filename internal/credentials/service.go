package credentials

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aliyun/credentials-go/credentials/providers"

	"alicdn_export_exporter/apiclient"
)

// This file makes the requests to the services that supply keys. The library's own requests are not safe: they follow
// redirects, which can send a token elsewhere, and they read and decompress responses of any size.

const (
	// connectTimeout and responseTimeout bound a request to STS or to a credentials URI. An API call waits for the key,
	// so their sum is less than the default timeout of a call.
	connectTimeout  = 3 * time.Second
	responseTimeout = 5 * time.Second
	// maxKeyBytes bounds a response with a key. Such a response has about 2 kB.
	maxKeyBytes = 64 << 10
	// renewBefore is how long before its expiration a temporary key is renewed.
	renewBefore = 180 * time.Second
)

// responseError says why a response is not used. It quotes nothing from the response.
type responseError string

// Error returns what is wrong with the response.
func (e responseError) Error() string { return string(e) }

// exchange sends a request once and returns the body of the response. If its status is not 200, the error quotes the
// body, as the library's errors do.
func exchange(req *http.Request, connect, response time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(req.Context(), connect+response)
	defer cancel()
	transport := apiclient.NewTransport()
	defer transport.CloseIdleConnections()
	transport.DisableKeepAlives = true
	transport.DisableCompression = true
	transport.DialContext = (&net.Dialer{Timeout: connect}).DialContext
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true) // net/http retries HTTP/2 requests by itself.
	client := http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req.WithContext(ctx)) //nolint:gosec // The user configures the address.
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode < http.StatusOK: // After a 101, the body is the connection itself.
		return nil, responseError("the response is not one to a request")
	case resp.StatusCode >= http.StatusMultipleChoices && resp.StatusCode < http.StatusBadRequest:
		return nil, responseError("the service redirects, which is not followed")
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxKeyBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxKeyBytes:
		return nil, responseError(fmt.Sprintf("the response is larger than %d KiB", maxKeyBytes>>10))
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("HTTP status %d: %s", resp.StatusCode, body)
	}
	return body, nil
}

// temporaryKey is a key with a token, as services send it.
type temporaryKey struct {
	AccessKeyID     string           `json:"AccessKeyId"`
	AccessKeySecret apiclient.Secret `json:"AccessKeySecret"`
	SecurityToken   apiclient.Secret `json:"SecurityToken"`
	Expiration      time.Time        `json:"Expiration"`
}

var errIncomplete = errors.New("the response has no complete key")

// check returns an error if a part of the key is missing.
func (k *temporaryKey) check() error {
	if k == nil || k.AccessKeyID == "" || k.AccessKeySecret == "" || k.SecurityToken == "" || k.Expiration.IsZero() {
		return errIncomplete
	}
	return nil
}

// decodeKey reads a key from a JSON object.
func decodeKey(body []byte) (*temporaryKey, error) {
	key := new(temporaryKey)
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(key); err != nil {
		return nil, errIncomplete // The cause may quote the body.
	}
	return key, key.check()
}

// renewing implements the library's CredentialsProvider for the temporary keys of a
// service.
type renewing struct {
	name  string
	fetch func() (key *temporaryKey, source string, err error)

	key    *temporaryKey // nil before the first one
	source string        // appended to the name: where the key comes from
}

// GetCredentials returns the key, or a new one if it expires soon.
func (r *renewing) GetCredentials() (*providers.Credentials, error) {
	if r.key == nil || time.Until(r.key.Expiration) <= renewBefore {
		key, source, err := r.fetch()
		if err != nil {
			return nil, err
		}
		r.key, r.source = key, source
	}
	return &providers.Credentials{
		AccessKeyId: r.key.AccessKeyID, AccessKeySecret: string(r.key.AccessKeySecret),
		SecurityToken: string(r.key.SecurityToken), ProviderName: r.name + r.source,
	}, nil
}

// GetProviderName returns the name without the source.
func (r *renewing) GetProviderName() string { return r.name }

// newURIProvider returns the provider of the keys of an HTTP service.
func newURIProvider(uri string) providers.CredentialsProvider {
	// This is the library's name for it.
	return &renewing{name: "credential_uri", fetch: func() (*temporaryKey, string, error) {
		//nolint:gosec // The user configures the address.
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, uri, http.NoBody)
		if err != nil {
			return nil, "", responseError("the address is not usable")
		}
		body, err := exchange(req, connectTimeout, responseTimeout)
		if err != nil {
			return nil, "", err
		}
		key, err := decodeKey(body)
		return key, "", err
	}}
}
