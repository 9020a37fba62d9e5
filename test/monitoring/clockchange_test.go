package monitoring

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/coverage"
	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/view"
)

// Where clocks change, a month can have an hour more than 31 days, which is too much for one task: two commands export
// it. The exporter's own packages read the simulated API in memory, on a simulated clock.
func TestAdviceWhereClocksChange(t *testing.T) {
	t.Parallel()
	for zone, tc := range map[string]struct {
		now      time.Time
		commands []string
	}{
		"Europe/Berlin": {
			time.Date(2026, time.November, 20, 9, 0, 0, 0, time.UTC),
			[]string{
				"--TaskName usage-2026-10 --StartTime 2026-09-30T22:00:00Z --EndTime 2026-10-30T22:59:59Z",
				"--TaskName usage-2026-10 --StartTime 2026-10-30T23:00:00Z --EndTime 2026-10-31T22:59:59Z",
			},
		},
		// Summer time begins in March: the month has an hour less.
		"America/New_York": {
			time.Date(2026, time.April, 20, 9, 0, 0, 0, time.UTC),
			[]string{"--TaskName usage-2026-03 --StartTime 2026-03-01T05:00:00Z --EndTime 2026-04-01T03:59:59Z"},
		},
		// Clocks change at midnight.
		"Asia/Beirut": {
			time.Date(2026, time.April, 20, 9, 0, 0, 0, time.UTC),
			[]string{"--TaskName usage-2026-03 --StartTime 2026-02-28T22:00:00Z --EndTime 2026-03-31T20:59:59Z"},
		},
		"Asia/Kathmandu": {
			time.Date(2026, time.April, 20, 9, 0, 0, 0, time.UTC),
			[]string{"--TaskName usage-2026-03 --StartTime 2026-02-28T18:15:00Z --EndTime 2026-03-31T18:14:59Z"},
		},
	} {
		t.Run(zone, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(tc.now))
				location, err := time.LoadLocation(zone)
				if err != nil {
					t.Fatal(err)
				}
				a, read := inMemory(t, location)
				var commands []string
				for _, p := range read().Problems {
					for _, c := range p.Commands {
						commands = append(commands, strings.TrimPrefix(c.Line, "aliyun cdn CreateUserUsageDataExportTask "))
						args := strings.Fields(c.Line)[2:]
						if err := a.send(t, simulator.PersonAccessKeyID, simulator.PersonAccessKeySecret, args); err != nil {
							t.Errorf("%s: %v", c.Line, err)
						}
					}
				}
				if diff := cmp.Diff(tc.commands, commands); diff != "" {
					t.Errorf("commands: -want +got:\n%s", diff)
				}
				time.Sleep(2 * time.Minute)
				if export := read(); export.State != view.Fine || !export.Up {
					t.Errorf("afterwards: %+v", export.Problems)
				}
			})
		})
	}
}

// inMemory returns an account of which only the month before the last one is exported, and how to read its list.
func inMemory(t *testing.T, zone *time.Location) (a *editable, read func() view.Export) {
	t.Helper()
	year, this, _ := time.Now().In(zone).Date()
	first := func(ago int) time.Time { return time.Date(year, this-time.Month(ago), 1, 0, 0, 0, 0, zone) }
	a = &editable{
		address: "cdn.aliyuncs.com",
		tasks: map[string][]simulator.Task{simulator.UsageAction: {
			exported("before", simulator.StatusSuccess, first(2), first(1), 6*time.Hour),
		}},
	}
	api := simulator.New(a, simulator.Options{})
	a.transport = roundTripper(func(r *http.Request) (*http.Response, error) { return answer(api, r), nil })
	endpoint, err := apiclient.ParseEndpoint(a.address)
	if err != nil {
		t.Fatal(err)
	}
	coll := collector.New(collector.Config{MaxStale: time.Hour, RefreshTimeout: time.Minute, Logger: log.NewNopLogger()})
	t.Cleanup(coll.Close)
	coll.SetAccounts([]collector.Account{{
		Name: "main", Exports: []apiclient.Export{apiclient.Usage}, TimeZone: zone, UsageDelay: 4 * time.Hour,
		Limits: coverage.Limits{MonthGrace: coverage.Duration(72 * time.Hour)},
		Client: apiclient.New(apiclient.Config{
			Endpoint: endpoint, Transport: a.transport, Timeout: time.Minute, Limiter: apiclient.NewLimiter(20, 8), MaxTasks: 1000,
			Credentials: apiclient.StaticCredentials{
				AccessKeyID: simulator.DefaultAccessKeyID, AccessKeySecret: simulator.DefaultAccessKeySecret,
			},
		}),
	}})
	return a, func() view.Export {
		coll.Refresh(t.Context())
		return view.New(coll.Statuses(time.Now()), time.Now(), false).Accounts[0].Exports[0]
	}
}
