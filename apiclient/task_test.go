package apiclient_test

import (
	"testing"

	"alicdn_export_exporter/apiclient"
)

func TestExportUnmarshalText(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"usage", ""},
		{"usage_detail", ""},
		{"Usage", `must be one of usage, usage_detail (got "Usage")`},
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
