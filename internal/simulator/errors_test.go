package simulator

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"testing"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestError(t *testing.T) {
	t.Run("in JSON", func(t *testing.T) {
		w := simulatortest.Do(newServer(), newClient(noon).V3(http.MethodPost, "DescribeNothing", nil, ""))
		id := w.Header().Get("x-acs-request-id")
		want := `{"RequestId":"` + id + `","HostId":"cdn.example","Code":"InvalidAction.NotFound",` +
			`"Message":"Specified action is not found, please check your action name.",` +
			`"Recommend":"https://api.aliyun.com/troubleshoot?product=Cdn&q=InvalidAction.NotFound&requestId=` + id + `"}`
		if w.Code != http.StatusNotFound || w.Body.String() != want {
			t.Errorf("response %d:\n%s\nwant\n%s", w.Code, w.Body, want)
		}
	})

	c := newClient(noon)
	c.KeyID = "unknown"
	for name, r := range map[string]*http.Request{
		"in XML, as requested": c.HMACSHA1(http.MethodGet, UsageAction, nil, func(p url.Values) {
			p.Set("Format", "XML")
		}),
		"in XML, without a Format": c.HMACSHA1(http.MethodPost, UsageAction, nil, func(p url.Values) {
			p.Del("Format")
		}),
	} {
		t.Run(name, func(t *testing.T) {
			w := simulatortest.Do(newServer(), r)
			var body errorBody
			if err := xml.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatalf("%v in %s", err, w.Body)
			}
			if body.XMLName.Local != "Error" || body.Code != "InvalidAccessKeyId.NotFound" ||
				body.RequestID == "" || body.HostID != "cdn.example" || body.Message == "" {
				t.Errorf("error %s", w.Body)
			}
		})
	}
}
