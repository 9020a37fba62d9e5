package apiclient_test

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

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

// For any body, decoding fails, or each task has an id and there are at most PageSize tasks.
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

// For any error body, the error is one of the known pairs, and is short.
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

// For any text in a server's certificate or name, the error is one short line.
func FuzzNetworkError(f *testing.F) {
	for _, text := range []string{"", "x509: certificate has expired", "a\x1b[31m\r\nlevel=info", "\xff\u202e", strings.Repeat("長", 1000)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, cause := range []error{
			&tls.CertificateVerificationError{Err: errors.New(text)}, &net.DNSError{Err: text, Name: text},
			&net.OpError{Op: "dial", Err: errors.New(text)}, &net.OpError{Op: "proxyconnect", Err: errors.New("tls: " + text)},
		} {
			got := apiclient.NetworkError(cause).Error()
			if len(got) > 320 || !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !strconv.IsPrint(r) }) {
				t.Errorf("%T: %q", cause, got)
			}
		}
	})
}

// For any wait hints, the client waits for a minute at most.
func FuzzWaitHint(f *testing.F) {
	f.Add("1500", "Limit:1,Remain:0,TimeLeft:2000,Reset:1234", "30")
	f.Add("-1", ":::,,Remain", "Sat, 01 Jan 2000 00:00:20 GMT")
	f.Add("99999999999999999999", "Remain:0,TimeLeft:1e9", "Fri, 31 Dec 9999 23:59:59 GMT")
	f.Fuzz(func(t *testing.T, milliseconds, rate, after string) {
		hint := apiclient.WaitHint(http.Header{
			"X-Acs-Retry-After": {milliseconds}, "X-Ratelimit-User": {rate}, "X-Ratelimit-User-Api": {rate}, "Retry-After": {after},
		})
		if hint < 0 || hint > time.Minute {
			t.Errorf("%q, %q, %q: %s", milliseconds, rate, after, hint)
		}
	})
}
