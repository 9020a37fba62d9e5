package simulator

import (
	"strconv"
	"time"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

// noon is the time of most tests: a Sunday in the third week of a month.
var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

func fixedClock(t time.Time) func() time.Time { return func() time.Time { return t } }

// newClient returns a client with the default key and no token.
func newClient(now time.Time) *simulatortest.Client {
	return &simulatortest.Client{KeyID: DefaultAccessKeyID, Secret: DefaultAccessKeySecret, Now: now}
}

// newServer returns a server with twoTasks whose time is always noon.
func newServer() *Server {
	return New(twoTasks(), Options{Now: fixedClock(noon)})
}

const downloadSecret = "downloadSecretOfTheTests"

// twoTasks returns an account with the tasks of the published samples: one pending,
// one finished.
func twoTasks() *FixedAccount {
	created := time.Date(2018, time.September, 3, 2, 0, 0, 0, time.UTC)
	return NewFixedAccount(
		Task{
			ID: "11584", Name: "usage & more", Status: StatusCreated, Created: created.Add(time.Hour),
			DownloadURL: "https://oss.example/early",
		},
		Task{
			ID: "11", Name: "refresh", Status: StatusSuccess,
			Created: created, Updated: created.Add(101 * time.Second),
			Start:       time.Date(2018, time.July, 31, 16, 0, 0, 0, time.UTC),
			End:         time.Date(2018, time.August, 31, 15, 59, 59, 0, time.UTC),
			DownloadURL: "https://oss.example/11.pdf?a=1&Signature=" + downloadSecret,
		},
	)
}

// numbered returns n tasks with the ids 1 to n.
func numbered(n int) []Task {
	tasks := make([]Task, n)
	for i := range tasks {
		tasks[i] = Task{ID: strconv.Itoa(i + 1), Status: StatusSuccess, Created: noon}
	}
	return tasks
}

func orDefault(text, byDefault string) string {
	if text == "" {
		return byDefault
	}
	return text
}
