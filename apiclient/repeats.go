package apiclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// errRepeated is the cause with which withoutRepeats cancels a context when net/http is about
// to send the request again.
var errRepeated = errors.New("the server gave up the request without an answer")

// withoutRepeats returns a context in which net/http sends a request at most once, and a
// function that releases it. Over HTTP/2, net/http repeats a request without a bound if the
// server says that it did not process it (GOAWAY, REFUSED_STREAM). A repeated request bypasses
// the rate limit and has a nonce that the API has seen. Over HTTP/1, net/http repeats a POST
// only if nothing of it was written.
func withoutRepeats(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var wrote atomic.Bool
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { wrote.Store(true) },
		GotConn: func(info httptrace.GotConnInfo) {
			if wrote.Load() && isHTTP2(info.Conn) {
				cancel(errRepeated)
			}
		},
	}), func() { cancel(nil) }
}

func isHTTP2(conn net.Conn) bool {
	secured, ok := conn.(*tls.Conn)
	return ok && secured.ConnectionState().NegotiatedProtocol == "h2"
}
