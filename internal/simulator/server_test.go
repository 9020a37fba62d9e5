package simulator

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestErrorInJSON(t *testing.T) {
	w := ask(New(two(), Options{Now: at(noon)}), clientAt(noon).v3(http.MethodPost, "DescribeNothing", nil, ""))
	id := w.Header().Get("x-acs-request-id")
	want := `{"RequestId":"` + id + `","HostId":"cdn.example","Code":"InvalidAction.NotFound",` +
		`"Message":"Specified action is not found, please check your action name.",` +
		`"Recommend":"https://api.aliyun.com/troubleshoot?product=Cdn&q=InvalidAction.NotFound&requestId=` + id + `"}`
	if w.Code != http.StatusNotFound || w.Body.String() != want {
		t.Errorf("answer %d:\n%s\nwant\n%s", w.Code, w.Body, want)
	}
}

func TestErrorInXML(t *testing.T) {
	c := clientAt(noon)
	c.id = "nobody"
	for name, r := range map[string]*http.Request{
		"Format=XML": c.sha1(http.MethodGet, UsageAction, nil, func(p url.Values) { p.Set("Format", "XML") }),
		"no Format":  c.sha1(http.MethodPost, UsageAction, nil, func(p url.Values) { p.Del("Format") }),
	} {
		w := ask(New(two(), Options{Now: at(noon)}), r)
		var body errorBody
		if err := xml.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatalf("%s: %v in %s", name, err, w.Body)
		}
		if body.XMLName.Local != "Error" || body.Code != "InvalidAccessKeyId.NotFound" || body.RequestID == "" || body.HostID != "cdn.example" || body.Message == "" {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
}

func TestEveryAnswerHasDateAndRequestID(t *testing.T) {
	uuid := regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`)
	healthy := New(two(), Options{Now: at(noon)})
	broken, err := Scenario("outage", Options{Now: at(noon)})
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	check := func(w *httptest.ResponseRecorder) {
		id := w.Header().Get("x-acs-request-id")
		if got := w.Header().Get("Date"); got != "Sun, 22 Nov 2026 12:00:00 GMT" || !uuid.MatchString(id) || seen[id] {
			t.Errorf("answer %d: Date %q, request id %q", w.Code, got, id)
		}
		seen[id] = true
	}
	check(ask(healthy, clientAt(noon).v3(http.MethodGet, UsageAction, nil, "")))
	check(ask(healthy, httptest.NewRequest(http.MethodGet, "/", http.NoBody)))
	clear(seen) // Another server with the same seed gives the same ids.
	for range 30 {
		check(ask(broken, clientAt(noon).v3(http.MethodGet, UsageAction, nil, "")))
	}
}

func TestRefusalOfWhatIsNoCall(t *testing.T) {
	c := clientAt(noon)
	drop := func(header string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(header) } }
	without := func(name string) func(url.Values) { return func(p url.Values) { p.Del(name) } }
	path := c.v3(http.MethodGet, UsageAction, nil, "")
	path.URL.Path = "/2018-05-10"
	query := c.v3(http.MethodGet, UsageAction, nil, "")
	query.URL.RawQuery = "PageSize=%zz"
	form := httptest.NewRequest(http.MethodPost, "/?Format=JSON", strings.NewReader("a=%zz"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, tc := range map[string]struct {
		r      *http.Request
		status int
		code   string
	}{
		"V3 without action":         {c.v3(http.MethodGet, "", nil, "", drop("x-acs-action")), 400, "MissingAction"},
		"V3 without version":        {c.v3(http.MethodGet, UsageAction, nil, "", drop("x-acs-version")), 400, "MissingVersion"},
		"V3, unknown action":        {c.v3(http.MethodGet, "DescribeCdnService", nil, ""), 404, "InvalidAction.NotFound"},
		"V3, unknown version":       {c.v3(http.MethodGet, UsageAction, nil, "", func(r *http.Request) { r.Header.Set("x-acs-version", "2014-11-11") }), 404, "InvalidApi.NotFound"},
		"V3, action in the query":   {c.v3(http.MethodGet, "", url.Values{"Action": {UsageAction}}, "", drop("x-acs-action")), 400, "MissingAction"},
		"HMAC-SHA1 without action":  {c.sha1(http.MethodGet, "", nil, without("Action")), 400, "MissingAction"},
		"HMAC-SHA1 without version": {c.sha1(http.MethodGet, UsageAction, nil, without("Version")), 400, "MissingVersion"},
		"HMAC-SHA1, unknown action": {c.sha1(http.MethodGet, "DescribeNothing", nil), 404, "InvalidAction.NotFound"},
		"HMAC-SHA1, old version":    {c.sha1(http.MethodPost, UsageAction, url.Values{"Version": {"2014-11-11"}}), 404, "InvalidApi.NotFound"},
		"method":                    {c.v3(http.MethodPut, UsageAction, nil, ""), 400, "UnsupportedHTTPMethod"},
		"path":                      {path, 404, "InvalidApi.NotFound"},
		"query":                     {query, 400, "InvalidParameter"},
		"form":                      {form, 400, "InvalidParameter"},
		"body":                      {c.v3(http.MethodPost, UsageAction, nil, strings.Repeat("x", maxRequestBody+1)), 400, "InvalidParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			expectCode(t, ask(New(two(), Options{Now: at(noon)}), tc.r), tc.status, tc.code)
		})
	}
}

func TestLatencyPassesBeforeEveryAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(two(), Options{Latency: 300 * time.Millisecond})
		for _, r := range []*http.Request{clientAt(time.Now()).v3(http.MethodGet, UsageAction, nil, ""), httptest.NewRequest(http.MethodGet, "/", http.NoBody)} {
			began := time.Now()
			ask(s, r)
			if took := time.Since(began); took != 300*time.Millisecond {
				t.Errorf("answer after %s", took)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		w := ask(s, clientAt(time.Now()).v3(http.MethodGet, UsageAction, nil, "").WithContext(ctx))
		if took := time.Since(began); took != 100*time.Millisecond || w.Code != http.StatusServiceUnavailable {
			t.Errorf("answer %d to a caller who had gone, after %s", w.Code, took)
		}
		if s.Calls() != 3 {
			t.Errorf("%d calls, want 3", s.Calls())
		}
	})
}

// Over a real connection, with many callers at once: each gets a page of its own
// moment, and no call is lost or counted twice.
func TestConcurrentCallsOverHTTP(t *testing.T) {
	s, err := Scenario("moving", Options{Quota: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	defer server.Close()
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for caller := range 8 {
		wg.Go(func() {
			c := clientAt(time.Now())
			c.nonces = caller * 1000
			for range 25 {
				r := c.v3(http.MethodPost, UsageAction, url.Values{"PageSize": {"50"}}, "", func(r *http.Request) {
					r.URL.Host, r.Host, r.RequestURI = target.Host, target.Host, ""
				})
				response, err := server.Client().Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				_ = response.Body.Close()
				if response.StatusCode != http.StatusOK || len(response.Header.Values("Date")) != 1 {
					t.Errorf("status %d, %d dates", response.StatusCode, len(response.Header.Values("Date")))
				}
				s.Calls()
			}
		})
	}
	wg.Wait()
	if s.Calls() != 200 {
		t.Errorf("%d calls, want 200", s.Calls())
	}
}

func TestSameSeedAndClockGiveTheSameBytes(t *testing.T) {
	for _, name := range ScenarioNames() {
		var bodies [2]string
		for i := range bodies {
			now := noon
			s, err := Scenario(name, Options{Now: func() time.Time { return now }, Seed: 42})
			if err != nil {
				t.Fatal(err)
			}
			c := clientAt(noon)
			for range 6 {
				now = now.Add(97 * time.Second)
				c.now = now
				w := ask(s, c.v3(http.MethodGet, UsageAction, url.Values{"PageSize": {"50"}}, ""))
				bodies[i] += fmt.Sprint(w.Code, w.Header(), w.Body)
			}
		}
		if bodies[0] != bodies[1] {
			t.Errorf("%s: two runs differ", name)
		}
	}
	a, b := New(two(), Options{Now: at(noon), Seed: 1}), New(two(), Options{Now: at(noon), Seed: 2})
	r := clientAt(noon).v3(http.MethodGet, UsageAction, nil, "")
	if ask(a, r).Body.String() == ask(b, r).Body.String() {
		t.Error("two seeds give the same request id")
	}
}

// Whatever is sent, without the secret nobody gets a page, and every refusal can
// be read.
func FuzzStranger(f *testing.F) {
	f.Add("POST", "PageSize=50", "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=00", "x-acs-action", "application/x-www-form-urlencoded", "a=1")
	f.Add("GET", "AccessKeyId="+DefaultAccessKeyID+"&Signature=x&Action="+UsageAction+"&Version="+Version, "", "x", "", "")
	f.Add("PUT", "%zz", "ACS3-HMAC-SHA256 ", ";;", "multipart/form-data; boundary=\"", "\x00")
	f.Fuzz(func(t *testing.T, method, query, authorization, name, contentType, body string) {
		r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(body))
		r.Method, r.URL.RawQuery = method, query
		r.Header = http.Header{
			"Authorization": {authorization}, "Content-Type": {contentType}, http.CanonicalHeaderKey(name): {body},
			"X-Acs-Action": {UsageAction}, "X-Acs-Version": {Version}, "X-Acs-Date": {noon.Format(timeFormat)},
			"X-Acs-Signature-Nonce": {"1"}, "X-Acs-Content-Sha256": {"0"},
		}
		w := ask(New(two(), Options{Now: at(noon)}), r)
		if w.Code < 400 || w.Code > 599 || strings.Contains(w.Body.String(), DownloadSecret) {
			t.Fatalf("answer %d %s", w.Code, w.Body)
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "text/xml") {
			var e errorBody
			if err := xml.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Code == "" {
				t.Fatalf("%v in %s", err, w.Body)
			}
			return
		}
		if refusal(t, w).Code == "" {
			t.Fatal(w.Body)
		}
	})
}
