// Package conformance tests the simulated API with the official Go clients of Alibaba Cloud over loopback HTTP. The
// simulator is right only if those clients also list its tasks and report its errors.
package conformance

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/scenario"
)

// TestMain removes proxies from the environment: the clients would use them even for loopback addresses.
func TestMain(m *testing.M) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		for _, name := range []string{name, strings.ToLower(name)} {
			if err := os.Unsetenv(name); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}
	os.Exit(m.Run())
}

// actions are the API's two actions, with the number of tasks that the account has for each: several pages of each size
// in the tests.
var actions = map[string]int{simulator.UsageAction: 137, simulator.DetailAction: 101}

// key is a client's credentials; token is nil for a long-lived key.
type key struct {
	id, secret string
	token      *string
}

func (k key) tokenOrNone() string {
	if k.token == nil {
		return ""
	}
	return *k.token
}

func longLived() key {
	return key{id: simulator.DefaultAccessKeyID, secret: simulator.DefaultAccessKeySecret}
}

func temporary() key {
	token := "a+token/with=odd characters&出"
	return key{id: "STS.NUcTemporaryKey", secret: "temporary secret", token: &token}
}

// client reads a page with an official client. The items are in the API's order.
type client interface {
	page(action string, number, size int) (items []item, total int, err error)
}

// connect makes a client for the server at an address such as 127.0.0.1:12345.
type connect func(t *testing.T, address string, k key) client

// clients are the official clients with every signature and encoding that they support. Each has the form that its
// requests must have.
var clients = map[string]struct {
	connect connect
	sent    sent
}{
	"alibaba-cloud-sdk-go, HMAC-SHA1, JSON": {sdkAs("JSON"), sent{}},
	"alibaba-cloud-sdk-go, HMAC-SHA1, XML":  {sdkAs("XML"), sent{xml: true}},
	"darabonba-openapi, V3":                 {darabonbaAs(v3Query), sent{v3: true}},
	"darabonba-openapi, V3, form":           {darabonbaAs(v3Form), sent{v3: true, form: true}},
	"darabonba-openapi, HMAC-SHA1":          {darabonbaAs(hmacSHA1), sent{}},
}

// sent is the form of a request: whether it is signed with V3, requests XML, and has a body.
type sent struct {
	v3, xml, form bool
}

func sentBy(r *http.Request) sent {
	return sent{
		v3:   strings.HasPrefix(r.Header.Get("Authorization"), "ACS3-HMAC-SHA256 "),
		xml:  r.URL.Query().Get("Format") == "XML",
		form: r.ContentLength > 0,
	}
}

// item is a task as a client decodes it.
type item struct {
	id, name, status, created, updated, start, end, download string
}

func itemOf(task simulator.Task) item {
	text := func(moment time.Time) string {
		if moment.IsZero() {
			return ""
		}
		return moment.UTC().Format(time.RFC3339)
	}
	return item{
		id: task.ID, name: task.Name, status: task.Status, created: text(task.Created), updated: text(task.Updated),
		start: text(task.Start), end: text(task.End), download: task.DownloadURL,
	}
}

// serve starts a server that accepts the key and requires requests of the form want. It returns the
// server, its address and the items that it lists for each action.
func serve(t *testing.T, want sent, k key) (server *simulator.Server, address string, listed map[string][]item) {
	t.Helper()
	account := simulator.NewFixedAccount()
	listed = make(map[string][]item)
	for action, n := range actions {
		tasks := scenario.Bulk(n, time.Now(), uint64(n))
		// The first task is pending, so it has no update time and no file.
		tasks[0].Status, tasks[0].Updated, tasks[0].DownloadURL = simulator.StatusCreated, time.Time{}, ""
		account.SetTasks(action, tasks...)
		for _, task := range tasks {
			listed[action] = append(listed[action], itemOf(task))
		}
	}
	server = simulator.New(account, simulator.Options{
		AccessKeyID: k.id, AccessKeySecret: k.secret, SecurityToken: k.tokenOrNone(),
	})
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := sentBy(r); got != want {
			t.Errorf("request has the form %+v, want %+v", got, want)
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(listener.Close)
	return server, strings.TrimPrefix(listener.URL, "http://"), listed
}

func TestClientsList(t *testing.T) {
	for name, official := range clients {
		for kind, k := range map[string]key{"long-lived key": longLived(), "temporary key": temporary()} {
			t.Run(name+", "+kind, func(t *testing.T) {
				server, address, listed := serve(t, official.sent, k)
				c := official.connect(t, address, k)
				calls := 0
				for action, want := range listed {
					for _, size := range []int{50, 7} {
						var got []item
						for number := 1; len(got) < len(want); number++ {
							items, total, err := c.page(action, number, size)
							if err != nil {
								t.Fatalf("%s, page %d with size %d: %v", action, number, size, err)
							}
							if total != len(want) || len(items) != min(size, len(want)-len(got)) {
								t.Fatalf("%s, page %d with size %d: %d items, total %d; %d items of %d so far",
									action, number, size, len(items), total, len(got), len(want))
							}
							got = append(got, items...)
							calls++
						}
						if !slices.Equal(got, want) {
							t.Errorf("%s with page size %d: got\n%+v\nwant\n%+v", action, size, got, want)
						}
					}
				}
				if server.Calls() != calls || calls < 30 {
					t.Errorf("made %d calls, want at least 30; the server received %d", calls, server.Calls())
				}
			})
		}
	}
}
