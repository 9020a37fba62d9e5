// Package apiclient reads the lists of Alibaba Cloud CDN's usage export tasks. It signs
// requests, limits their rate, bounds retries, and returns only listings that are proven
// complete. A Client reads the lists of one account, within that account's quota.
package apiclient

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Config configures a Client. All fields except Observer are required.
type Config struct {
	Endpoint    Endpoint
	Credentials CredentialsProvider
	// Timeout bounds one attempt, from the connection to the last byte of the response.
	Timeout time.Duration
	// Limiter limits the rate and the concurrency of attempts, including retries. Clients that
	// share an account's quota must share its Limiter.
	Limiter *Limiter
	// MaxRetries bounds the attempts for a page after the first one.
	MaxRetries int
	// MaxTasks bounds the length of a list that is read.
	MaxTasks int
	// UserAgent is sent with every request.
	UserAgent string
	// Observer, if non-nil, is called after every attempt.
	Observer Observer
	// Transport sends the requests (see NewTransport). Clients may share one, because each
	// request carries its own key.
	Transport http.RoundTripper
}

// Observer observes a Client. It is called from several goroutines.
type Observer interface {
	// Attempted is called after each attempt to read a page.
	Attempted(Attempt)
	// WalkRestarted is called for each walk that was not proven complete, with the reason.
	WalkRestarted(export Export, reason string)
}

// Attempt is one attempt to read a page.
type Attempt struct {
	Export Export
	// Page is the page's number, from 1.
	Page int
	// RateLimitWait is the time spent waiting for a pause to end and for a token. It does not
	// include the time spent waiting for other calls of the account.
	RateLimitWait time.Duration
	// Sent is false if the attempt ended before a request was sent.
	Sent bool
	// Duration is the time from sending the request until its response was decoded.
	Duration time.Duration
	// Err is why the attempt failed; nil if it succeeded or was canceled.
	Err *Error
}

// Client reads one account's lists. It is safe for concurrent use.
type Client struct {
	config Config
	http   *http.Client
	skew   atomic.Pointer[time.Duration]
	lanes  map[Export]*lane
	bodies sync.Pool // *bytes.Buffer
}

// New returns a Client.
func New(config Config) *Client {
	if config.Observer == nil {
		config.Observer = nopObserver{}
	}
	lanes := make(map[Export]*lane)
	for _, export := range Exports() {
		lanes[export] = new(lane)
	}
	return &Client{
		config: config,
		lanes:  lanes,
		bodies: sync.Pool{New: func() any { return new(bytes.Buffer) }},
		http: &http.Client{
			Transport: config.Transport,
			// Following a redirect would send signed headers to its target.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// RateLimit returns the number of attempts per second that is allowed now: the
// configured one, or less after throttling.
func (c *Client) RateLimit() float64 { return c.config.Limiter.Rate() }

// ClockSkew returns this machine's clock minus the API's, as measured with the last response
// that had a Date. It is accurate to about a second. It returns false before the first such
// response.
func (c *Client) ClockSkew() (time.Duration, bool) {
	skew := c.skew.Load()
	if skew == nil {
		return 0, false
	}
	return *skew, true
}

// Page reads one page of an export's list. It retries as often as MaxRetries and the kind of
// error allow. Its error is an *Error, or the context's error.
func (c *Client) Page(ctx context.Context, export Export, number int) (Page, error) {
	lane := c.lanes[export]
	retries := retries{left: c.config.MaxRetries}
	if lane.failing.Load() {
		retries.left = 0
	}
	var last *Error // why the last request that was sent failed
	for attempts := 0; ; attempts++ {
		page, err := c.attempt(ctx, export, number, attempts)
		if err == nil {
			lane.failing.Store(false)
			return page, nil
		}
		apiErr, ok := errors.AsType[*Error](err)
		if !ok || apiErr.notSent && last == nil {
			return Page{}, err
		}
		if !apiErr.notSent {
			last = apiErr
		}
		delay, ok := retries.next(last)
		if apiErr.notSent || !ok || tooLate(ctx, delay) || c.delay(ctx, delay, last) != nil {
			lane.failing.Store(last.transient() && !last.throttling())
			return Page{}, last
		}
	}
}

// delay waits before the retry of a call. After throttling, it pauses the whole account and
// returns at once. The retry is then the first call after the pause.
func (c *Client) delay(ctx context.Context, d time.Duration, err *Error) error {
	if err.throttling() {
		c.config.Limiter.pause(d, err)
		return nil
	}
	return sleep(ctx, d)
}

// attempt requests a page once. It takes the rate-limit token right before sending. Otherwise,
// slow key lookups would hold tokens back and release them as a burst. attempts is the number
// of earlier attempts. The error is an *Error, or the context's error if ctx was canceled.
func (c *Client) attempt(ctx context.Context, export Export, number, attempts int) (page Page, err error) {
	observed := Attempt{Export: export, Page: number}
	defer func() {
		errors.As(err, &observed.Err)
		c.config.Observer.Attempted(observed)
	}()

	key, err := c.key(ctx)
	if err != nil {
		return Page{}, err
	}
	release, waited, err := c.config.Limiter.acquire(ctx, c.lanes[export], attempts)
	observed.RateLimitWait = max(0, waited) // A clock that was set back makes it negative.
	if err != nil {
		return Page{}, err
	}
	defer release()

	limited, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	req, err := c.newRequest(limited, export, number, key)
	if err != nil {
		return Page{}, err
	}
	sent := time.Now()
	page, err = c.send(req, number, key)
	observed.Sent, observed.Duration = true, max(0, time.Since(sent))
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return Page{}, ctx.Err()
	}
	return page, err
}

// key returns the key to sign with, within the time limit of an attempt.
func (c *Client) key(ctx context.Context) (Credentials, error) {
	limited, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	key, err := c.config.Credentials.Credentials(limited)
	if err == nil {
		return key, nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return Credentials{}, ctx.Err()
	}
	failure := newError(CodeCredentials, ClassCredentials, err.Error())
	if errors.Is(err, context.DeadlineExceeded) {
		failure.Detail = "no key within the time limit"
	}
	failure.cause = err
	return Credentials{}, failure
}

// nopObserver ignores all events.
type nopObserver struct{}

// Attempted does nothing.
func (nopObserver) Attempted(Attempt) {}

// WalkRestarted does nothing.
func (nopObserver) WalkRestarted(Export, string) {}
