package monitoring

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/cdn"

	"alicdn_export_exporter/internal/simulator"
)

// editable is a simulated account in which a person makes exports. An export takes a minute.
type editable struct {
	address string
	// transport is how the SDK connects; nil is over the network.
	transport http.RoundTripper
	ahead     atomic.Int64 // by how many nanoseconds its clock is ahead

	mu    sync.Mutex
	tasks map[string][]simulator.Task // by action
}

// newEditable starts an account with tasks of one action.
func newEditable(t *testing.T, action string, tasks []simulator.Task) *editable {
	t.Helper()
	a := &editable{tasks: map[string][]simulator.Task{action: tasks}}
	server := httptest.NewServer(simulator.New(a, simulator.Options{Now: a.now}))
	t.Cleanup(server.Close)
	a.address = strings.TrimPrefix(server.URL, "http://")
	return a
}

func (a *editable) now() time.Time { return time.Now().Add(time.Duration(a.ahead.Load())) }

// Tasks implements simulator.Account.
func (a *editable) Tasks(action string, now time.Time) []simulator.Task {
	a.mu.Lock()
	defer a.mu.Unlock()
	tasks := slices.Clone(a.tasks[action])
	for i := range tasks {
		if done := tasks[i].Created.Add(time.Minute); strings.HasPrefix(tasks[i].ID, "new-") && !now.Before(done) {
			tasks[i].Status, tasks[i].Updated = simulator.StatusSuccess, done
		}
	}
	return tasks
}

// Create implements simulator.Editor.
func (a *editable) Create(action string, task simulator.Task, now time.Time) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	task.ID = "new-" + strconv.Itoa(len(a.tasks[action]))
	task.Status, task.Created = simulator.StatusCreated, now
	a.tasks[action] = append(a.tasks[action], task)
	return task.ID
}

// Delete implements simulator.Editor. Nobody deletes a task in these tests.
func (*editable) Delete(string, string, time.Time) bool { return false }

// send makes the task of a command with the official SDK. args are those after "aliyun cdn".
func (a *editable) send(t *testing.T, keyID, secret string, args []string) error {
	t.Helper()
	client, err := cdn.NewClientWithAccessKey("cn-hangzhou", keyID, secret)
	if err != nil {
		t.Fatal(err)
	}
	if a.transport != nil {
		client.SetTransport(a.transport)
	}
	parameters := make(map[string]string)
	for pair := range slices.Chunk(args[1:], 2) {
		if len(pair) != 2 || !strings.HasPrefix(pair[0], "--") {
			t.Fatalf("the arguments are %q", args)
		}
		parameters[strings.TrimPrefix(pair[0], "--")] = pair[1]
	}
	take := func(name string) string {
		value := parameters[name]
		delete(parameters, name)
		return value
	}
	prepare := func(request *requests.RpcRequest) { request.Scheme, request.Domain = "http", a.address }
	switch args[0] {
	case "CreateUserUsageDataExportTask":
		request := cdn.CreateCreateUserUsageDataExportTaskRequest()
		prepare(request.RpcRequest)
		request.TaskName, request.StartTime, request.EndTime = take("TaskName"), take("StartTime"), take("EndTime")
		_, err = client.CreateUserUsageDataExportTask(request)
	case "CreateUsageDetailDataExportTask":
		request := cdn.CreateCreateUsageDetailDataExportTaskRequest()
		prepare(request.RpcRequest)
		request.TaskName, request.StartTime, request.EndTime = take("TaskName"), take("StartTime"), take("EndTime")
		request.Type = take("Type")
		_, err = client.CreateUsageDetailDataExportTask(request)
	default:
		t.Fatalf("the operation is %s", args[0])
	}
	if len(parameters) > 0 {
		t.Errorf("the SDK has no parameters %v", parameters)
	}
	return err
}
