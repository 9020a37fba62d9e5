package apiclient

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"alicdn_export_exporter/internal/signature"
)

const apiVersion = "2018-05-10"

// maxBodyBytes bounds an answer, after decompression. A page of 50 tasks has
// about 25 kB.
const maxBodyBytes = 4 << 20

// errNoTurn is about calls that wait for others of their account.
var errNoTurn = errors.New("no call could be made before the deadline")

// attempt reads a page once: a key, a token, a signed request, a decoded answer.
// Nothing that can take long stands between the token and the request: tokens
// that were saved up would let too many calls go at once.
// Its error is an *Error, or the context's where the caller called it off.
func (c *Client) attempt(ctx context.Context, export Export, number int, into []Task) (page Page, err error) {
	observed := Attempt{Export: export, Page: number}
	defer func() {
		errors.As(err, &observed.Err)
		c.config.Observer.Attempted(observed)
	}()

	key, err := c.key(ctx)
	if err != nil {
		return Page{}, err
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return Page{}, calledOff(ctx, errNoTurn)
	}
	began := time.Now()
	err = c.limiter.wait(ctx)
	observed.RateLimitWait = time.Since(began)
	if err != nil {
		return Page{}, calledOff(ctx, errWaitTooLong)
	}

	limited, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	request, err := c.request(limited, export, number, key)
	if err != nil {
		return Page{}, err
	}

	sent := time.Now()
	page, err = c.exchange(request, key, into)
	observed.Sent, observed.Duration = true, time.Since(sent)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return Page{}, ctx.Err()
	}
	return page, err
}

// calledOff is the context's error where the caller does not want the answer any
// more, which is nobody's fault; else it is a timeout.
func calledOff(ctx context.Context, otherwise error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return &Error{Code: Code{CodeTimeout, Network}, Detail: otherwise.Error()}
}

// key returns the key to sign with, within the time of an attempt.
func (c *Client) key(ctx context.Context) (Credentials, error) {
	limited, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	key, err := c.config.Credentials.Credentials(limited)
	switch {
	case err == nil:
		return key, nil
	case errors.Is(ctx.Err(), context.Canceled):
		return Credentials{}, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return Credentials{}, &Error{Code: Code{CodeCredentials, CredentialsClass}, Detail: "no key within the time limit"}
	default:
		return Credentials{}, &Error{Code: Code{CodeCredentials, CredentialsClass}, Detail: err.Error()}
	}
}

// request signs one attempt; the date and the nonce make it unique.
func (c *Client) request(ctx context.Context, export Export, number int, key Credentials) (*http.Request, error) {
	query := query(number)
	target := *c.endpoint
	target.RawQuery = signature.CanonicalQuery(query)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), http.NoBody)
	if err != nil {
		return nil, &Error{Code: Code{CodeConnection, Network}, Detail: "the endpoint is not usable"}
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // It never fails (crypto/rand).
	signed := []signature.Header{
		{Name: "host", Value: request.URL.Host},
		{Name: "x-acs-action", Value: export.Action()},
		{Name: "x-acs-content-sha256", Value: signature.EmptyPayloadHash},
		{Name: "x-acs-date", Value: time.Now().UTC().Format("2006-01-02T15:04:05Z")},
		{Name: "x-acs-signature-nonce", Value: hex.EncodeToString(nonce[:])},
		{Name: "x-acs-version", Value: apiVersion},
	}
	if key.SecurityToken != "" {
		signed = append(signed,
			signature.Header{Name: "x-acs-accesskey-id", Value: key.AccessKeyID},
			signature.Header{Name: "x-acs-security-token", Value: key.SecurityToken})
	}
	names, sum := signature.V3(key.AccessKeySecret, request.Method, query, signed, signature.EmptyPayloadHash)
	for _, header := range signed {
		if header.Name != "host" {
			request.Header.Set(header.Name, header.Value)
		}
	}
	request.Header.Set("Authorization", signature.AlgorithmV3+
		" Credential="+key.AccessKeyID+",SignedHeaders="+names+",Signature="+sum)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", c.config.UserAgent)
	return request, nil
}

