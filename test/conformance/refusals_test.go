package conformance

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/tea"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"

	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/scenario"
)

// codeOf returns the API's error code and the HTTP status from a client's error.
func codeOf(t *testing.T, err error) (code string, status int) {
	t.Helper()
	if old, ok := errors.AsType[*sdkerrors.ServerError](err); ok {
		return old.ErrorCode(), old.HttpStatus()
	}
	if generic, ok := errors.AsType[*tea.SDKError](err); ok {
		return tea.StringValue(generic.Code), tea.IntValue(generic.StatusCode)
	}
	t.Fatalf("%T has no error code: %v", err, err)
	return "", 0
}

func TestClientsRefused(t *testing.T) {
	wrongSecret, unknownKey := longLived(), longLived()
	wrongSecret.secret, unknownKey.id = "guessed", "LTAIunknown"
	wrongTemporarySecret, wrongToken, noToken := temporary(), temporary(), temporary()
	wrongTemporarySecret.secret, wrongToken.token, noToken.token = "guessed", new("other"), nil
	for name, official := range clients {
		if official.sent.xml {
			continue // The SDK requests XML, but decodes errors as JSON.
		}
		for refusal, tc := range map[string]struct {
			server, client key
			status         int
			code           string
			number         int
		}{
			"wrong secret":        {longLived(), wrongSecret, 400, "SignatureDoesNotMatch", 1},
			"wrong secret, token": {temporary(), wrongTemporarySecret, 400, "SignatureDoesNotMatch", 1},
			"unknown key":         {longLived(), unknownKey, 404, "InvalidAccessKeyId.NotFound", 1},
			"wrong token":         {temporary(), wrongToken, 400, "InvalidSecurityToken.MismatchWithAccessKey", 1},
			"no token":            {temporary(), noToken, 400, "InvalidSecurityToken.Malformed", 1},
			"page out of range":   {longLived(), longLived(), 400, "InvalidParameter", 100001},
		} {
			t.Run(name+", "+refusal, func(t *testing.T) {
				server, address, _ := serve(t, official.sent, tc.server)
				_, _, err := official.connect(t, address, tc.client).page(simulator.UsageAction, tc.number, 50)
				if code, status := codeOf(t, err); code != tc.code || status != tc.status {
					t.Errorf("got %d %s, want %d %s: %v", status, code, tc.status, tc.code, err)
				}
				if server.Calls() != 1 {
					t.Errorf("server received %d calls, want 1", server.Calls())
				}
			})
		}
	}
}

// The clients must report a wrong clock, a used-up quota and a missing permission.
func TestClientsInScenarios(t *testing.T) {
	for name, official := range clients {
		if official.sent.xml {
			continue
		}
		for scenarioName, tc := range map[string]struct {
			status int
			code   string
		}{
			"denied":     {403, "NoPermission"},
			"clock-skew": {400, "InvalidTimeStamp.Expired"},
			"throttle":   {400, "Throttling.User"},
		} {
			t.Run(name+", "+scenarioName, func(t *testing.T) {
				// A used-up quota does not recover during the test.
				server, err := scenario.New(scenarioName, simulator.Options{Quota: 1e-6})
				if err != nil {
					t.Fatal(err)
				}
				listener := httptest.NewServer(server)
				defer listener.Close()
				c := official.connect(t, strings.TrimPrefix(listener.URL, "http://"), longLived())
				if scenarioName == "throttle" {
					if _, total, err := c.page(simulator.UsageAction, 1, 50); err != nil || total < 100 {
						t.Fatalf("first call: %d tasks, want at least 100; error %v", total, err)
					}
				}
				_, _, err = c.page(simulator.UsageAction, 1, 50)
				if code, status := codeOf(t, err); code != tc.code || status != tc.status {
					t.Errorf("got %d %s, want %d %s: %v", status, code, tc.status, tc.code, err)
				}
			})
		}
	}
}

// alibaba-cloud-sdk-go receives the headers of a throttled call, and darabonba-openapi parses them.
func TestClientsWaitHint(t *testing.T) {
	server, err := scenario.New("throttle", simulator.Options{Quota: 0.001})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server)
	defer listener.Close()
	c := sdkAs("JSON")(t, strings.TrimPrefix(listener.URL, "http://"), longLived())
	if _, _, err := c.page(simulator.UsageAction, 1, 50); err != nil {
		t.Fatal(err)
	}
	_, _, err = c.page(simulator.UsageAction, 1, 50)
	var throttled *sdkerrors.ServerError
	if !errors.As(err, &throttled) {
		t.Fatalf("%T: %v", err, err)
	}
	headers := make(map[string]*string)
	for name, values := range throttled.RespHeaders {
		headers[strings.ToLower(name)] = &values[0]
	}
	// The quota allows one call in 1,000 seconds. The test has taken a few seconds.
	if left := tea.Int64Value(openapiutil.GetThrottlingTimeLeft(headers)); left < 900_000 || left > 1_000_000 {
		t.Errorf("wait hint is %d ms, want 900,000 to 1,000,000; headers %v", left, throttled.RespHeaders)
	}
}

// The clients report the missing permission.
func TestClientsMissingPermission(t *testing.T) {
	server, err := scenario.New("denied", simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server)
	defer listener.Close()
	address := strings.TrimPrefix(listener.URL, "http://")
	want := "cdn:" + simulator.DetailAction

	_, _, err = darabonbaAs(v3Query)(t, address, longLived()).page(simulator.DetailAction, 1, 50)
	var generic *tea.SDKError
	if !errors.As(err, &generic) || generic.AccessDeniedDetail["AuthAction"] != want {
		t.Errorf("darabonba-openapi does not report %s: %v", want, err)
	}
	_, _, err = sdkAs("JSON")(t, address, longLived()).page(simulator.DetailAction, 1, 50)
	var old *sdkerrors.ServerError
	if !errors.As(err, &old) || old.AccessDeniedDetail()["AuthAction"] != want {
		t.Errorf("alibaba-cloud-sdk-go does not report %s: %v", want, err)
	}
}
