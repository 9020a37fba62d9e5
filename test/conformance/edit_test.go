package conformance

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/cdn"

	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/scenario"
)

// parameters are those of the Create operations. Empty ones are not sent.
type parameters struct {
	TaskName, StartTime, EndTime, Language string
	Type, DomainNames, Group               string // of usage details only
}

// created is the answer to a Create operation.
type created struct {
	TaskID             string `json:"TaskId"`
	StartTime, EndTime string
}

// editor creates and deletes tasks with an official client. The actions are those that list the tasks.
type editor interface {
	create(action string, p parameters) (created, error)
	delete(action, id string) error
}

func (c sdk) create(action string, p parameters) (created, error) {
	if action == simulator.DetailAction {
		request := cdn.CreateCreateUsageDetailDataExportTaskRequest()
		c.prepare(request.RpcRequest)
		request.TaskName, request.StartTime, request.EndTime, request.Language = p.TaskName, p.StartTime, p.EndTime, p.Language
		request.Type, request.DomainNames, request.Group = p.Type, p.DomainNames, p.Group
		response, err := c.client.CreateUsageDetailDataExportTask(request)
		if err != nil {
			return created{}, err
		}
		return created{response.TaskId, response.StartTime, response.EndTime}, nil
	}
	request := cdn.CreateCreateUserUsageDataExportTaskRequest()
	c.prepare(request.RpcRequest)
	request.TaskName, request.StartTime, request.EndTime, request.Language = p.TaskName, p.StartTime, p.EndTime, p.Language
	response, err := c.client.CreateUserUsageDataExportTask(request)
	if err != nil {
		return created{}, err
	}
	return created{response.TaskId, response.StartTime, response.EndTime}, nil
}

func (c sdk) delete(action, id string) error {
	if action == simulator.DetailAction {
		request := cdn.CreateDeleteUsageDetailDataExportTaskRequest()
		c.prepare(request.RpcRequest)
		request.TaskId = id
		_, err := c.client.DeleteUsageDetailDataExportTask(request)
		return err
	}
	request := cdn.CreateDeleteUserUsageDataExportTaskRequest()
	c.prepare(request.RpcRequest)
	request.TaskId = id
	_, err := c.client.DeleteUserUsageDataExportTask(request)
	return err
}

func (c darabonba) create(action string, p parameters) (answer created, err error) {
	text, err := json.Marshal(p)
	if err != nil {
		return answer, err
	}
	fields := make(map[string]any)
	if err := json.Unmarshal(text, &fields); err != nil {
		return answer, err
	}
	for name, value := range fields {
		if value == "" {
			delete(fields, name)
		}
	}
	action = map[string]string{
		simulator.UsageAction: simulator.CreateUsageAction, simulator.DetailAction: simulator.CreateDetailAction,
	}[action]
	return answer, c.edit(action, fields, &answer)
}

func (c darabonba) delete(action, id string) error {
	action = map[string]string{
		simulator.UsageAction: simulator.DeleteUsageAction, simulator.DetailAction: simulator.DeleteDetailAction,
	}[action]
	return c.edit(action, map[string]any{"TaskId": id}, new(struct{}))
}

