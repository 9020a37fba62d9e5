package simulator

import (
	"encoding/xml"
	"net/url"
	"slices"
	"time"
)

// Editor is an Account whose tasks users can create and delete.
type Editor interface {
	Account
	// Create adds a pending task to the list of an action, and returns its id. The task
	// has the Name, Start and End of the given one.
	Create(action string, task Task, now time.Time) (id string)
	// Delete removes a task from the list of an action. It returns false if the task is
	// not listed.
	Delete(action, id string, now time.Time) bool
}

const (
	// granularity is the interval of usage data. A period begins and ends at a multiple of
	// it.
	granularity = 5 * time.Minute
	// maxPeriod is the longest period of a task: a month.
	maxPeriod = 31 * 24 * time.Hour
)

// createTask answers the two Create operations. The documentation has their required
// parameters and the error codes for times. It has no code for a time more than a year ago,
// or for one that is not a multiple of five minutes.
func createTask(r request) (any, *apiError) {
	if r.list == DetailAction {
		if apiErr := expectOneOf(r.params, "Type", "flow", "vas"); apiErr != nil {
			return nil, apiErr
		}
	}
	if r.params.Get("Language") != "" {
		if apiErr := expectOneOf(r.params, "Language", "zh-cn", "en-us"); apiErr != nil {
			return nil, apiErr
		}
	}
	task, apiErr := parseTask(r.params, r.now)
	if apiErr != nil {
		return nil, apiErr
	}
	return createdBody{
		XMLName:   xml.Name{Local: r.action + "Response"},
		RequestID: r.id,
		StartTime: formatTime(task.Start),
		EndTime:   formatTime(task.End),
		TaskID:    r.editor.Create(r.list, task, r.now),
	}, nil
}

// deleteTask answers the two Delete operations. Their response to an unknown id is not
// documented.
func deleteTask(r request) (any, *apiError) {
	id := r.params.Get("TaskId")
	if id == "" {
		return nil, missingParameter("TaskId")
	}
	if !r.editor.Delete(r.list, id, r.now) {
		return nil, invalidParameter("The specified TaskId does not exist.")
	}
	return deletedBody{XMLName: xml.Name{Local: r.action + "Response"}, RequestID: r.id}, nil
}

func expectOneOf(params url.Values, name string, options ...string) *apiError {
	value := params.Get(name)
	if value == "" {
		return missingParameter(name)
	}
	if slices.Contains(options, value) {
		return nil
	}
	return invalidParameter("The specified value of parameter " + name + " is not valid.")
}

// parseTask reads the name and the period of a task.
func parseTask(params url.Values, now time.Time) (Task, *apiError) {
	startText, endText := params.Get("StartTime"), params.Get("EndTime")
	if startText == "" || endText == "" {
		return Task{}, errMissingTime
	}
	start, ok := parseTime(startText)
	if !ok || !isGranular(start) {
		return Task{}, malformedTime("StartTime")
	}
	// A period often ends a second early, such as at 15:59:59.
	end, ok := parseTime(endText)
	if !ok || !isGranular(end) && !isGranular(end.Add(time.Second)) {
		return Task{}, malformedTime("EndTime")
	}
	if !start.Before(end) || end.Sub(start) > maxPeriod || start.Before(now.AddDate(-1, 0, 0)) || start.After(now) {
		return Task{}, errTimeRange
	}
	return Task{Name: params.Get("TaskName"), Start: start, End: end}, nil
}

func isGranular(t time.Time) bool { return t.Equal(t.Truncate(granularity)) }
