package scenario

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// DownloadSecret is part of the DownloadURL of every task in this package. If it
// appears anywhere but in an API response, a secret has leaked.
const DownloadSecret = "SimulatedDownloadSecret000001"

// job is a task with its whole history and future.
type job struct {
	action, name string
	kind         jobKind
	start, end   time.Time // the exported usage, without end
	created      time.Time
	finished     time.Time // zero if the job never finishes
	failed       bool      // whether the job fails when it finishes
	deleted      time.Time // zero if no user deletes the task
	number       uint64    // the id; 0 if it is derived from kind and created
}

// jobKind is the last digit of a task id, so that tasks created in the same second
// have different ids.
type jobKind uint64

const (
	kindMonthly jobKind = iota
	kindWeekly
	kindEarly
	kindCampaign
	kindPending
	kindStuck
	kindServices
	kindBulk
	kindExpiring
	kindCreated // by a user
)

// idEpoch gives ids of about ten digits.
var idEpoch = time.Date(2018, time.May, 10, 0, 0, 0, 0, time.UTC)

func (j job) id() string {
	return strconv.FormatUint(cmp.Or(j.number, idNumber(j.kind, j.created)), 10)
}

func idNumber(kind jobKind, created time.Time) uint64 {
	return uint64(created.Sub(idEpoch)/time.Second)*10 + uint64(kind)
}

// listedUntil returns when the task leaves the list: it expires or is deleted.
func (j job) listedUntil() time.Time {
	expires := expiry(j.created)
	if !j.deleted.IsZero() && j.deleted.Before(expires) {
		return j.deleted
	}
	return expires
}

func (j job) isListed(now time.Time) bool {
	return !now.Before(j.created) && now.Before(j.listedUntil())
}

// task returns the task as the API lists it at a moment.
func (j job) task(now time.Time) simulator.Task {
	task := simulator.Task{ID: j.id(), Name: j.name, Status: simulator.StatusCreated, Created: j.created}
	if !j.start.IsZero() {
		task.Start, task.End = j.start, j.end.Add(-time.Second)
	}
	if j.finished.IsZero() || now.Before(j.finished) {
		return task
	}
	task.Updated = j.finished
	if j.failed {
		task.Status = simulator.StatusFailed
		return task
	}
	task.Status = simulator.StatusSuccess
	task.DownloadURL = fmt.Sprintf("https://cdn-usage-export.oss-cn-hangzhou.aliyuncs.com/%s/%s.pdf"+
		"?Expires=%d&OSSAccessKeyId=LTAI5tSimulatedExport&Signature=%s",
		task.ID, task.Name, j.finished.Add(72*time.Hour).Unix(), DownloadSecret)
	return task
}

// exportTime returns how long the export of a job takes. The two published sample
// tasks took about as long.
func exportTime(seed uint64, kind jobKind, created time.Time) time.Duration {
	return randomSeconds(100*time.Second, 130*time.Second, seed, uint64(kind), uint64(created.Unix()))
}
