package apiclient

import (
	"net/http"
	"time"
)

// DecodePage reads the body of a successful response with the first page.
func DecodePage(body []byte) (Page, error) { return decodePage(body, 1) }

// ResponseError returns the error in a response.
func ResponseError(status int, body []byte) error {
	return responseError(&http.Response{StatusCode: status}, body, time.Now(), Credentials{})
}

// WaitHint returns the wait that a response with a header requests.
func WaitHint(header http.Header) time.Duration { return waitHint(header, time.Now()) }
