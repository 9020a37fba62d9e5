package apiclient

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// tunnel knows whether a request to an https address waits for a proxy to connect it to its
// host. net/http's errors do not say so: a proxy that closes the connection, or answers
// something else than HTTP, looks like the host itself.
type tunnel struct{ waiting atomic.Bool }

// watch returns a context in which t watches a request.
func (t *tunnel) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				t.waiting.Store(true) // Without a proxy, the handshake starts at once.
			}
		},
		TLSHandshakeStart: func() { t.waiting.Store(false) },
		GotConn:           func(httptrace.GotConnInfo) { t.waiting.Store(false) },
	})
}

// blame returns an error of the request that names the proxy if the request waited for one.
func (t *tunnel) blame(failure *Error) *Error {
	switch {
	case !t.waiting.Load():
	case failure.Code == CodeTimeout:
		failure.Detail = "the proxy did not answer within the time limit"
	case failure.Code == CodeConnection:
		return newError(CodeProxy, ClassNetwork, "the proxy did not answer with HTTP: "+failure.Detail)
	}
	return failure
}
