package apiclient

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// tunnel tracks whether an HTTPS request is waiting for a proxy to connect it to its host.
// net/http's errors do not tell: if a proxy closes the connection, or sends something other
// than HTTP, the error looks as if the host had done so.
type tunnel struct{ waiting atomic.Bool }

// watch returns a context with which t follows a request.
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

// blame returns the error of the request. It names the proxy if the request was waiting for
// one.
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
