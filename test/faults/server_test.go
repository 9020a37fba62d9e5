package faults_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
)

// serverFaults are storms of errors, and redirects.
func serverFaults() []fault {
	faults := []fault{
		storm("storm_of_503", "ServiceUnavailable", apiError(http.StatusServiceUnavailable, "ServiceUnavailable")),
		storm("storm_of_500", "ServiceUnavailable|InternalError", apiError(http.StatusInternalServerError,
			"InternalError")),
		storm("storm_of_502_in_html", "http_status", respond(http.StatusBadGateway, "text/html",
			"<html>Bad Gateway</html>")),
		throttling("throttling_503_without_a_hint", apiError(http.StatusServiceUnavailable, "Throttling")),
		throttling("throttling_400_without_a_hint", apiError(http.StatusBadRequest, "Throttling.User")),
		throttling("throttling_503_with_a_hint", apiError(http.StatusServiceUnavailable, "Throttling",
			"X-Acs-Retry-After", "700")),
		throttling("throttling_400_with_a_hint", apiError(http.StatusBadRequest, "Throttling.Api",
			"X-Ratelimit-User-Api", "Limit:1,Remain:0,TimeLeft:900,Reset:1234")),
		throttling("throttling_429_with_retry_after", apiError(http.StatusTooManyRequests, "Throttling.User",
			"Retry-After", "1")),
		throttling("throttling_with_absurd_hints", apiError(http.StatusBadRequest, "Throttling",
			"X-Acs-Retry-After", "-5", "Retry-After", "soon", "X-Ratelimit-User",
			"Remain:0,TimeLeft:999999999999999999999")),
	}
	for _, status := range []int{
		http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
	} {
		faults = append(faults, redirection(status))
	}
	return faults
}

func storm(name, code string, a answer) fault {
	return fault{kind: 19, name: name, want: refused, code: code, class: "server", answer: a}
}

// throttling is a storm after which the rate of calls must have come down.
func throttling(name string, a answer) fault {
	return fault{
		kind: 20, name: name, want: refused, code: "Throttling.*", class: "throttled", answer: a,
		during: func(c *cell, last page) {
			if rate := last.values[`api_rate_limit_requests_per_second{account="main"}`]; rate > 0.9*c.rate {
				c.Errorf("I4: the rate is %v after a storm of throttling, configured %v", rate, c.rate)
			}
		},
	}
}

// redirection sends the calls elsewhere, where none must arrive.
func redirection(status int) fault {
	return fault{
		kind: 21, name: fmt.Sprint("redirect_", status), want: refused, code: "redirect", class: "malformed",
		begin: func(c *cell) func() {
			var arrived atomic.Int64
			count := func(http.ResponseWriter, *http.Request) { arrived.Add(1) }
			elsewhere := httptest.NewServer(http.HandlerFunc(count))
			end := c.breaks(http.RedirectHandler(elsewhere.URL+"/?Signature=Canary", status).ServeHTTP)
			return func() {
				end()
				elsewhere.Close()
				if n := arrived.Load(); n > 0 {
					c.Errorf("I3: %d calls followed a redirect", n)
				}
			}
		},
	}
}
