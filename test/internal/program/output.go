package program

import (
	"bytes"
	"regexp"
	"sync"
	"testing"
	"time"
)

// Output stores the output of a process and lets a test wait for it.
type Output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{} // closed by the next write
	closed  bool
}

func newOutput() *Output { return &Output{written: make(chan struct{})} }

// Write implements io.Writer.
func (o *Output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.written)
	o.written = make(chan struct{})
	return o.text.Write(text)
}

// close tells waiting tests that no more output will come.
func (o *Output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.written)
	o.closed = true
}

// String returns the output so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Await waits until the output matches the regular expression. It returns the match of the last group.
func (o *Output) Await(t testing.TB, expression string) string {
	t.Helper()
	pattern := regexp.MustCompile(expression)
	timeout := time.After(Patience)
	for {
		o.mu.Lock()
		text, written, closed := o.text.String(), o.written, o.closed
		o.mu.Unlock()
		if match := pattern.FindStringSubmatch(text); match != nil {
			return match[len(match)-1]
		}
		if closed {
			t.Fatalf("the program exited without writing %s:\n%s", expression, text)
		}
		select {
		case <-written:
		case <-timeout:
			t.Fatalf("the program has not written %s:\n%s", expression, text)
		}
	}
}
