package e2e_test

import (
	"bytes"
	"regexp"
	"sync"
	"testing"
	"time"
)

// output stores the output of a process and lets a test wait for it.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{} // closed by the next write
	closed  bool
}

func newOutput() *output { return &output{written: make(chan struct{})} }

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.written)
	o.written = make(chan struct{})
	return o.text.Write(text)
}

// close tells waiting tests that no more output will come.
func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.written)
	o.closed = true
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits until the output matches the regular expression. It returns the match of the last group.
func (o *output) await(t *testing.T, expression string) string {
	t.Helper()
	pattern := regexp.MustCompile(expression)
	timeout := time.After(patience)
	for {
		o.mu.Lock()
		text, written, closed := o.text.String(), o.written, o.closed
		o.mu.Unlock()
		if match := pattern.FindStringSubmatch(text); match != nil {
			return match[len(match)-1]
		}
		if closed {
			t.Fatalf("the program exited without writing %s", expression)
		}
		select {
		case <-written:
		case <-timeout:
			t.Fatalf("the program has not written %s", expression)
		}
	}
}
