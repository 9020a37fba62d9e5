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

// typedDesc is a metric's description and type.
type typedDesc struct {
	desc      *prometheus.Desc
	valueType prometheus.ValueType
}

func (d typedDesc) metric(value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d.desc, d.valueType, value, labels...)
}

func gauge(name, help string, labels ...string) typedDesc {
	return typedDesc{newDesc(name, help, labels), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) typedDesc {
	return typedDesc{newDesc(name, help, labels), prometheus.CounterValue}
}

func newDesc(name, help string, labels []string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

var (
	tasks = gauge("tasks",
		"Tasks in the list, by status.", "account", "export", "status")
	newestSuccessAge = gauge("newest_success_age_seconds",
		"Time since the newest successful task was completed.", "account", "export")
	newestSuccess = gauge("newest_success_timestamp_seconds",
		"When the newest successful task was completed, in Unix time.", "account", "export")
	newestSuccessDuration = gauge("newest_success_duration_seconds",
		"Time from the creation to the completion of the newest successful task.", "account", "export")
	newestTaskStatus = gauge("newest_task_status",
		"1 for the status of the newest task, 0 for the others.", "account", "export", "status")
	newestFailure = gauge("newest_failure_timestamp_seconds",
		"When the newest failed task ended, in Unix time.", "account", "export")
	oldestPending = gauge("oldest_pending_created_timestamp_seconds",
		"When the oldest pending task was created that no successful task has replaced, in Unix time.", "account", "export")
	unrecoveredFailures = gauge("unrecovered_failures",
		"Failed tasks that no successful task has replaced.", "account", "export")
	malformedTasks = gauge("malformed_tasks",
		"Tasks with a malformed time, which is ignored.", "account", "export")
	coveredUntil = gauge("covered_until_timestamp_seconds",
		"End of the latest period of usage that a successful task covers, in Unix time.", "account", "export")
	monthCovered = gauge("month_covered_ratio",
		"Share of a calendar month in the account's time zone that successful tasks cover, from 0 to 1. "+
			"Days that are too old to be judged are left out.",
		"account", "export", "months_ago")
	monthEnd = gauge("month_end_timestamp_seconds",
		"When that calendar month ended, in Unix time.", "account", "export", "months_ago")
	expectationDue = gauge("expectation_due_timestamp_seconds",
		"When the oldest missing export was due, or the next one will be if none is missing, in Unix time.",
		"account", "export", "expectation")
	limitSeconds = gauge("limit_seconds",
		"The account's limits: pending_age, success_age and, for usage, month_grace. A limit that is switched off is absent.",
		"account", "export", "limit")
	since = gauge("since_timestamp_seconds",
		"Start of the first day whose usage is judged, in Unix time. Absent if the account has no since.", "account", "export")
	taskInfo = gauge("task_info",
		"1 for each of the newest tasks.", "account", "export", "task_id", "task_name", "status")
	up = gauge("up",
		"1 if the last refresh of the list succeeded, 0 if it failed or none has ended yet.", "account", "export")
	snapshotTimestamp = gauge("snapshot_timestamp_seconds",
		"When reading of the list that the metrics show began, in Unix time.", "account", "export")
	unlistedTasks = gauge("unlisted_tasks",
		"Tasks that the API counts but does not list.", "account", "export")
	refreshDuration = gauge("refresh_duration_seconds",
		"Duration of the last refresh of the list.", "account", "export")
	refreshes = counter("refreshes_total",
		"Refreshes of the list that have ended.", "account", "export")
	refreshFailures = counter("refresh_failures_total",
		"Refreshes of the list that failed.", "account", "export")
	rateLimit = gauge("api_rate_limit_requests_per_second",
		"Current limit of API calls per second. Throttling lowers it for a while.", "account")
	clockSkew = gauge("api_clock_skew_seconds",
		"This machine's clock minus the API's, accurate to about a second.", "account")

	descs = []typedDesc{
		tasks, newestSuccessAge, newestSuccess, newestSuccessDuration, newestTaskStatus, newestFailure, oldestPending,
		unrecoveredFailures, malformedTasks, coveredUntil, monthCovered, monthEnd, expectationDue, limitSeconds, since, taskInfo,
		up, snapshotTimestamp, unlistedTasks, refreshDuration, refreshes, refreshFailures, rateLimit, clockSkew,
	}
)

// collectHealth sends the metrics of an export's refreshes.
func collectHealth(ch chan<- prometheus.Metric, s refreshState, labels []string) {
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

// collectLimits sends the limits of an account, except those that are switched off. It also
// sends the account's since, if set.
func collectLimits(ch chan<- prometheus.Metric, account Account, export apiclient.Export, labels []string) {
	send := func(name string, limit coverage.Duration) {
		if limit > 0 {
			ch <- limitSeconds.metric(time.Duration(limit).Seconds(), with(labels, name)...)
		}
	}
	send("pending_age", account.Limits.PendingAge)
	send("success_age", account.Limits.SuccessAge)
	if export == apiclient.Usage {
		send("month_grace", account.Limits.MonthGrace)
	}
	sendTime(ch, since, account.rules().Since, labels)
}

// collectReport sends the metrics of a Report.
func collectReport(ch chan<- prometheus.Metric, r *Report, labels []string) {
	summary := r.Summary
	for _, status := range apiclient.Statuses() {
		withStatus := with(labels, status.String())
		ch <- tasks.metric(float64(summary.Tasks[status]), withStatus...)
		if summary.HasTask {
			ch <- newestTaskStatus.metric(boolean(summary.NewestTask == status), withStatus...)
		}
	}
	ch <- unlistedTasks.metric(float64(r.Unlisted), labels...)
	if !summary.NewestSuccess.IsZero() {
		ch <- newestSuccessAge.metric(r.NewestSuccessAge.Seconds(), labels...)
	}
	if summary.HasDuration {
		ch <- newestSuccessDuration.metric(summary.NewestSuccessDuration.Seconds(), labels...)
	}
	sendTime(ch, newestSuccess, summary.NewestSuccess, labels)
	sendTime(ch, newestFailure, summary.NewestFailure, labels)
	sendTime(ch, oldestPending, r.OldestPending, labels)
	ch <- unrecoveredFailures.metric(float64(r.UnrecoveredFailures), labels...)
	ch <- malformedTasks.metric(float64(r.Malformed), labels...)
	sendTime(ch, coveredUntil, r.CoveredUntil, labels)
	for _, month := range r.Months {
		withMonth := with(labels, strconv.Itoa(month.Ago))
		ch <- monthCovered.metric(month.Ratio, withMonth...)
		sendTime(ch, monthEnd, month.End, withMonth)
	}
	for _, expected := range r.Expectations {
		sendTime(ch, expectationDue, expected.Due, with(labels, expected.Name))
	}
}

// sendTime sends a time as Unix seconds, unless it is the zero time.
func sendTime(ch chan<- prometheus.Metric, d typedDesc, t time.Time, labels []string) {
	if !t.IsZero() {
		ch <- d.metric(unixSeconds(t), labels...)
	}
}

// collectTaskInfo sends one series for each task. Ids and names come from the API. Invalid
// UTF-8 in them is replaced, and tasks whose labels are then equal are sent once.
func collectTaskInfo(ch chan<- prometheus.Metric, newest []apiclient.Task, labels []string) {
	sent := make(map[[3]string]bool, len(newest))
	for _, task := range newest {
		series := [3]string{labelText(task.ID), labelText(task.Name), task.Status.String()}
		if !sent[series] {
			sent[series] = true
			ch <- taskInfo.metric(1, with(labels, series[:]...)...)
		}
	}
}

// with returns the labels followed by more of them.
func with(labels []string, more ...string) []string { return slices.Concat(labels, more) }

// maxLabelLength is the maximum length of a label value, in bytes.
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
