package simulator

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestServer(t *testing.T) {
	t.Run("every response has a date and its own request id", func(t *testing.T) {
		uuid := regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`)
		failing := New(twoTasks(), Options{Now: fixedClock(noon), Seed: 1, Fail: func(request int64) Failure {
			return []Failure{ServiceUnavailable, InternalError, BadGateway}[request%3]
		}})
		used := make(map[string]bool)
		check := func(w *httptest.ResponseRecorder) {
			t.Helper()
			date, id := w.Header().Get("Date"), w.Header().Get("x-acs-request-id")
			if date != "Sun, 22 Nov 2026 12:00:00 GMT" || !uuid.MatchString(id) || used[id] {
				t.Errorf("response %d: Date %q, request id %q", w.Code, date, id)
			}
			used[id] = true
		}
		s := newServer()
		check(simulatortest.Do(s, newClient(noon).List(UsageAction)))
		check(simulatortest.Do(s, httptest.NewRequest(http.MethodGet, "/", http.NoBody)))
		for range 30 {
			check(simulatortest.Do(failing, newClient(noon).List(UsageAction)))
		}
	})

	t.Run("request ids depend on the seed", func(t *testing.T) {
		id := func(seed uint64) string {
			s := New(twoTasks(), Options{Now: fixedClock(noon), Seed: seed})
			return simulatortest.Do(s, newClient(noon).List(UsageAction)).Header().Get("x-acs-request-id")
		}
		first := id(1)
		if id(1) != first {
			t.Error("the same seed gives different request ids")
		}
		if id(2) == first {
			t.Error("two seeds give the same request id")
		}
	})

	t.Run("latency delays every response", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := New(twoTasks(), Options{Latency: 300 * time.Millisecond})
			for _, r := range []*http.Request{
				newClient(time.Now()).List(UsageAction),
				httptest.NewRequest(http.MethodGet, "/", http.NoBody),
			} {
				start := time.Now()
				simulatortest.Do(s, r)
				if took := time.Since(start); took != 300*time.Millisecond {
					t.Errorf("response after %s", took)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			start := time.Now()
			w := simulatortest.Do(s, newClient(time.Now()).List(UsageAction).WithContext(ctx))
			if took := time.Since(start); took != 100*time.Millisecond || w.Code != http.StatusServiceUnavailable {
				t.Errorf("response %d to a client that is gone, after %s", w.Code, took)
			}
			if s.Calls() != 3 {
				t.Errorf("%d calls, want 3", s.Calls())
			}
		})
	})
}

// Without the secret, no request gets a page, and every response is an error that can be decoded.
func FuzzServer(f *testing.F) {
	f.Add("POST", "PageSize=50", "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=00",
		"x-acs-action", "application/x-www-form-urlencoded", "a=1")
	f.Add("GET", "AccessKeyId="+DefaultAccessKeyID+"&Signature=x&Action="+UsageAction+"&Version="+Version, "", "x", "", "")
	f.Add("PUT", "%zz", "ACS3-HMAC-SHA256 ", ";;", "multipart/form-data; boundary=\"", "\x00")
	f.Fuzz(func(t *testing.T, method, query, authorization, headerName, contentType, body string) {
		r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(body))
		r.Method, r.URL.RawQuery = method, query
		r.Header = http.Header{
			"Authorization": {authorization}, "Content-Type": {contentType}, http.CanonicalHeaderKey(headerName): {body},
			"X-Acs-Action": {UsageAction}, "X-Acs-Version": {Version}, "X-Acs-Date": {noon.Format(timeFormat)},
			"X-Acs-Signature-Nonce": {"1"}, "X-Acs-Content-Sha256": {"0"},
		}
		w := simulatortest.Do(newServer(), r)
		if w.Code < 400 || w.Code > 599 || strings.Contains(w.Body.String(), downloadSecret) {
			t.Fatalf("response %d %s", w.Code, w.Body)
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "text/xml") {
			var body errorBody
			if err := xml.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Code == "" {
				t.Fatalf("%v in %s", err, w.Body)
			}
			return
		}
		if simulatortest.DecodeError(t, w).Code == "" {
			t.Fatal(w.Body)
		}
	})
}
