package advice_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/advice"
	"alicdn_export_exporter/internal/credentials"
)

const (
	adviceOnTime = "Reading the list takes longer than --refresh.timeout allows. Raise that timeout. " +
		"If the API does not throttle, you can raise the rate limit instead " +
		"(--api.rate-limit, or rate_limit of the account)."
	adviceOnNetwork = "Check the network path to the endpoint: its name (--api.endpoint, or endpoint of the account), " +
		"DNS, firewall, proxy (HTTPS_PROXY, NO_PROXY), certificates."
	adviceOnKeys = "There are no usable credentials. Fix the error above; the README lists the ways to provide a key."
)

func TestFor(t *testing.T) {
	t.Run("advises on every kind of API error", func(t *testing.T) {
		classes := map[apiclient.Class]string{
			apiclient.ClassThrottled: "The account's call quota is used up. Find out who else calls the API, and try again.",
			apiclient.ClassServer:    "The API has an internal problem. Try again later.",
			apiclient.ClassNetwork:   adviceOnNetwork,
			apiclient.ClassMalformed: "This is not a response of the API. " +
				"Check the endpoint (--api.endpoint, or endpoint of the account) and the proxies in between.",
			apiclient.ClassDenied: "The key may not list these tasks. " +
				`Grant it the RAM action cdn:DescribeUserUsageDataExportTask on the resource "*", ` +
				"or attach the policy AliyunCDNReadOnlyAccess.",
			apiclient.ClassCredentials: "The API rejects the key. " +
				"Check that it exists and is enabled, and that its secret or token is correct.",
			apiclient.ClassClock: "Set this machine's clock. " +
				"The API rejects requests whose date is off by more than 15 minutes.",
			apiclient.ClassRequest: "The API rejects the request itself. Please report this error together with the version.",
		}
		special := map[string]string{
			"OperationDenied": "The account has no CDN service, or it is suspended. Activate it or pay its bill.",
			"credentials":     adviceOnKeys,
		}
		for _, kind := range apiclient.ErrorKinds() {
			want, ok := special[kind.Code]
			if !ok {
				want = classes[kind.Class]
			}
			delete(special, kind.Code)
			err := fmt.Errorf("page 1: %w", &apiclient.Error{Code: kind.Code, Class: kind.Class, Detail: "more"})
			if got := advice.For(err, apiclient.Usage); got != want || want == "" {
				t.Errorf("%s, class %s: the advice is\n%s\nwant\n%s", kind.Code, kind.Class, got, want)
			}
		}
		if len(special) > 0 {
			t.Errorf("not among the kinds of errors: %v", special)
		}
	})

	t.Run("advises on other errors", func(t *testing.T) {
		for want, err := range map[string]error{
			"Raise --api.max-tasks. The README says what such a list costs.": &apiclient.TooManyTasksError{},
			"The list changes faster than it can be read, or the API contradicts itself. Try again, or raise " +
				"the rate limit (--api.rate-limit, or rate_limit of the account).": &apiclient.UnprovenError{},
			adviceOnTime: context.DeadlineExceeded,
			"Try again.": errors.New("something else"),
		} {
			if got := advice.For(fmt.Errorf("listing: %w", err), apiclient.Usage); got != want {
				t.Errorf("%v: the advice is\n%s\nwant\n%s", err, got, want)
			}
		}
	})

	t.Run("does not blame the network if the request was not sent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			emptyList := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"UsageDataPerPage":{"PageNumber":1,"TotalCount":0}}`))
			})
			slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Minute) }) // Fake time.
			key := apiclient.StaticCredentials{AccessKeyID: "id", AccessKeySecret: "secret"}
			missing := credentials.NewSource(credentials.Config{
				Type: credentials.TypeAccessKey, AccessKeyIDFile: "/nowhere/id", AccessKeySecretFile: "/nowhere/secret",
			}, nil, nil)
			for name, tc := range map[string]struct {
				api  http.Handler
				rate float64
				key  apiclient.CredentialsProvider
				want string
			}{
				"the token of the rate limit comes too late": {emptyList, 0.01, key, adviceOnTime},
				"another call holds the only slot too long":  {slow, 10, key, adviceOnTime},
				"the file of the key is missing":             {emptyList, 10, missing, adviceOnKeys},
			} {
				client := newClient(t, tc.api, tc.rate, tc.key)
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				var other sync.WaitGroup // Its call takes the only token and the only slot.
				other.Go(func() { _, _ = client.Page(context.Background(), apiclient.Usage, 1) })
				synctest.Wait()
				_, err := client.Page(ctx, apiclient.Usage, 1)
				cancel()
				other.Wait()
				if err == nil || advice.For(err, apiclient.Usage) != tc.want {
					t.Errorf("%s: %v: the advice is\n%s\nwant\n%s", name, err, advice.For(err, apiclient.Usage), tc.want)
				}
			}
		})
	})
}

// newClient returns a client with one slot that calls api without a network.
func newClient(t *testing.T, api http.Handler, rate float64, key apiclient.CredentialsProvider) *apiclient.Client {
	t.Helper()
	endpoint, err := apiclient.ParseEndpoint("http://127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return apiclient.New(apiclient.Config{
		Endpoint: endpoint, Credentials: key, Transport: inMemory{api},
		Timeout: time.Hour, Limiter: apiclient.NewLimiter(rate, 1), MaxTasks: 100,
	})
}

// inMemory passes requests to a handler without a network, so that tests can use fake time.
type inMemory struct{ handler http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	m.handler.ServeHTTP(recorder, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return recorder.Result(), nil
}
