package faults_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// respond answers each call with a complete response.
func respond(status int, contentType, body string, header ...string) answer {
	return func(_ *world, rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", contentType)
		for i := 0; i+1 < len(header); i += 2 {
			rw.Header().Set(header[i], header[i+1])
		}
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, body)
	}
}

// withJSON answers each call with status 200 and a body.
func withJSON(body string) answer { return respond(http.StatusOK, "application/json", body) }

// apiError answers each call with an error of the API.
func apiError(status int, code string, header ...string) answer {
	return respond(status, "application/json",
		`{"Code":"`+code+`","Message":"m","RequestId":"00000000-0000-4000-8000-000000000000"}`, header...)
}

// raw answers with these bytes and holds the connection until the client closes it.
func raw(text string) answer {
	return func(w *world, rw http.ResponseWriter, _ *http.Request) {
		conn := w.hijack(rw)
		_, _ = io.WriteString(conn, text)
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	}
}

// rawThen answers with these bytes and ends the connection with end.
func rawThen(text string, end func(net.Conn)) answer {
	return func(w *world, rw http.ResponseWriter, _ *http.Request) {
		conn := w.hijack(rw)
		_, _ = io.WriteString(conn, text)
		end(conn)
	}
}

func closed(conn net.Conn) { _ = conn.Close() }

func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// endless writes a text again and again until the client closes the connection or two minutes have passed.
func endless(head, text string) answer {
	return func(w *world, rw http.ResponseWriter, _ *http.Request) {
		conn := w.hijack(rw)
		defer conn.Close()
		_ = conn.SetWriteDeadline(time.Now().Add(2 * time.Minute))
		_, err := io.WriteString(conn, head)
		for err == nil {
			_, err = io.WriteString(conn, text)
		}
	}
}

// sound returns the simulator's response to a call.
func (w *world) sound(r *http.Request) *httptest.ResponseRecorder {
	resp := httptest.NewRecorder()
	w.api.ServeHTTP(resp, r)
	return resp
}

// edited changes the body of the simulator's response to a call.
func edited(edit func(page int, body string) string) answer {
	return func(w *world, rw http.ResponseWriter, r *http.Request) {
		resp := w.sound(r)
		body := resp.Body.String()
		if resp.Code == http.StatusOK {
			body = edit(pageNumber(r), body)
		}
		maps.Copy(rw.Header(), resp.Header())
		rw.Header().Del("Content-Length")
		rw.WriteHeader(resp.Code)
		_, _ = io.WriteString(rw, body)
	}
}

// replaced is edited with some texts replaced.
func replaced(oldnew ...string) answer {
	replacer := strings.NewReplacer(oldnew...)
	return edited(func(_ int, body string) string { return replacer.Replace(body) })
}

// huge writes a body of about 300 MB.
func huge(length bool) answer {
	return func(_ *world, rw http.ResponseWriter, _ *http.Request) {
		if length {
			rw.Header().Set("Content-Length", "314572800")
		}
		blanks := bytes.Repeat([]byte(" "), 1<<20)
		for range 300 {
			if _, err := rw.Write(blanks); err != nil {
				return
			}
		}
	}
}

// bomb is 300 MB of blanks, compressed: the same MB again and again, since a call waits while it is made.
var bomb = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 1<<20))
	_ = z.Close()
	return bytes.Repeat(b.Bytes(), 300)
})

// compressed answers with the bomb.
func compressed(status int) answer {
	return func(_ *world, rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Encoding", "gzip")
		rw.WriteHeader(status)
		_, _ = rw.Write(bomb())
	}
}
