package simulator

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// page identifies a page of a list.
type page struct {
	number, size int
}

func parsePage(params url.Values) (page, *apiError) {
	number, apiErr := parseNumber(params, "PageNumber", 1, 100000)
	if apiErr != nil {
		return page{}, apiErr
	}
	size, apiErr := parseNumber(params, "PageSize", 20, 50)
	return page{number, size}, apiErr
}

// parseNumber reads a parameter that must be a whole number from 1 to limit.
func parseNumber(params url.Values, name string, byDefault, limit int) (int, *apiError) {
	text := params.Get(name)
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > limit {
		return 0, invalidParameter(fmt.Sprintf("The parameter %s must be a whole number from 1 to %d.", name, limit))
	}
	return n, nil
}

// listTasks answers the two Describe operations. A page after the last one is empty.
func listTasks(r request) (any, *apiError) {
	p, apiErr := parsePage(r.params)
	if apiErr != nil {
		return nil, apiErr
	}
	tasks := r.account.Tasks(r.list, r.now)
	from := min((p.number-1)*p.size, len(tasks))
	to := min(from+p.size, len(tasks))
	items := make([]dataItem, 0, to-from) // An empty page has an empty array, not null.
	for _, task := range tasks[from:to] {
		items = append(items, newDataItem(task))
	}
	return pageBody{
		XMLName:   xml.Name{Local: r.action + "Response"},
		RequestID: r.id,
		UsageDataPerPage: usageDataPerPage{
			PageSize: p.size, PageNumber: p.number, TotalCount: len(tasks),
			Data: dataItems{DataItem: items},
		},
	}, nil
}

func newDataItem(task Task) dataItem {
	item := dataItem{
		TaskID: task.ID, TaskName: task.Name, Status: task.Status,
		CreateTime: formatTime(task.Created), UpdateTime: formatTime(task.Updated),
	}
	if strings.EqualFold(task.Status, StatusSuccess) {
		item.DownloadURL = task.DownloadURL
	}
	if !task.Start.IsZero() || !task.End.IsZero() {
		item.TaskConfig = &taskConfig{StartTime: formatTime(task.Start), EndTime: formatTime(task.End)}
	}
	return item
}

// formatTime formats a time as the API does. The zero time is "", which the
// encoders leave out.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}
