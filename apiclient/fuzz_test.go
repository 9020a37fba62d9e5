package apiclient_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"alicdn_export_exporter/apiclient"
)

func addFiles(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		f.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	for _, path := range files {
		body, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
}

// Whatever a page's body is: it is refused, or each task has an id and there are
// no more of them than a page holds.
func FuzzDecodePage(f *testing.F) {
	addFiles(f, "testdata/answers/*.json")
	addFiles(f, "testdata/refused/*.json")
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := apiclient.DecodePage(body)
		if err != nil {
			return
		}
		if page.TotalCount < 0 || len(page.Tasks) > apiclient.PageSize {
			t.Errorf("TotalCount %d, %d tasks", page.TotalCount, len(page.Tasks))
		}
		for _, task := range page.Tasks {
			if task.ID == "" {
				t.Error("a task without an id")
			}
		}
	})
}

// Whatever an error's body is: the error is one of the known pairs, and short.
func FuzzErrorBody(f *testing.F) {
	for _, body := range []string{
		`{"Code":"Forbidden.RAM","RequestId":"` + requestID + `","Message":"x"}`, `{"code":"Throttling.User","requestId":"x"}`,
		`<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code><RequestId>x</RequestId></Error>`, `<html></html>`, `{"Code":1}`, "",
	} {
		f.Add([]byte(body), 403)
	}
	known := make(map[apiclient.ErrorKind]bool)
	for _, kind := range apiclient.ErrorKinds() {
		known[kind] = true
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		if status < 400 || status > 999 {
			return
		}
		err := apiclient.ResponseError(status, body)
		var apiErr *apiclient.Error
		if !errors.As(err, &apiErr) || !known[apiErr.Kind()] || len(err.Error()) > 300 {
			t.Errorf("error = %v", err)
		}
	})
}
