package faults_test

import (
	"fmt"
	"net/http"
	"strings"
)

// http1Faults are responses that break the rules of HTTP/1.1.
func http1Faults() []fault {
	const upgrade = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	ghost := `{"UsageDataPerPage":{"PageNumber":1,"PageSize":50,"TotalCount":1,"Data":{"DataItem":[{"TaskId":"ghost",` +
		`"Status":"success","DownloadUrl":"https://oss.example/CanaryDownloadSecret"}]}}}`
	withLength := func(length int, body string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			length, body)
	}
	return []fault{
		{kind: 31, name: "101_with_upgrade", want: refused, ever: true, answer: raw(upgrade)},
		{kind: 31, name: "101_with_upgrade_and_a_page", want: refused, answer: raw(upgrade + withLength(len(ghost),
			ghost))},
		{kind: 31, name: "101_without_upgrade", want: refused, answer: raw("HTTP/1.1 101 Switching Protocols\r\n\r\n")},
		{
			kind: 31, name: "storm_of_1xx", want: refused, code: "connection|timeout", class: "network",
			answer: endless("", early),
		},
		{kind: 31, name: "one_1xx_and_no_more", want: refused, code: "timeout", class: "network", answer: raw(early)},
		{
			kind: 31, name: "short_content_length", want: refused, code: "decode", class: "malformed", ever: true,
			answer: raw(withLength(len(ghost)/3, ghost)),
		},
		{
			kind: 31, name: "short_content_length_at_the_end", want: refused, code: "decode|connection",
			class: "malformed|network",
			answer: func(w *world, rw http.ResponseWriter, r *http.Request) {
				body := w.sound(r).Body.String()
				raw(withLength(len(body)-7, body))(w, rw, r)
			},
		},
		{
			kind: 31, name: "long_content_length", want: refused, code: "timeout", class: "network",
			answer: raw(withLength(len(ghost)+1, ghost)),
		},
		{
			kind: 31, name: "long_content_length_and_the_end", want: refused, code: "connection", class: "network",
			answer: rawThen(withLength(len(ghost)+1, ghost), closed),
		},
		{
			kind: 31, name: "second_answer_behind_the_first", want: tolerated, ever: true,
			answer: func(w *world, rw http.ResponseWriter, r *http.Request) {
				body := w.sound(r).Body.String()
				raw(withLength(len(body), body)+withLength(len(ghost), ghost))(w, rw, r)
			},
		},
		{
			kind: 31, name: "no_http", want: refused, code: "connection", class: "network",
			answer: raw("SSH-2.0-OpenSSH_9.2 CanaryBanner\r\n" + strings.Repeat("x", 100) + "\r\n"),
		},
		{
			kind: 31, name: "bad_chunks", want: refused, code: "connection", class: "network",
			answer: raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + ghost),
		},
	}
}