// exchange sends the request and reads the answer.
func (c *Client) exchange(request *http.Request, key Credentials, into []Task) (Page, error) {
	sent := time.Now()
	response, err := c.http.Do(request)
	if err != nil {
		return Page{}, networkError(err)
	}
	defer response.Body.Close()
	now := time.Now()
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		// The header leaves out what follows the full second: half of one, on average.
		skew := sent.Add(now.Sub(sent) / 2).Sub(date.Add(time.Second / 2))
		c.skew.Store(&skew)
	}

	body := c.buffer()
	defer c.release(body)
	n, err := body.ReadFrom(io.LimitReader(response.Body, maxBodyBytes+1))
	if err == nil && n > maxBodyBytes {
		return Page{}, &Error{Code: Code{CodeResponseTooLarge, Malformed}, Status: response.StatusCode, Detail: "more than 4 MiB"}
	}
	// An answer that says what went wrong is worth more than how its end was lost.
	if apiErr := answerError(response, body.Bytes(), now); apiErr != nil {
		c.react(apiErr, key)
		return Page{}, apiErr
	}
	if err != nil {
		return Page{}, networkError(err)
	}
	page, err := decodePage(body.Bytes(), into)
	if err != nil {
		return Page{}, &Error{Code: Code{CodeDecode, Malformed}, Status: response.StatusCode, Detail: err.Error()}
	}
	return page, nil
}

func (c *Client) buffer() *bytes.Buffer {
	if body, ok := c.bodies.Get().(*bytes.Buffer); ok {
		body.Reset()
		return body
	}
	return new(bytes.Buffer)
}

// release keeps a buffer for the next answer, unless it grew for an odd one.
func (c *Client) release(body *bytes.Buffer) {
	if body.Cap() <= maxBodyBytes/16 {
		c.bodies.Put(body)
	}
}

// react adapts to what the API says about the account and the key.
func (c *Client) react(err *Error, key Credentials) {
	if err.throttling() {
		c.limiter.throttled(err.RetryAfter)
	}
	if err.Class == CredentialsClass && err.Code.Code != "SignatureNonceUsed" {
		c.config.Credentials.Reject(key)
	}
	for _, secret := range []string{key.AccessKeyID, key.AccessKeySecret, key.SecurityToken} {
		if secret != "" && strings.Contains(err.APICode, secret) {
			err.APICode = ""
		}
	}
}

// answerError is the error in an answer, nil where it has none. The API's own
// code decides; the HTTP status, which is unreliable, only without one.
func answerError(response *http.Response, body []byte, now time.Time) *Error {
	status := response.StatusCode
	if status >= 300 && status < 400 {
		return &Error{Code: Code{CodeRedirect, Malformed}, Status: status, Detail: "redirects are not followed"}
	}
	code, requestID := "", ""
	if status != http.StatusOK || !bytes.Contains(body, []byte(`"UsageDataPerPage"`)) {
		code, requestID = parseErrorBody(body)
	}
	var err *Error
	switch {
	case code != "":
		err = apiError(code, status)
	case status >= 400:
		err = &Error{Code: Code{CodeHTTPStatus, statusClass(status)}, Status: status, Detail: "the answer has no code of the API"}
	default:
		return nil
	}
	err.RequestID = requestID
	err.RetryAfter = waitHint(response.Header, now)
	return err
}

// networkError says what happened without the address: an *url.Error prints it,
// and other errors may quote a proxy's password. What is repeated is what the
// net and tls packages say of hosts, ports and certificates.
func networkError(err error) *Error {
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
		return &Error{Code: Code{CodeTLS, Network}, Detail: certificate.Err.Error()}
	case errors.As(err, &hostname):
		return &Error{Code: Code{CodeTLS, Network}, Detail: hostname.Error()}
	case errors.As(err, &alert):
		return &Error{Code: Code{CodeTLS, Network}, Detail: alert.Error()}
	case errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch):
		return &Error{Code: Code{CodeTLS, Network}, Detail: "the endpoint does not speak TLS"}
	case strings.Contains(err.Error(), "tls: "):
		return &Error{Code: Code{CodeTLS, Network}, Detail: "the endpoint's TLS is not acceptable"}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Code: Code{CodeTimeout, Network}, Detail: "no whole answer within the time limit"}
	case errors.As(err, &lookup):
		return &Error{Code: Code{CodeConnection, Network}, Detail: lookup.Error()}
	case errors.As(err, &operation):
		return &Error{Code: Code{CodeConnection, Network}, Detail: operation.Error()}
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Code: Code{CodeConnection, Network}, Detail: "the connection was closed before the answer's end"}
	default:
		return &Error{Code: Code{CodeConnection, Network}, Detail: "the connection failed"}
	}
}