func (c darabonba) edit(action string, fields map[string]any, answer any) error {
	params := &openapiutil.Params{
		Action: &action, Version: new(simulator.Version), Protocol: new("HTTP"), Pathname: new("/"),
		Method: new("POST"), AuthType: new("AK"), Style: new("RPC"),
		ReqBodyType: new("formData"), BodyType: new("json"),
	}
	request := &openapiutil.OpenApiRequest{Query: openapiutil.Query(fields)}
	if c.mode == v3Form {
		request = &openapiutil.OpenApiRequest{Body: openapiutil.ParseToMap(fields)}
	}
	response, err := c.client.CallApi(params, request, &dara.RuntimeOptions{})
	if err != nil {
		return err
	}
	text, err := json.Marshal(response["body"])
	if err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

func person() key {
	return key{id: simulator.PersonAccessKeyID, secret: simulator.PersonAccessKeySecret}
}

// serveScenario starts a scenario. Its clock is ahead of the real one by what ahead holds, in nanoseconds.
func serveScenario(t *testing.T, name string) (address string, ahead *atomic.Int64) {
	t.Helper()
	ahead = new(atomic.Int64)
	server, err := scenario.New(name, simulator.Options{
		Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	return strings.TrimPrefix(listener.URL, "http://"), ahead
}

// lastMonth returns the period of the last month in UTC+8, as the Create operations expect it.
func lastMonth() (name, start, end string) {
	year, month, _ := time.Now().In(time.FixedZone("UTC+8", 8*60*60)).Date()
	begin := time.Date(year, month-1, 1, 0, 0, 0, 0, time.FixedZone("UTC+8", 8*60*60))
	return begin.Format("2006-01"), begin.UTC().Format(time.RFC3339),
		begin.AddDate(0, 1, 0).Add(-time.Second).UTC().Format(time.RFC3339)
}

func TestClientsEdit(t *testing.T) {
	month, start, end := lastMonth()
	for name, official := range clients {
		for _, action := range []string{simulator.UsageAction, simulator.DetailAction} {
			t.Run(name+", "+action, func(t *testing.T) {
				address, ahead := serveScenario(t, "forgotten-month")
				c := official.connect(t, address, person())
				list := func() []item {
					t.Helper()
					items, _, err := official.connect(t, address, longLived()).page(action, 1, 50)
					if err != nil {
						t.Fatal(err)
					}
					return items
				}
				before := list()
				p := parameters{
					TaskName: "usage & 用量 " + month, StartTime: start, EndTime: end, Language: "en-us",
					Type: "flow", DomainNames: "a.example,b.example",
				}
				answer, err := c.(editor).create(action, p)
				if err != nil {
					t.Fatal(err)
				}
				if answer.StartTime != start || answer.EndTime != end {
					t.Errorf("the answer is %+v, want the period %s to %s", answer, start, end)
				}
				want := item{id: answer.TaskID, name: p.TaskName, status: "created", start: start, end: end}
				got := list()[0]
				if got.created == "" {
					t.Errorf("the task has no time of creation: %+v", got)
				}
				if got.created = ""; got != want {
					t.Errorf("the new task is %+v, want %+v", got, want)
				}
				ahead.Store(int64(3 * time.Minute))
				if got = list()[0]; got.id != answer.TaskID || got.status != "success" || got.updated == "" || got.download == "" {
					t.Errorf("after three minutes it is %+v", got)
				}
				if err := c.(editor).delete(action, answer.TaskID); err != nil {
					t.Fatal(err)
				}
				if after := list(); !slices.Equal(after, before) {
					t.Errorf("after it is deleted, the list is\n%+v\nwant\n%+v", after, before)
				}
			})
		}
	}
}

func TestClientsEditRefused(t *testing.T) {
	_, start, end := lastMonth()
	month := parameters{StartTime: start, EndTime: end, Type: "flow"}
	changed := func(change func(*parameters)) func(string, editor) error {
		return func(action string, c editor) error {
			p := month
			change(&p)
			_, err := c.create(action, p)
			return err
		}
	}
	deleted := func(id string) func(string, editor) error {
		return func(action string, c editor) error { return c.delete(action, id) }
	}
	for name, official := range clients {
		if official.sent.xml {
			continue // The SDK requests XML, but decodes errors as JSON.
		}
		for refusal, tc := range map[string]struct {
			key    key
			edit   func(action string, c editor) error
			status int
			code   string
		}{
			"no start":            {person(), changed(func(p *parameters) { p.StartTime = "" }), 400, "MissingTimeParameter"},
			"no end":              {person(), changed(func(p *parameters) { p.EndTime = "" }), 400, "MissingTimeParameter"},
			"malformed start":     {person(), changed(func(p *parameters) { p.StartTime = "yesterday" }), 400, "InvalidStartTime.Malformed"},
			"malformed end":       {person(), changed(func(p *parameters) { p.EndTime = "2026-10-31 24:00" }), 400, "InvalidEndTime.Malformed"},
			"start after end":     {person(), changed(func(p *parameters) { p.StartTime, p.EndTime = p.EndTime[:14]+"00:00Z", start }), 400, "InvalidTimeRange"},
			"unknown language":    {person(), changed(func(p *parameters) { p.Language = "fr-fr" }), 400, "InvalidParameter"},
			"no task id":          {person(), deleted(""), 400, "MissingTaskId"},
			"unknown task id":     {person(), deleted("1"), 400, "InvalidParameter"},
			"created by a lister": {longLived(), changed(func(*parameters) {}), 403, "Forbidden.RAM"},
			"deleted by a lister": {longLived(), deleted("1"), 403, "Forbidden.RAM"},
		} {
			for _, action := range []string{simulator.UsageAction, simulator.DetailAction} {
				t.Run(fmt.Sprint(name, ", ", action, ", ", refusal), func(t *testing.T) {
					address, _ := serveScenario(t, "healthy")
					err := tc.edit(action, official.connect(t, address, tc.key).(editor))
					if code, status := codeOf(t, err); code != tc.code || status != tc.status {
						t.Errorf("got %d %s, want %d %s: %v", status, code, tc.status, tc.code, err)
					}
				})
			}
		}
		t.Run(name+", no type", func(t *testing.T) {
			address, _ := serveScenario(t, "healthy")
			err := changed(func(p *parameters) { p.Type = "" })(simulator.DetailAction, official.connect(t, address, person()).(editor))
			if code, status := codeOf(t, err); code != "MissingType" || status != 400 {
				t.Errorf("got %d %s: %v", status, code, err)
			}
		})
	}
}
