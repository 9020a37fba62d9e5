package simulator

import "net/http"

// Failure is a way in which the API fails during an outage.
type Failure int

// The failures. ServiceUnavailable and InternalError are errors of the API,
// BadGateway is the HTML page of a load balancer.
const (
	NoFailure          Failure = iota
	ServiceUnavailable         // status 503
	InternalError              // status 500
	BadGateway                 // status 502
)

var (
	errServiceUnavailable = &apiError{
		status:  http.StatusServiceUnavailable,
		code:    "ServiceUnavailable",
		message: "The request has failed due to a temporary failure of the server.",
	}
	errInternal = &apiError{
		status:  http.StatusInternalServerError,
		code:    "InternalError",
		message: "The request processing has failed due to some unknown error.",
	}
)

const badGatewayPage = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n" +
	"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>Tengine</center>\r\n</body>\r\n</html>\r\n"

func (f Failure) response(meta responseMeta) *response {
	switch f {
	case ServiceUnavailable:
		return errServiceUnavailable.response(meta)
	case BadGateway:
		return &response{
			status:      http.StatusBadGateway,
			contentType: "text/html",
			body:        []byte(badGatewayPage),
		}
	default:
		return errInternal.response(meta)
	}
}
