package apiclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// maxBodyBytes bounds a page's body after decompression. A page of 50 tasks has about
	// 25 kB.
	maxBodyBytes = 1 << 20
	// maxKeptBytes is the maximum capacity of a buffer that is reused. Most pages fit.
	maxKeptBytes = 128 << 10
	// maxErrorBytes is the maximum number of bytes read from an error's body, which has about 1
	// kB.
	maxErrorBytes = 8 << 10
)

var errBodyTooLarge = errors.New("more than 1 MiB")

// send sends the request for a page and reads the page in its response. Its error is an
// *Error.
func (c *Client) send(req *http.Request, number int, key Credentials) (Page, error) {
	ctx, cancel := withoutRepeats(req.Context())
	defer cancel()
	var proxy tunnel
	sent := time.Now()
	resp, err := c.http.Do(req.WithContext(proxy.watch(ctx)))
	if errors.Is(context.Cause(ctx), errRepeated) {
		return Page{}, newError(CodeConnection, ClassNetwork, errRepeated.Error())
	}
	if err != nil {
		return Page{}, proxy.blame(NetworkError(err))
	}
	defer resp.Body.Close()
	received := time.Now()
	c.observeClock(resp.Header, sent, received)
	// The body of a 101 is the connection itself. It ends only when the server closes it.
	if resp.StatusCode < http.StatusOK {
		return Page{}, malformed(CodeDecode, resp, "not a response to a request")
	}

	buffer := c.bodies.Get().(*bytes.Buffer)
	defer c.keepBuffer(buffer)
	readErr := readBody(buffer, resp)
	body := buffer.Bytes()
	if errors.Is(readErr, errBodyTooLarge) {
		return Page{}, malformed(CodeResponseTooLarge, resp, readErr.Error())
	}
	// Prefer the API's own error to a read error.
	if apiErr := responseError(resp, body, received, key); apiErr != nil {
		c.handleAPIError(apiErr, key)
		return Page{}, apiErr
	}
	if readErr != nil {
		return Page{}, NetworkError(readErr)
	}
	page, err := decodePage(body, number)
	if err != nil {
		return Page{}, decodeError(err, resp, body)
	}
	return page, nil
}

// decodeError returns the error for a body that is not a page of tasks.
func decodeError(err error, resp *http.Response, body []byte) *Error {
	if isHTML(body) {
		return malformed(CodeDecode, resp, htmlDetail)
	}
	failure := malformed(CodeDecode, resp, err.Error())
	if errors.Is(err, ErrShape) {
		failure.cause = ErrShape
	}
	return failure
}

const htmlDetail = "what answers is not the API: it sent an HTML page"

// isHTML reports whether a body is a web page, such as a proxy's.
func isHTML(body []byte) bool {
	start := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), maxErrorBytes)]))
	return bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

// malformed returns the error for a response that the API does not send.
func malformed(code string, resp *http.Response, detail string) *Error {
	return &Error{Code: code, Class: ClassMalformed, Status: resp.StatusCode, Detail: detail}
}

// readBody reads the whole body of a page, the first maxErrorBytes of an error's body, and
// nothing of a redirect's body.
func readBody(into *bytes.Buffer, resp *http.Response) error {
	limit := int64(maxBodyBytes + 1)
	switch {
	case resp.StatusCode >= http.StatusBadRequest:
		limit = maxErrorBytes
	case resp.StatusCode >= http.StatusMultipleChoices:
		return nil
	case resp.ContentLength > maxBodyBytes:
		return errBodyTooLarge
	}
	n, err := into.ReadFrom(io.LimitReader(resp.Body, min(limit, maxKeptBytes)))
	if err == nil && n == maxKeptBytes {
		into.Grow(int(limit-n) + bytes.MinRead) // Once, instead of doubling the buffer repeatedly.
		n, err = into.ReadFrom(io.LimitReader(resp.Body, limit-n))
		n += maxKeptBytes
	}
	if n > maxBodyBytes {
		return errBodyTooLarge
	}
	return err
}

// keepBuffer keeps a buffer for the next body, unless its capacity exceeds maxKeptBytes.
// Without reuse, the bodies take more memory than the tasks in them.
func (c *Client) keepBuffer(buffer *bytes.Buffer) {
	if buffer.Cap() <= maxKeptBytes {
		buffer.Reset()
		c.bodies.Put(buffer)
	}
}

// observeClock compares this machine's clock with the response's Date.
func (c *Client) observeClock(header http.Header, sent, received time.Time) {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	// The header is truncated to a second, so it is half a second early on average.
	skew := sent.Add(received.Sub(sent) / 2).Sub(date.Add(time.Second / 2))
	c.skew.Store(&skew)
}

// handleAPIError lowers the rate after throttling. It pauses the account if the response
// requests a wait and the call may be retried. It rejects a key that the API refused.
func (c *Client) handleAPIError(err *Error, key Credentials) {
	if err.throttling() {
		c.config.Limiter.throttled(err)
	}
	if err.RetryAfter > 0 && err.retried() {
		c.config.Limiter.pause(err.RetryAfter, err)
	}
	if err.Class == ClassCredentials && !err.nonceUsed() {
		c.config.Credentials.Reject(key)
	}
}

// responseError returns the error in a response, or nil if there is none. The API's code
// determines the kind of the error. The HTTP status is unreliable, and is used only for a
// redirect or without a known code.
func responseError(resp *http.Response, body []byte, now time.Time, key Credentials) *Error {
	status := resp.StatusCode
	if status >= 300 && status < 400 {
		return &Error{Code: CodeRedirect, Class: ClassMalformed, Status: status, Detail: "redirects are not followed"}
	}
	var apiCode, requestID string
	if status != http.StatusOK || !bytes.Contains(body, []byte(`"UsageDataPerPage"`)) {
		apiCode, requestID = parseErrorBody(body)
	}
	if apiCode == "" && status < 400 {
		return nil
	}
	err := &Error{Status: status, RequestID: requestID, APICode: apiCode, RetryAfter: waitHint(resp.Header, now)}
	switch kind, ok := KindOf(apiCode); {
	case ok:
		err.Code, err.Class = kind.Code, kind.Class
	case apiCode != "":
		err.Code, err.Class = CodeOther, unknownClass(status, err.RetryAfter)
	default:
		err.Code, err.Class = CodeHTTPStatus, statusClass(status)
		err.Detail = "what answers is not the API: the response has no error code"
		if isHTML(body) {
			err.Detail = htmlDetail
		}
	}
	if containsSecret(apiCode, key) {
		err.APICode = ""
	}
	return err
}

// containsSecret reports whether a text from the API contains the key's id, secret or token.
func containsSecret(text string, key Credentials) bool {
	for _, secret := range []string{key.AccessKeyID, string(key.AccessKeySecret), string(key.SecurityToken)} {
		if secret != "" && strings.Contains(text, secret) {
			return true
		}
	}
	return false
}
