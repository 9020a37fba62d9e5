package apiclient

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"alicdn_export_exporter/internal/signature"
)

// apiVersion is the version of the CDN API that has the list operations.
const apiVersion = "2018-05-10"

// newRequest returns a signed request for one page. Its date and nonce make it unique, so each
// attempt needs a new request.
func (c *Client) newRequest(ctx context.Context, export Export, page int, key Credentials) (*http.Request, error) {
	query := url.Values{"PageNumber": {strconv.Itoa(page)}, "PageSize": {strconv.Itoa(PageSize)}}
	target := url.URL{
		Scheme: c.config.Endpoint.scheme, Host: c.config.Endpoint.host, Path: "/", RawQuery: signature.CanonicalQuery(query),
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), http.NoBody)
	if err != nil {
		return nil, newError(CodeConnection, ClassNetwork, "the endpoint is not usable")
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // crypto/rand.Read never returns an error.
	signed := []signature.Header{
		{Name: "host", Value: req.URL.Host},
		{Name: "x-acs-action", Value: export.Action()},
		{Name: "x-acs-content-sha256", Value: signature.EmptyPayloadHash},
		{Name: "x-acs-date", Value: time.Now().UTC().Format("2006-01-02T15:04:05Z")},
		{Name: "x-acs-signature-nonce", Value: hex.EncodeToString(nonce[:])},
		{Name: "x-acs-version", Value: apiVersion},
	}
	if key.SecurityToken != "" {
		signed = append(signed,
			signature.Header{Name: "x-acs-accesskey-id", Value: key.AccessKeyID},
			signature.Header{Name: "x-acs-security-token", Value: string(key.SecurityToken)})
	}
	names, sum := signature.V3(string(key.AccessKeySecret), req.Method, query, signed, signature.EmptyPayloadHash)
	for _, header := range signed {
		if header.Name != "host" {
			req.Header.Set(header.Name, header.Value)
		}
	}
	req.Header.Set("Authorization", signature.AlgorithmV3+
		" Credential="+key.AccessKeyID+",SignedHeaders="+names+",Signature="+sum)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.config.UserAgent)
	return req, nil
}
