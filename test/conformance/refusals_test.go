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

// codeOf returns the API's code and the HTTP status that a client reports.
func codeOf(t *testing.T, err error) (code string, status int) {
	t.Helper()
	if old, ok := errors.AsType[*sdkerrors.ServerError](err); ok {
		return old.ErrorCode(), old.HttpStatus()
	}
	if generic, ok := errors.AsType[*tea.SDKError](err); ok {
		return tea.StringValue(generic.Code), tea.IntValue(generic.StatusCode)
	}
	t.Fatalf("%T tells no code: %v", err, err)
	return "", 0
}

func TestClientsUnderstandRefusals(t *testing.T) {
	for name, official := range clients {
		if official.sent.xml {
			continue // The SDK asks for XML and then reads errors as JSON.
		}
		for refusal, tc := range map[string]struct {
			server, client key
			status         int
			code           string
			number         int
		}{
			"wrong secret":        {longLived(), key{id: simulator.DefaultAccessKeyID, secret: "guessed"}, 400, "SignatureDoesNotMatch", 1},
			"wrong secret, token": {temporary(), key{id: temporary().id, secret: "guessed", token: temporary().token}, 400, "SignatureDoesNotMatch", 1},
			"unknown key":         {longLived(), key{id: "LTAInobody", secret: simulator.DefaultAccessKeySecret}, 404, "InvalidAccessKeyId.NotFound", 1},
			"wrong token":         {temporary(), key{id: temporary().id, secret: temporary().secret, token: new("other")}, 400, "InvalidSecurityToken.MismatchWithAccessKey", 1},
			"no token":            {temporary(), key{id: temporary().id, secret: temporary().secret}, 400, "InvalidSecurityToken.Malformed", 1},
			"page out of range":   {longLived(), longLived(), 400, "InvalidParameter", 100001},
		} {
			t.Run(name+", "+refusal, func(t *testing.T) {
				server, address, _ := serve(t, official.sent, tc.server)
				_, _, err := official.connect(t, address, tc.client).page(simulator.UsageAction, tc.number, 50)
				if code, status := codeOf(t, err); code != tc.code || status != tc.status {
					t.Errorf("%d %s, want %d %s: %v", status, code, tc.status, tc.code, err)
				}
				if server.Calls() != 1 {
					t.Errorf("%d calls, want 1", server.Calls())
				}
			})
		}
	}
}

// A clock that is off, a quota that is used up and a permission that is missing
// reach the clients, too.
func TestClientsUnderstandScenarios(t *testing.T) {
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
				// A quota that does not come back within the test.
				server, err := scenario.New(scenarioName, simulator.Options{Quota: 1e-6})
				if err != nil {
					t.Fatal(err)
				}
				listener := httptest.NewServer(server)
				defer listener.Close()
				c := official.connect(t, strings.TrimPrefix(listener.URL, "http://"), longLived())
				if scenarioName == "throttle" {
					if _, total, err := c.page(simulator.UsageAction, 1, 50); err != nil || total < 100 {
						t.Fatalf("the first call: %d tasks, %v", total, err)
					}
				}
				_, _, err = c.page(simulator.UsageAction, 1, 50)
				if code, status := codeOf(t, err); code != tc.code || status != tc.status {
					t.Errorf("%d %s, want %d %s: %v", status, code, tc.status, tc.code, err)
				}
			})
		}
	}
}

// The wait hint of a throttled call, as the one client receives it and the other
// one understands it, in milliseconds.
func TestClientsFindTheWaitHint(t *testing.T) {
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
	// A call every thousand seconds, of which the test has taken one or two.
	if left := tea.Int64Value(openapiutil.GetThrottlingTimeLeft(headers)); left < 900_000 || left > 1_000_000 {
		t.Errorf("wait hint of %d ms in %v", left, throttled.RespHeaders)
	}
}

// The clients hand on which permission is missing.
func TestClientsFindTheMissingPermission(t *testing.T) {
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
		t.Errorf("darabonba-openapi: %v", err)
	}
	_, _, err = sdkAs("JSON")(t, address, longLived()).page(simulator.DetailAction, 1, 50)
	var old *sdkerrors.ServerError
	if !errors.As(err, &old) || old.AccessDeniedDetail()["AuthAction"] != want {
		t.Errorf("alibaba-cloud-sdk-go: %v", err)
	}
}
