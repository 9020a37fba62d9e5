package check

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"alicdn_export_exporter/collector"
)

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// showProgress shows on a terminal how many lists have been read, until done is closed.
func showProgress(w io.Writer, coll *collector.Collector, done <-chan struct{}) {
	if !isTerminal(w) {
		return
	}
	const clearLine = "\r\x1b[K"
	began := time.Now()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			lists, read := 0, 0
			for _, account := range coll.Statuses(now) {
				for _, export := range account.Exports {
					lists++
					if len(export.Refreshes) > 0 {
						read++
					}
				}
			}
			_, _ = fmt.Fprintf(w, "%sReading: %d of %d lists, %d s", clearLine, read, lists, int(now.Sub(began).Seconds()))
		case <-done:
			_, _ = fmt.Fprint(w, clearLine)
			return
		}
	}
}
