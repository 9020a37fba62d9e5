package simulator

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// page is what a call asks for.
type page struct {
	number, size int
}

func pageOf(params url.Values) (page, *apiError) {
	number, refusal := whole(params, "PageNumber", 1, 100000)
	if refusal != nil {
		return page{}, refusal
	}
	size, refusal := whole(params, "PageSize", 20, 50)
	return page{number, size}, refusal
}

// whole reads a parameter from 1 to most.
func whole(params url.Values, name string, fallback, most int) (int, *apiError) {
	text := params.Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, invalidParameter(fmt.Sprintf("The parameter %s must be a whole number from 1 to %d.", name, most))
	}
	return n, nil
}

type (
	pageBody struct {
		XMLName          xml.Name `json:"-"`
		RequestID        string   `json:"RequestId" xml:"RequestId"`
		UsageDataPerPage usageDataPerPage
	}
	usageDataPerPage struct {
		PageSize, PageNumber, TotalCount int
		Data                             dataItems
	}
	dataItems struct {
		DataItem []dataItem
	}
	dataItem struct {
		TaskID      string `json:"TaskId" xml:"TaskId"`
		TaskName    string
		Status      string
		CreateTime  string      `json:",omitempty" xml:",omitempty"`
		UpdateTime  string      `json:",omitempty" xml:",omitempty"`
		DownloadURL string      `json:"DownloadUrl,omitempty" xml:"DownloadUrl,omitempty"`
		TaskConfig  *taskConfig `json:",omitempty" xml:",omitempty"`
	}
	taskConfig struct {
		StartTime string `json:",omitempty" xml:",omitempty"`
		EndTime   string `json:",omitempty" xml:",omitempty"`
	}
)

// answer cuts the page out of the list and encodes it: nothing else of the list is
// looked at, however long it is.
func (p page) answer(tasks []Task, action string, env envelope) *answer {
	from := min((p.number-1)*p.size, len(tasks))
	to := min(from+p.size, len(tasks))
	items := make([]dataItem, 0, to-from)
	for _, task := range tasks[from:to] {
		items = append(items, itemOf(task))
	}
	return render(pageBody{
		XMLName:   xml.Name{Local: action + "Response"},
		RequestID: env.requestID,
		UsageDataPerPage: usageDataPerPage{
			PageSize: p.size, PageNumber: p.number, TotalCount: len(tasks),
			Data: dataItems{DataItem: items},
		},
	}, env)
}

func itemOf(task Task) dataItem {
	item := dataItem{
		TaskID: task.ID, TaskName: task.Name, Status: task.Status,
		CreateTime: date(task.Created), UpdateTime: date(task.Updated),
	}
	if strings.EqualFold(task.Status, StatusSuccess) {
		item.DownloadURL = task.DownloadURL
	}
	if !task.Start.IsZero() || !task.End.IsZero() {
		item.TaskConfig = &taskConfig{StartTime: date(task.Start), EndTime: date(task.End)}
	}
	return item
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(dateFormat)
}
