package simulatortest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// Page is a page of tasks.
type Page struct {
	PageSize, PageNumber, TotalCount int
	Data                             struct{ DataItem []Task }
}

// Task is a task as the API lists it.
type Task struct {
	TaskID      string `json:"TaskId"`
	TaskName    string
	Status      string
	CreateTime  string
	UpdateTime  string
	DownloadURL string `json:"DownloadUrl"`
	TaskConfig  *TaskConfig
}

// TaskConfig is the period of a task.
type TaskConfig struct {
	StartTime, EndTime string
}

// Created returns CreateTime.
func (task Task) Created(t *testing.T) time.Time {
	t.Helper()
	return parseTime(t, task.CreateTime)
}

// Updated returns UpdateTime.
func (task Task) Updated(t *testing.T) time.Time {
	t.Helper()
	return parseTime(t, task.UpdateTime)
}

// Period returns the exported period, without its end.
func (task Task) Period(t *testing.T) (start, end time.Time) {
	t.Helper()
	return parseTime(t, task.TaskConfig.StartTime), parseTime(t, task.TaskConfig.EndTime).Add(time.Second)
}

func parseTime(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(timeFormat, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// DecodePage decodes a page in JSON. The test fails if the response is not a page or
// has a field that is not in Page.
func DecodePage(t *testing.T, w *httptest.ResponseRecorder) Page {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	decoder := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	decoder.DisallowUnknownFields()
	var body struct {
		RequestID        string `json:"RequestId"`
		UsageDataPerPage Page
	}
	if err := decoder.Decode(&body); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return body.UsageDataPerPage
}

// Error is an error of the API.
type Error struct {
	Code, Message      string
	AccessDeniedDetail *struct{ AuthAction, NoPermissionType string }
}

// DecodeError decodes an error in JSON. Its Code is empty if the response is a page.
func DecodeError(t *testing.T, w *httptest.ResponseRecorder) Error {
	t.Helper()
	var body Error
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("status %d: %v in %s", w.Code, err, w.Body)
	}
	return body
}

// WantError checks the status and the code of an error in JSON, and returns it.
func WantError(t *testing.T, w *httptest.ResponseRecorder, status int, code string) Error {
	t.Helper()
	body := DecodeError(t, w)
	if w.Code != status || body.Code != code {
		t.Errorf("response %d %s, want %d %s", w.Code, w.Body, status, code)
	}
	return body
}
