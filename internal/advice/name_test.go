package advice_test

import (
	"testing"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/advice"
	"alicdn_export_exporter/internal/coverage"
)

func TestNameMatching(t *testing.T) {
	october := firstOf(t, "Asia/Shanghai", time.October)
	for pattern, want := range map[string]string{
		"":                          "usage-2026-10",
		"usage-.*":                  "usage-2026-10",
		`usage-\d{4}-\d{2}`:         "usage-2026-10",
		`usage-\d{6}`:               "usage-202610",
		`usage-\d+`:                 "usage-20261001",
		`bill-\d{4}_\d{2}`:          "bill-2026_10",
		"finance .+":                "finance 2026-10",
		"monthly":                   "monthly",
		"(monthly|usage)-[0-9-]+":   "usage-2026-10",
		"(monthly|yearly)-[0-9-]+":  "monthly-2026-10",
		"cdn-.*-monthly":            "cdn-2026-10-monthly",
		"(?i)BILL-.*":               "bill-2026-10",
		"^usage-[0-9]{4}-[0-9]{2}$": "usage-2026-10",
		"月度-.*":                     "月度-2026-10",
		`bill(-v\d)?-\d{8}`:         "bill-20261001",
		"bill/.*":                   advice.PlaceholderMatching,
		`[^\w]+`:                    advice.PlaceholderMatching,
		"usage-*":                   "usage",
		"-.*":                       advice.PlaceholderMatching,
	} {
		var p coverage.Pattern
		if err := p.UnmarshalText([]byte(pattern)); err != nil {
			t.Fatal(err)
		}
		got := advice.NameMatching(p, apiclient.Usage, october, october.AddDate(0, 1, 0))
		if got != want {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
		if !advice.IsPlaceholder(got) && !p.Matches(got) {
			t.Errorf("%s does not match %q", pattern, got)
		}
	}
}

func TestNameMatchingOfAWeek(t *testing.T) {
	january := firstOf(t, "Asia/Shanghai", time.January)
	monday := january.AddDate(0, 0, -3) // December 29, 2025 is in the first week of 2026.
	for pattern, want := range map[string]string{
		`weekly-\d{4}-W\d{2}`:      "weekly-2026-W01",
		`weekly-\d{8}`:             "weekly-20251229",
		`weekly-[0-9-]+`:           "weekly-2025-12-29",
		`weekly-(\d{4})-w(\d+) .*`: "weekly-2026-w01 2025-12-29",
	} {
		var p coverage.Pattern
		if err := p.UnmarshalText([]byte(pattern)); err != nil {
			t.Fatal(err)
		}
		if got := advice.NameMatching(p, apiclient.Usage, monday, monday.AddDate(0, 0, 7)); got != want {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
}

func TestNameFor(t *testing.T) {
	october := firstOf(t, "Asia/Shanghai", time.October)
	for name, tc := range map[string]struct {
		export     apiclient.Export
		start, end time.Time
		want       string
	}{
		"a month":           {apiclient.Usage, october, october.AddDate(0, 1, 0), "usage-2026-10"},
		"a month's details": {apiclient.UsageDetail, october, october.AddDate(0, 1, 0), "detail-flow-2026-10"},
		"a week":            {apiclient.Usage, october.AddDate(0, 0, 4), october.AddDate(0, 0, 11), "usage-2026-10-05"},
		"a day":             {apiclient.Usage, october, october.AddDate(0, 0, 1), "usage-2026-10-01"},
	} {
		if got := advice.NameFor(tc.export, tc.start, tc.end); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
