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

// The requests to the services that supply keys are made here, and not by the library: the library follows redirects, so
// that a token may be sent elsewhere, reads responses of any size, and decompresses them.

const (
	// connectTimeout and responseTimeout bound a request to STS or to a credentials URI. An API call waits for the key,
	// so their sum is less than the default timeout of a call.
	connectTimeout  = 3 * time.Second
	responseTimeout = 5 * time.Second
	// maxKeyBytes bounds the response with a key, which has about 2 kB.
	maxKeyBytes = 64 << 10
	// renewBefore is how long before its end a temporary key is renewed.
	renewBefore = 180 * time.Second
)

// responseError is a response that is not used. Its text holds nothing of the response.
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
	transport.Protocols.SetHTTP1(true) // net/http repeats requests over HTTP/2 by itself.
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

// renewing is a library's provider of a temporary key that a service supplies.
type renewing struct {
	name  string
	fetch func() (key *temporaryKey, source string, err error)

	key    *temporaryKey // nil before the first one
	source string        // after the name: how the key was made
}

// GetCredentials returns the key, or a new one if it ends soon.
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

// GetProviderName returns the name of the way in which the key is made.
func (r *renewing) GetProviderName() string { return r.name }

// newURIProvider returns the provider of the keys of an HTTP service.
func newURIProvider(uri string) providers.CredentialsProvider {
	// The library has this name for it.
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
