package apiclient_test

import (
	"testing"
	"time"

	"alicdn_export_exporter/apiclient"
)

func TestExportUnmarshalText(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"usage", ""},
		{"usage_detail", ""},
		{"Usage", `must be one of usage, usage_detail (got "Usage"; did you mean usage?)`},
		{"usage-detail", `must be one of usage, usage_detail (got "usage-detail"; did you mean usage_detail?)`},
		{"users", `must be one of usage, usage_detail (got "users")`},
		{"", `must be one of usage, usage_detail (got "")`},
	} {
		t.Run(tc.text, func(t *testing.T) {
			var export apiclient.Export
			err := export.UnmarshalText([]byte(tc.text))
			switch {
			case err == nil && (tc.want != "" || string(export) != tc.text):
				t.Errorf("%q is accepted as %q, want the error %q", tc.text, export, tc.want)
			case err != nil && (err.Error() != tc.want || export != ""):
				t.Errorf("%q is %q, and the error is %q, want %q", tc.text, export, err, tc.want)
			}
		})
	}
}

func TestTimestampTime(t *testing.T) {
	for timestamp, want := range map[apiclient.Timestamp]time.Time{
		0:                     {},
		apiclient.InvalidTime: {},
		1793581200:            time.Date(2026, time.November, 2, 1, 0, 0, 0, time.UTC),
	} {
		if got := timestamp.Time(); got != want {
			t.Errorf("%d is %s, want %s", timestamp, got, want)
		}
	}
}
