package simulator

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestErrorInJSON(t *testing.T) {
	w := simulatortest.Do(New(twoTasks(), Options{Now: fixedClock(noon)}), newClient(noon).V3(http.MethodPost, "DescribeNothing", nil, ""))
	id := w.Header().Get("x-acs-request-id")
	want := `{"RequestId":"` + id + `","HostId":"cdn.example","Code":"InvalidAction.NotFound",` +
		`"Message":"Specified action is not found, please check your action name.",` +
		`"Recommend":"https://api.aliyun.com/troubleshoot?product=Cdn&q=InvalidAction.NotFound&requestId=` + id + `"}`
	if w.Code != http.StatusNotFound || w.Body.String() != want {
		t.Errorf("answer %d:\n%s\nwant\n%s", w.Code, w.Body, want)
	}
}

func TestErrorInXML(t *testing.T) {
	c := newClient(noon)
	c.KeyID = "nobody"
	for name, r := range map[string]*http.Request{
		"Format=XML": c.HMACSHA1(http.MethodGet, UsageAction, nil, func(p url.Values) { p.Set("Format", "XML") }),
		"no Format":  c.HMACSHA1(http.MethodPost, UsageAction, nil, func(p url.Values) { p.Del("Format") }),
	} {
		w := simulatortest.Do(New(twoTasks(), Options{Now: fixedClock(noon)}), r)
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
	healthy := New(twoTasks(), Options{Now: fixedClock(noon)})
	broken := New(twoTasks(), Options{Now: fixedClock(noon), Fail: func(request int64) Failure {
		return []Failure{ServiceUnavailable, InternalError, BadGateway}[request%3]
	}})
	seen := make(map[string]bool)
	check := func(w *httptest.ResponseRecorder) {
		id := w.Header().Get("x-acs-request-id")
		if got := w.Header().Get("Date"); got != "Sun, 22 Nov 2026 12:00:00 GMT" || !uuid.MatchString(id) || seen[id] {
			t.Errorf("answer %d: Date %q, request id %q", w.Code, got, id)
		}
		seen[id] = true
	}
	check(simulatortest.Do(healthy, newClient(noon).V3(http.MethodGet, UsageAction, nil, "")))
	check(simulatortest.Do(healthy, httptest.NewRequest(http.MethodGet, "/", http.NoBody)))
	clear(seen) // Another server with the same seed gives the same ids.
	for range 30 {
		check(simulatortest.Do(broken, newClient(noon).V3(http.MethodGet, UsageAction, nil, "")))
	}
}

func TestRefusalOfWhatIsNoCall(t *testing.T) {
	c := newClient(noon)
	drop := func(header string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(header) } }
	without := func(name string) func(url.Values) { return func(p url.Values) { p.Del(name) } }
	path := c.V3(http.MethodGet, UsageAction, nil, "")
	path.URL.Path = "/2018-05-10"
	query := c.V3(http.MethodGet, UsageAction, nil, "")
	query.URL.RawQuery = "PageSize=%zz"
	form := httptest.NewRequest(http.MethodPost, "/?Format=JSON", strings.NewReader("a=%zz"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, tc := range map[string]struct {
		r      *http.Request
		status int
		code   string
	}{
		"V3 without action":         {c.V3(http.MethodGet, "", nil, "", drop("x-acs-action")), 400, "MissingAction"},
		"V3 without version":        {c.V3(http.MethodGet, UsageAction, nil, "", drop("x-acs-version")), 400, "MissingVersion"},
		"V3, unknown action":        {c.V3(http.MethodGet, "DescribeCdnService", nil, ""), 404, "InvalidAction.NotFound"},
		"V3, unknown version":       {c.V3(http.MethodGet, UsageAction, nil, "", func(r *http.Request) { r.Header.Set("x-acs-version", "2014-11-11") }), 404, "InvalidApi.NotFound"},
		"V3, action in the query":   {c.V3(http.MethodGet, "", url.Values{"Action": {UsageAction}}, "", drop("x-acs-action")), 400, "MissingAction"},
		"HMAC-SHA1 without action":  {c.HMACSHA1(http.MethodGet, "", nil, without("Action")), 400, "MissingAction"},
		"HMAC-SHA1 without version": {c.HMACSHA1(http.MethodGet, UsageAction, nil, without("Version")), 400, "MissingVersion"},
		"HMAC-SHA1, unknown action": {c.HMACSHA1(http.MethodGet, "DescribeNothing", nil), 404, "InvalidAction.NotFound"},
		"HMAC-SHA1, old version":    {c.HMACSHA1(http.MethodPost, UsageAction, url.Values{"Version": {"2014-11-11"}}), 404, "InvalidApi.NotFound"},
		"method":                    {c.V3(http.MethodPut, UsageAction, nil, ""), 400, "UnsupportedHTTPMethod"},
		"path":                      {path, 404, "InvalidApi.NotFound"},
		"query":                     {query, 400, "InvalidParameter"},
		"form":                      {form, 400, "InvalidParameter"},
		"body":                      {c.V3(http.MethodPost, UsageAction, nil, strings.Repeat("x", maxRequestBody+1)), 400, "InvalidParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			simulatortest.WantError(t, simulatortest.Do(New(twoTasks(), Options{Now: fixedClock(noon)}), tc.r), tc.status, tc.code)
		})
	}
}

func TestLatencyPassesBeforeEveryAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(twoTasks(), Options{Latency: 300 * time.Millisecond})
		for _, r := range []*http.Request{newClient(time.Now()).V3(http.MethodGet, UsageAction, nil, ""), httptest.NewRequest(http.MethodGet, "/", http.NoBody)} {
			began := time.Now()
			simulatortest.Do(s, r)
			if took := time.Since(began); took != 300*time.Millisecond {
				t.Errorf("answer after %s", took)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		w := simulatortest.Do(s, newClient(time.Now()).V3(http.MethodGet, UsageAction, nil, "").WithContext(ctx))
		if took := time.Since(began); took != 100*time.Millisecond || w.Code != http.StatusServiceUnavailable {
			t.Errorf("answer %d to a caller who had gone, after %s", w.Code, took)
		}
		if s.Calls() != 3 {
			t.Errorf("%d calls, want 3", s.Calls())
		}
	})
}

func TestSeed(t *testing.T) {
	a, b := New(twoTasks(), Options{Now: fixedClock(noon), Seed: 1}), New(twoTasks(), Options{Now: fixedClock(noon), Seed: 2})
	r := newClient(noon).V3(http.MethodGet, UsageAction, nil, "")
	if simulatortest.Do(a, r).Body.String() == simulatortest.Do(b, r).Body.String() {
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
		w := simulatortest.Do(New(twoTasks(), Options{Now: fixedClock(noon)}), r)
		if w.Code < 400 || w.Code > 599 || strings.Contains(w.Body.String(), downloadSecret) {
			t.Fatalf("answer %d %s", w.Code, w.Body)
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "text/xml") {
			var e errorBody
			if err := xml.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Code == "" {
				t.Fatalf("%v in %s", err, w.Body)
			}
			return
		}
		if simulatortest.DecodeError(t, w).Code == "" {
			t.Fatal(w.Body)
		}
	})
}
