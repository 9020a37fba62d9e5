package apiclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// errRepeated is the cause of a context of withoutRepeats that net/http was about to
// repeat the request in.
var errRepeated = errors.New("the server gave up the request without an answer")

// withoutRepeats returns a context in which net/http sends a request at most once, and the
// function that frees it. Over HTTP/2, net/http repeats a request by itself when the
// server says that it did not process it (GOAWAY, REFUSED_STREAM), with no bound: past the
// rate limit, and with a nonce that the API has seen. Over HTTP/1 it repeats a POST only if
// nothing of it was written.
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
