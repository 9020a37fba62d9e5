package simulator

import (
	"fmt"
	"strconv"
	"sync"
	"time"
)

// DownloadSecret is part of every DownloadURL that the simulator makes up: where
// it turns up outside of an API answer, a secret has got out.
const DownloadSecret = "SimulatedDownloadSecret000001"

// job is the whole life of a task, its future included.
type job struct {
	action, name string
	kind         uint64 // 0 to 9; tells jobs of the same second apart
	created      time.Time
	finished     time.Time // zero if it never finishes
	failed       bool      // how it finishes
	deleted      time.Time // zero if no user deletes it
	start, end   time.Time // the usage covered, end excluded
}

// idEpoch makes ids of about ten digits.
var idEpoch = time.Date(2018, time.May, 10, 0, 0, 0, 0, time.UTC)

func (j job) id() string {
	return strconv.FormatUint(uint64(j.created.Sub(idEpoch)/time.Second)*10+j.kind, 10)
}

// ends returns when the task leaves the list.
func (j job) ends() time.Time {
	end := expiry(j.created)
	if !j.deleted.IsZero() && j.deleted.Before(end) {
		return j.deleted
	}
	return end
}

func (j job) isListed(now time.Time) bool {
	return !now.Before(j.created) && now.Before(j.ends())
}

// task returns what the list says of the job at a moment.
func (j job) task(now time.Time) Task {
	t := Task{ID: j.id(), Name: j.name, Status: StatusCreated, Created: j.created}
	if !j.start.IsZero() {
		t.Start, t.End = j.start, j.end.Add(-time.Second)
	}
	if j.finished.IsZero() || now.Before(j.finished) {
		return t
	}
	t.Updated, t.Status = j.finished, StatusFailed
	if !j.failed {
		t.Status = StatusSuccess
		t.DownloadURL = fmt.Sprintf("https://cdn-usage-export.oss-cn-hangzhou.aliyuncs.com/%s/%s.pdf?Expires=%d&OSSAccessKeyId=LTAI5tSimulatedExport&Signature=%s",
			t.ID, t.Name, j.finished.Add(72*time.Hour).Unix(), DownloadSecret)
	}
	return t
}

// habit returns the jobs that one habit of the account's users makes: all that are
// listed at some moment from one time to another, and perhaps others.
type habit func(from, to time.Time) []job

// life is an account whose list at any moment is a function of its habits alone.
type life struct {
	habits []habit
	order  Order
	seed   uint64

	mu    sync.Mutex
	views map[string]view
}

// view is a list that stays true from one event to the next.
type view struct {
	from, until time.Time // until is excluded
	tasks       []Task
}

// lookAround is how far before and after now the events are looked for that bound
// a view. A view without events lives that long.
const lookAround = 10 * time.Minute

// Tasks implements Account.
func (l *life) Tasks(action string, now time.Time) []Task {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.views[action]
	if !ok || now.Before(v.from) || !now.Before(v.until) {
		v = l.look(action, now)
		if l.views == nil {
			l.views = make(map[string]view)
		}
		l.views[action] = v
	}
	return v.tasks
}

func (l *life) look(action string, now time.Time) view {
	v := view{from: now.Add(-lookAround), until: now.Add(lookAround)}
	for _, habit := range l.habits {
		for _, j := range habit(v.from, v.until) {
			if j.action != action {
				continue
			}
			v.bound(now, j.created)
			v.bound(now, j.finished)
			v.bound(now, j.ends())
			if j.isListed(now) {
				v.tasks = append(v.tasks, j.task(now))
			}
		}
	}
	sortTasks(v.tasks, l.order, l.seed)
	return v
}

// bound ends the view at an event: it begins with the last one before now and ends
// before the first one after it.
func (v *view) bound(now, event time.Time) {
	if event.After(now) {
		if event.Before(v.until) {
			v.until = event
		}
	} else if event.After(v.from) {
		v.from = event
	}
}
