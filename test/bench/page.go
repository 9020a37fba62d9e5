package main

import (
	"encoding/json"
	"fmt"
	"time"

	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/scenario"
)

// page is a response of the API.
type page struct {
	RequestID        string `json:"RequestId"`
	UsageDataPerPage usage
}

type usage struct {
	PageSize, PageNumber, TotalCount int
	Data                             items
}

type items struct{ DataItem []item }

type item struct {
	TaskID      string `json:"TaskId"`
	TaskName    string
	Status      string
	CreateTime  string
	UpdateTime  string `json:",omitempty"`
	DownloadURL string `json:"DownloadUrl,omitempty"`
	TaskConfig  period
}

type period struct{ StartTime, EndTime string }

// renderPages returns a list of n tasks as encoded pages. The last one is not full.
func renderPages(n int) ([][]byte, error) {
	tasks := scenario.Bulk(n, time.Now(), uint64(n))
	bodies := make([][]byte, 0, pages(n)+1)
	for from := 0; from <= n; from += pageSize {
		number := from/pageSize + 1
		p := page{
			RequestID:        fmt.Sprintf("16A96B9A-F203-4EC5-8E43-%012d", number),
			UsageDataPerPage: usage{PageSize: pageSize, PageNumber: number, TotalCount: n},
		}
		for _, task := range tasks[from:min(from+pageSize, n)] {
			p.UsageDataPerPage.Data.DataItem = append(p.UsageDataPerPage.Data.DataItem, itemOf(task))
		}
		body, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

func itemOf(task simulator.Task) item {
	date := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return item{
		TaskID: task.ID, TaskName: task.Name, Status: task.Status,
		CreateTime: date(task.Created), UpdateTime: date(task.Updated), DownloadURL: task.DownloadURL,
		TaskConfig: period{StartTime: date(task.Start), EndTime: date(task.End)},
	}
}
