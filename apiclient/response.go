package apiclient

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxBodyBytes bounds a response's body after decompression. A page of 50 tasks has
// about 25 kB.
const maxBodyBytes = 4 << 20

// send sends the request and reads the page in its response. Its error is an *Error.
func (c *Client) send(req *http.Request, key Credentials) (Page, error) {
	sent := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return Page{}, NetworkError(err)
	}
	defer resp.Body.Close()
	received := time.Now()
	c.observeClock(resp.Header, sent, received)

	body, readErr := io.ReadAll(io.LimitReader(resp.Body, maxBodyBytes+1))
	if readErr == nil && len(body) > maxBodyBytes {
		return Page{}, &Error{
			Code: CodeResponseTooLarge, Class: ClassMalformed, Status: resp.StatusCode, Detail: "more than 4 MiB",
		}
	}
	// Prefer the API's own error to a read error.
	if apiErr := responseError(resp, body, received, key); apiErr != nil {
		c.handleAPIError(apiErr, key)
		return Page{}, apiErr
	}
	if readErr != nil {
		return Page{}, NetworkError(readErr)
	}
	page, err := decodePage(body)
	if err != nil {
		return Page{}, &Error{Code: CodeDecode, Class: ClassMalformed, Status: resp.StatusCode, Detail: err.Error()}
	}
	return page, nil
}

// observeClock compares this machine's clock with the response's Date.
func (c *Client) observeClock(header http.Header, sent, received time.Time) {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	// The header is cut to the full second: it is half a second late on average.
	skew := sent.Add(received.Sub(sent) / 2).Sub(date.Add(time.Second / 2))
	c.skew.Store(&skew)
}

// handleAPIError slows down on throttling and rejects a key that the API refused.
func (c *Client) handleAPIError(err *Error, key Credentials) {
	if err.throttling() {
		c.limiter.throttled(err.RetryAfter)
	}
	if err.Class == ClassCredentials && err.Code != "SignatureNonceUsed" {
		c.config.Credentials.Reject(key)
	}
}

// responseError returns the error in a response, nil if it has none. The API's own code
// decides. The HTTP status, which is unreliable, decides only without a code.
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
	switch kind, ok := kindOf(apiCode); {
	case ok:
		err.Code, err.Class = kind.Code, kind.Class
	case apiCode != "":
		err.Code, err.Class = CodeOther, statusClass(status)
	default:
		err.Code, err.Class = CodeHTTPStatus, statusClass(status)
		err.Detail = "the response has no error code of the API"
	}
	if containsSecret(apiCode, key) {
		err.APICode = ""
	}
	return err
}

// containsSecret reports whether a text of the API holds a part of the key.
func containsSecret(text string, key Credentials) bool {
	for _, secret := range []string{key.AccessKeyID, key.AccessKeySecret, key.SecurityToken} {
		if secret != "" && strings.Contains(text, secret) {
			return true
		}
	}
	return false
}
