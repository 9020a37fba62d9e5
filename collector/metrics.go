package collector

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

const namespace = "alicdn_export"

// typedDesc is a metric's description together with its type.
type typedDesc struct {
	desc      *prometheus.Desc
	valueType prometheus.ValueType
}

func (d typedDesc) metric(value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d.desc, d.valueType, value, labels...)
}

func gauge(name, help string, labels ...string) typedDesc {
	return typedDesc{prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) typedDesc {
	return typedDesc{prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil), prometheus.CounterValue}
}

var (
	tasks = gauge("tasks",
		"Tasks in the list, by status.", "account", "export", "status")
	newestSuccessAge = gauge("newest_success_age_seconds",
		"Time since the newest successful export was completed.", "account", "export")
	newestSuccess = gauge("newest_success_timestamp_seconds",
		"When the newest successful export was completed, in Unix time.", "account", "export")
	newestTaskStatus = gauge("newest_task_status",
		"1 for the status of the newest task, 0 for the others.", "account", "export", "status")
	newestFailure = gauge("newest_failure_timestamp_seconds",
		"When the newest failed export ended, in Unix time.", "account", "export")
	oldestPending = gauge("oldest_pending_created_timestamp_seconds",
		"When the oldest export that is still pending was created, in Unix time.", "account", "export")
	unrecoveredFailures = gauge("unrecovered_failures",
		"Failed exports that no successful one has made up for.", "account", "export")
	coveredUntil = gauge("covered_until_timestamp_seconds",
		"End of the latest period of usage that a successful export covers, in Unix time.", "account", "export")
	monthCovered = gauge("month_covered_ratio",
		"Share of a calendar month of the account's time zone that successful exports cover, from 0 to 1.", "account", "export", "months_ago")
	monthEnd = gauge("month_end_timestamp_seconds",
		"When that calendar month ended, in Unix time.", "account", "export", "months_ago")
	expectationDue = gauge("expectation_due_timestamp_seconds",
		"When the oldest export that is expected and missing was due, else when the next one will be, in Unix time.",
		"account", "export", "expectation")
	taskInfo = gauge("task_info",
		"1 for each of the newest tasks.", "account", "export", "task_id", "task_name", "status")
	up = gauge("up",
		"1 if the last refresh of the list succeeded, 0 if it failed or none has ended yet.", "account", "export")
	snapshotTimestamp = gauge("snapshot_timestamp_seconds",
		"When the reading of the list that is shown began, in Unix time.", "account", "export")
	unlistedTasks = gauge("unlisted_tasks",
		"Tasks that the API counts but does not list.", "account", "export")
	refreshDuration = gauge("refresh_duration_seconds",
		"How long the last refresh of the list took.", "account", "export")
	refreshes = counter("refreshes_total",
		"Refreshes of the list that have ended.", "account", "export")
	refreshFailures = counter("refresh_failures_total",
		"Refreshes of the list that failed.", "account", "export")
	rateLimit = gauge("api_rate_limit_requests_per_second",
		"API calls a second that the exporter allows itself just now; throttling lowers it for a while.", "account")
	clockSkew = gauge("api_clock_skew_seconds",
		"This machine's clock minus the API's, to about a second.", "account")

	descs = []typedDesc{
		tasks, newestSuccessAge, newestSuccess, newestTaskStatus, newestFailure, oldestPending,
		unrecoveredFailures, coveredUntil, monthCovered, monthEnd, expectationDue, taskInfo, up, snapshotTimestamp,
		unlistedTasks, refreshDuration, refreshes, refreshFailures, rateLimit, clockSkew,
	}
)

// collectHealth sends what is true whether the API answers or not.
func collectHealth(ch chan<- prometheus.Metric, s state, labels []string) {
	ch <- up.metric(boolean(s.succeeded), labels...)
	ch <- refreshes.metric(float64(s.refreshes), labels...)
	ch <- refreshFailures.metric(float64(s.failures), labels...)
	if !s.ended.IsZero() {
		ch <- refreshDuration.metric(s.duration.Seconds(), labels...)
	}
	if s.snapshot != nil {
		ch <- snapshotTimestamp.metric(unixSeconds(s.snapshot.Began), labels...)
	}
}

// collectTasks sends what the listing says.
func collectTasks(ch chan<- prometheus.Metric, snapshot *Snapshot, now time.Time, labels []string) {
	summary := snapshot.Summary
	for _, status := range apiclient.Statuses() {
		withStatus := append(slices.Clone(labels), status.String())
		ch <- tasks.metric(float64(summary.Tasks[status]), withStatus...)
		if summary.HasTask {
			ch <- newestTaskStatus.metric(boolean(summary.NewestTask == status), withStatus...)
		}
	}
	ch <- unlistedTasks.metric(float64(snapshot.Unlisted), labels...)
	if !summary.NewestSuccess.IsZero() {
		// A clock that is behind the API's must not make an export of the future.
		ch <- newestSuccessAge.metric(max(0, now.Sub(summary.NewestSuccess).Seconds()), labels...)
		ch <- newestSuccess.metric(unixSeconds(summary.NewestSuccess), labels...)
	}
	if !summary.NewestFailure.IsZero() {
		ch <- newestFailure.metric(unixSeconds(summary.NewestFailure), labels...)
	}
	if !summary.OldestPending.IsZero() {
		ch <- oldestPending.metric(unixSeconds(summary.OldestPending), labels...)
	}
}

// collectCoverage sends what finance acts on. now is in the account's time zone.
func collectCoverage(ch chan<- prometheus.Metric, r *refresher, snapshot *Snapshot, now time.Time, labels []string) {
	ch <- unrecoveredFailures.metric(float64(snapshot.Unrecovered), labels...)
	for i, expectation := range r.expect {
		next, _ := expectation.Next(snapshot.Expected[i], now)
		ch <- expectationDue.metric(unixSeconds(expectation.Due(next)), append(slices.Clone(labels), expectation.Name)...)
	}
	if r.export != apiclient.Usage {
		return // The list of usage_detail does not say whose usage a file covers.
	}
	if until := snapshot.Covered.Until(); !until.IsZero() {
		ch <- coveredUntil.metric(unixSeconds(until), labels...)
	}
	for ago := 1; ago <= 2; ago++ {
		month := coverage.Month.Period(now, ago)
		withMonth := append(slices.Clone(labels), strconv.Itoa(ago))
		ch <- monthCovered.metric(snapshot.Covered.Ratio(month), withMonth...)
		ch <- monthEnd.metric(unixSeconds(month.End.Time()), withMonth...)
	}
}

// collectTaskInfo sends tasks one by one. Their texts are users' and servers': what
// is no valid UTF-8 is replaced, and what is then the same is sent once.
func collectTaskInfo(ch chan<- prometheus.Metric, newest []apiclient.Task, labels []string) {
	sent := make(map[[3]string]bool, len(newest))
	for _, task := range newest {
		series := [3]string{labelText(task.ID), labelText(task.Name), task.Status.String()}
		if !sent[series] {
			sent[series] = true
			ch <- taskInfo.metric(1, append(slices.Clone(labels), series[:]...)...)
		}
	}
}

// maxLabelLength bounds a label's value, in bytes.
const maxLabelLength = 256

func labelText(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD"))
	end := min(len(s), maxLabelLength)
	for end < len(s) && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
