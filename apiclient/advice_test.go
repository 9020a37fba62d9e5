package apiclient_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/apiclient"
)

const (
	adviceOnTime = "The list takes longer to read than --refresh.timeout allows: raise it or, if the API does not throttle, " +
		"the rate limit (--api.rate-limit, or rate_limit of the account)."
	adviceOnTheWay = "Look at the way to the endpoint: its name (--api.endpoint, or endpoint of the account), DNS, firewall, " +
		"proxy (HTTPS_PROXY, NO_PROXY), certificates."
	adviceOnKeys = "There is no key to ask the API with: put right what the error names. The README lists the ways to give a key."
)

func TestAdviceOnEveryCode(t *testing.T) {
	classes := map[apiclient.Class]string{
		apiclient.Throttled: "The account's quota of calls is used up: look who else calls the API, and try again.",
		apiclient.Server:    "The API is in trouble: try again later.",
		apiclient.Network:   adviceOnTheWay,
		apiclient.Malformed: "What answers is not the API: look at the endpoint (--api.endpoint, or endpoint of the account) and at proxies on the way.",
		apiclient.Denied: `The key may not list these tasks: grant it the RAM action cdn:DescribeUserUsageDataExportTask on the resource "*", ` +
			"or attach the policy AliyunCDNReadOnlyAccess.",
		apiclient.CredentialsClass: "The API does not accept the key: look whether it exists, is enabled, and whether its secret or token is the right one.",
		apiclient.Clock:            "Set this machine's clock: the API refuses requests whose date is off by more than 15 minutes.",
		apiclient.Request:          "Please report this error together with the version: the API refuses the request itself.",
	}
	special := map[string]string{
		"OperationDenied": "The account has no CDN service, or it is suspended: open it or settle its bill.",
		"credentials":     adviceOnKeys,
	}
	for _, code := range apiclient.Codes() {
		want, is := special[code.Code]
		if !is {
			want = classes[code.Class]
		}
		delete(special, code.Code)
		err := fmt.Errorf("page 1: %w", &apiclient.Error{Code: code, Detail: "what else is known"})
		if got := apiclient.Advice(err, apiclient.Usage); got != want || want == "" {
			t.Errorf("%s, class %s: the advice is\n%s\nwant\n%s", code.Code, code.Class, got, want)
		}
	}
	if len(special) > 0 {
		t.Errorf("no longer a code: %v", special)
	}
}

func TestAdviceOnOtherErrors(t *testing.T) {
	for want, err := range map[string]error{
		"Raise --api.max-tasks; the README says what such a list costs.": &apiclient.TooManyTasksError{},
		"The list changes faster than it is read, or the API contradicts itself: try again, " +
			"and with a higher rate limit (--api.rate-limit, or rate_limit of the account).": &apiclient.UnprovenError{},
		adviceOnTime: context.DeadlineExceeded,
		"Try again.": errors.New("something else"),
	} {
		if got := apiclient.Advice(fmt.Errorf("listing: %w", err), apiclient.Usage); got != want {
			t.Errorf("on %v the advice is\n%s\nwant\n%s", err, got, want)
		}
	}
}

// What the advice is about is what a client really says.
func TestAdviceWhereTheAPIWasNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Minute) }) // Fake time.
		for name, tc := range map[string]struct {
			change []func(*apiclient.Config)
			want   string
		}{
			"the rate limit leaves no time": {[]func(*apiclient.Config){through(&script{answers: []reply{{}}}), limited(0.01, 1)}, adviceOnTime},
			"others take all the time":      {[]func(*apiclient.Config){through(slow), limited(10, 1)}, adviceOnTime},
			"the key's file is missing": {[]func(*apiclient.Config){func(c *apiclient.Config) {
				c.Credentials = apiclient.NewKeySource(apiclient.KeySettings{Type: apiclient.KeyAccessKey, AccessKeyID: apiclient.Secret{File: "/nowhere/id"}})
			}}, adviceOnKeys},
		} {
			client := newClient(t, "http://127.0.0.1", append(tc.change, func(c *apiclient.Config) { c.Timeout = time.Hour })...)
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			var other sync.WaitGroup // It takes the one token, or the one turn.
			other.Go(func() { _, _ = client.Page(context.Background(), apiclient.Usage, 1) })
			synctest.Wait()
			_, err := client.Page(ctx, apiclient.Usage, 1)
			cancel()
			other.Wait()
			if err == nil || apiclient.Advice(err, apiclient.Usage) != tc.want {
				t.Errorf("%s: %v: the advice is\n%s\nwant\n%s", name, err, apiclient.Advice(err, apiclient.Usage), tc.want)
			}
		}
	})
}
