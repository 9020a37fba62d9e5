package coverage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

func TestIgnoreMalformed(t *testing.T) {
	const (
		read    = "2026-11-22T12:00:00Z"
		invalid = apiclient.InvalidTime
	)
	good := export("1", "usage-10", apiclient.Success, octoberStart, octoberEnd, "2026-11-01T09:00:00+08:00")
	for name, tc := range map[string]struct {
		change func(*apiclient.Task)
		want   func(*apiclient.Task) // nil if the task is not malformed
	}{
		"a good task":            {func(*apiclient.Task) {}, nil},
		"no UpdateTime":          {func(t *apiclient.Task) { t.Updated = 0 }, nil},
		"no TaskConfig":          {func(t *apiclient.Task) { t.Start, t.End = 0, 0 }, nil},
		"an EndTime far ahead":   {func(t *apiclient.Task) { t.End = at("2030-01-01T00:00:00Z") }, nil},
		"a period of one second": {func(t *apiclient.Task) { t.End = t.Start }, nil},
		"a CreateTime a day ahead": {func(t *apiclient.Task) {
			t.Created, t.Updated = at("2026-11-23T12:00:00Z"), 0
		}, nil},
		"an UpdateTime a day ahead": {func(t *apiclient.Task) { t.Updated = at("2026-11-23T12:00:00Z") }, nil},
		"an UpdateTime before the CreateTime": {func(t *apiclient.Task) {
			t.Updated = t.Created - 1
		}, nil},

		"no CreateTime":         {func(t *apiclient.Task) { t.Created = 0 }, func(*apiclient.Task) {}},
		"an invalid CreateTime": {func(t *apiclient.Task) { t.Created = invalid }, func(t *apiclient.Task) { t.Created = 0 }},
		"a CreateTime more than a day ahead": {
			func(t *apiclient.Task) { t.Created = at("2026-11-23T12:00:01Z") },
			func(t *apiclient.Task) { t.Created = 0 },
		},
		"an invalid UpdateTime": {func(t *apiclient.Task) { t.Updated = invalid }, func(t *apiclient.Task) { t.Updated = 0 }},
		"an UpdateTime of the year 9999": {
			func(t *apiclient.Task) { t.Updated = at("9999-12-31T23:59:59Z") },
			func(t *apiclient.Task) { t.Updated = 0 },
		},
		"an invalid StartTime":         {func(t *apiclient.Task) { t.Start = invalid }, func(t *apiclient.Task) { t.Start = 0 }},
		"an invalid EndTime":           {func(t *apiclient.Task) { t.End = invalid }, func(t *apiclient.Task) { t.End = 0 }},
		"no StartTime, but an EndTime": {func(t *apiclient.Task) { t.Start = 0 }, func(*apiclient.Task) {}},
		"no EndTime, but a StartTime":  {func(t *apiclient.Task) { t.End = 0 }, func(*apiclient.Task) {}},
		"a period the wrong way round": {
			func(t *apiclient.Task) { t.Start, t.End = t.End, t.Start },
			func(t *apiclient.Task) { t.Start, t.End = 0, 0 },
		},
		"a period that ends a second before it begins": {
			func(t *apiclient.Task) { t.End = t.Start - 1 },
			func(t *apiclient.Task) { t.Start, t.End = 0, 0 },
		},
		"everything is invalid": {
			func(t *apiclient.Task) { t.Created, t.Updated, t.Start, t.End = invalid, invalid, invalid, invalid },
			func(t *apiclient.Task) { t.Created, t.Updated, t.Start, t.End = 0, 0, 0, 0 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			task, malformed := good, 0
			tc.change(&task)
			listed := []apiclient.Task{good, task, good}
			want := []apiclient.Task{good, task, good}
			if tc.want != nil {
				malformed = 1
				tc.want(&want[1])
			}
			got, n := coverage.IgnoreMalformed(listed, at(read).Time())
			if diff := cmp.Diff(want, got); diff != "" || n != malformed {
				t.Errorf("%d are malformed, want %d (-want +got):\n%s", n, malformed, diff)
			}
			if diff := cmp.Diff([]apiclient.Task{good, task, good}, listed); diff != "" {
				t.Errorf("the list itself was changed:\n%s", diff)
			}
		})
	}
}
