// Package apiclient reads the list of Alibaba Cloud CDN's usage export tasks:
// signed requests, a rate limit, bounded retries, and listings that are proven
// to be whole. One Client stands for one account and its quota.
package apiclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Client needs to know.
type Config struct {
	// Endpoint is a host name, or http:// and a loopback address (ParseEndpoint).
	Endpoint    string
	Credentials CredentialsProvider
	// Timeout bounds one attempt, from the connection to the answer's last byte.
	Timeout time.Duration
	// RateLimit is the attempts a second, retries included; +Inf for no limit.
	RateLimit float64
	// Concurrency is the number of calls at the same time, over all exports.
	Concurrency int
	// MaxRetries bounds the attempts at a page after the first.
	MaxRetries int
	// MaxTasks bounds the length of a list that is read.
	MaxTasks int
	// UserAgent is sent with every request.
	UserAgent string
	// Observer is told what happens; nil for nobody.
	Observer Observer
	// Transport carries the requests (NewTransport). Clients may share it: a request
	// has its own key, whatever connection it takes.
	Transport http.RoundTripper
}

// Observer is told what a Client does. It is called from several goroutines.
type Observer interface {
	// Attempted is called after each attempt at a page.
	Attempted(Attempt)
	// WalkRestarted is called for each walk that was not proven.
	WalkRestarted(export Export, reason string)
}

// Attempt is one attempt to read a page.
type Attempt struct {
	Export Export
	// Page is the page's number, from 1.
	Page int
	// RateLimitWait is the time spent waiting for the rate limit.
	RateLimitWait time.Duration
	// Sent is false for an attempt that ended before a request was sent.
	Sent bool
	// Duration is the time from the request to the decoded answer.
	Duration time.Duration
	// Err is why it failed, nil where it succeeded or was called off.
	Err *Error
}

// Client reads one account's lists. It is safe for concurrent use.
type Client struct {
	config   Config
	endpoint *url.URL
	http     *http.Client
	limiter  *limiter
	bodies   sync.Pool
	skew     atomic.Pointer[time.Duration]
	// slots holds one element for each call in flight.
	slots chan struct{}
	// failing is set while an export's last call failed although it was retried.
	// The next one is then a probe, without retries: an outage that lasts must
	// not cost the API more calls than normal running does.
	failing map[Export]*atomic.Bool
}

// maxHeaderBytes bounds an answer's headers.
const maxHeaderBytes = 64 << 10

// New returns a Client, or an error that names what is wrong in the Config.
func New(config Config) (*Client, error) {
	endpoint, err := ParseEndpoint(config.Endpoint)
	switch {
	case err != nil:
		return nil, fmt.Errorf("API endpoint %q: %w", config.Endpoint, err)
	case config.Credentials == nil:
		return nil, errors.New("no credentials provider")
	case config.Timeout <= 0:
		return nil, fmt.Errorf("API timeout %s: must be above 0", config.Timeout)
	case !(config.RateLimit > 0): // NaN is not above 0 either.
		return nil, fmt.Errorf("API rate limit %v: must be above 0", config.RateLimit)
	case config.Concurrency < 1:
		return nil, fmt.Errorf("API concurrency %d: must be at least 1", config.Concurrency)
	case config.MaxRetries < 0:
		return nil, fmt.Errorf("API retries %d: must be at least 0", config.MaxRetries)
	case config.MaxTasks < 1:
		return nil, fmt.Errorf("API task limit %d: must be at least 1", config.MaxTasks)
	case config.Transport == nil:
		return nil, errors.New("no transport")
	}
	if config.Observer == nil {
		config.Observer = nobody{}
	}
	failing := make(map[Export]*atomic.Bool)
	for _, export := range Exports() {
		failing[export] = new(atomic.Bool)
	}
	return &Client{
		config:   config,
		slots:    make(chan struct{}, config.Concurrency),
		failing:  failing,
		endpoint: endpoint,
		http: &http.Client{
			Transport: config.Transport,
			// A redirect's target must not get signed headers.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		limiter: newLimiter(config.RateLimit, config.Concurrency),
	}, nil
}

// maxIdleConnections are kept for the next calls, over all clients of a transport:
// enough for 32 lists that are read at the same time with 8 calls each.
const maxIdleConnections = 256

// silence is how long a connection of HTTP/2 may say nothing while an answer is
// waited for until it is asked whether it lives, and until that must be answered.
const silence = 15 * time.Second

// NewTransport returns real connections, for any number of clients: a thousand
// accounts that take turns need some dozens. Whoever made it closes the idle ones
// in the end.
func NewTransport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	transport.ForceAttemptHTTP2 = true
	transport.MaxIdleConns = maxIdleConnections
	transport.MaxIdleConnsPerHost = maxIdleConnections
	transport.MaxResponseHeaderBytes = maxHeaderBytes
	// A connection of HTTP/2 that went silent would stay in use until TCP gives it
	// up, a quarter of an hour later.
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: silence}
	return transport
}

// Succeed goes on with the rate limit of a client of the same account, whose place
// this one takes before its first call: the API knows of no new beginning.
func (c *Client) Succeed(before *Client) {
	before.limiter.configure(c.config.RateLimit, c.config.Concurrency)
	c.limiter = before.limiter
}

// RateLimit is the number of attempts a second that is allowed just now: the
// configured one, or less after throttling.
func (c *Client) RateLimit() float64 { return c.limiter.perSecond() }

// ClockSkew is this machine's clock minus the API's, as of the last answer, to
// about a second; false before the first answer.
func (c *Client) ClockSkew() (time.Duration, bool) {
	skew := c.skew.Load()
	if skew == nil {
		return 0, false
	}
	return *skew, true
}

// Page reads one page of an export's list, with as many attempts as it takes and
// MaxRetries allows. Its error is an *Error, or the context's.
func (c *Client) Page(ctx context.Context, export Export, number int) (Page, error) {
	return c.page(ctx, export, number, make([]Task, 0, PageSize))
}

// page appends the tasks to into.
func (c *Client) page(ctx context.Context, export Export, number int, into []Task) (Page, error) {
	retries := retries{left: c.config.MaxRetries}
	failing := c.failing[export]
	if failing.Load() {
		retries.left = 0
	}
	for {
		page, err := c.attempt(ctx, export, number, into)
		if err == nil {
			failing.Store(false)
			return page, nil
		}
		var apiErr *Error
		if !errors.As(err, &apiErr) {
			return Page{}, err
		}
		delay, again := retries.next(apiErr)
		if !again {
			failing.Store(apiErr.transient())
			return Page{}, err
		}
		if tooLate(ctx, delay) {
			return Page{}, err
		}
		if sleep(ctx, delay) != nil {
			return Page{}, err
		}
	}
}

// nobody is told and does nothing.
type nobody struct{}

// Attempted does nothing.
func (nobody) Attempted(Attempt) {}

// WalkRestarted does nothing.
func (nobody) WalkRestarted(Export, string) {}

// query is what every request asks for.
func query(number int) url.Values {
	return url.Values{"PageNumber": {strconv.Itoa(number)}, "PageSize": {strconv.Itoa(PageSize)}}
}
