package faults_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestFaults runs the cells. In each of them these invariants must hold:
//
//   - I1: the program lives, and a scrape is answered within its own timeout;
//   - I2: no wrong number is presented as fresh;
//   - I3: no secret is shown;
//   - I4: the configured rate of calls is never exceeded;
//   - I5: memory stays under 64 MB above the idle program;
//   - I6: goroutines return to the idle program's;
//   - I7: once the fault has ended, two refreshes later all is well.
func TestFaults(t *testing.T) {
	m := newMatrix()
	usualIdle(t)       // While nothing else runs.
	t.Cleanup(func() { // After the parallel cells.
		t.Logf("%d cells held, %d broke:\n%s", m.count("held"), m.count("broken"), m.table())
		if *update && *allCells {
			m.writeTable(t)
		}
	})
	for _, f := range m.faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for _, s := range allScenarios {
				if m.selects(f, s) {
					t.Run(string(s), func(t *testing.T) {
						t.Parallel()
						t.Cleanup(func() { m.set(f, s, t.Failed()) })
						c := newCell(t, f, s)
						t.Cleanup(c.report)
						c.run()
					})
				}
			}
		})
	}
}

// matrix is all faults in all scenarios, with the results so far.
type matrix struct {
	faults []fault

	mu      sync.Mutex
	results map[string]string // "held" or "broken", by fault/scenario
}

func newMatrix() *matrix {
	m := &matrix{results: make(map[string]string)}
	for _, faults := range [][]fault{
		networkFaults(), bodyFaults(), listFaults(), serverFaults(), tlsFaults(), keyFaults(), clockFaults(),
		timeFaults(),
		http1Faults(), http2Faults(), reloadFaults(), programFaults(), scraperFaults(), keyServiceFaults(),
		proxyFaults(),
	} {
		m.faults = append(m.faults, faults...)
	}
	slices.SortStableFunc(m.faults, func(a, b fault) int { return a.kind - b.kind })
	return m
}

// selects reports whether to run a cell: one of each kind, and those of faults that have ever broken one. With -all, or
// if -run names a fault, all.
func (m *matrix) selects(f fault, s scenario) bool {
	if f.not[s] != "" {
		return false
	}
	if *allCells || f.ever || strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
		return true
	}
	first := slices.IndexFunc(m.faults, func(other fault) bool { return other.kind == f.kind })
	if m.faults[first].name != f.name {
		return false
	}
	for i := range allScenarios { // Neighboring kinds get different scenarios.
		if one := allScenarios[(f.kind+i)%len(allScenarios)]; f.not[one] == "" {
			return one == s
		}
	}
	return false
}

func (m *matrix) set(f fault, s scenario, failed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.results[f.name+"/"+string(s)] = map[bool]string{true: "broken", false: "held"}[failed]
}

func (m *matrix) count(result string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.results {
		if r == result {
			n++
		}
	}
	return n
}

// table returns the results as a table in Markdown, followed by why cells do not apply.
func (m *matrix) table() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var table, reasons strings.Builder
	table.WriteString("| kind | fault | refreshes |")
	for _, s := range allScenarios {
		fmt.Fprintf(&table, " %s |", s)
	}
	table.WriteString("\n|---:|---|---|" + strings.Repeat("---|", len(allScenarios)) + "\n")
	for _, f := range m.faults {
		if !m.hasRun(f) {
			continue
		}
		want := string(f.want)
		if f.code != "" {
			want += ", `" + strings.ReplaceAll(f.code, "|", "`, `") + "`"
		}
		fmt.Fprintf(&table, "| %d | `%s` | %s |", f.kind, f.name, want)
		for _, s := range allScenarios {
			result := m.results[f.name+"/"+string(s)]
			switch {
			case f.not[s] != "":
				result = "–"
				fmt.Fprintf(&reasons, "- `%s/%s`: %s\n", f.name, s, f.not[s])
			case result == "":
				result = " "
			}
			fmt.Fprintf(&table, " %s |", result)
		}
		table.WriteString("\n")
	}
	if reasons.Len() > 0 {
		table.WriteString("\nNot applicable:\n\n" + reasons.String())
	}
	return table.String()
}

// hasRun reports whether a cell of a fault has run, or none can.
func (m *matrix) hasRun(f fault) bool {
	return len(f.not) == len(allScenarios) || slices.ContainsFunc(allScenarios, func(s scenario) bool {
		return m.results[f.name+"/"+string(s)] != ""
	})
}

// The table in the documentation stands between these lines.
const tableBegins, tableEnds = "<!-- make test-faults writes this table -->\n", "<!-- end of the table -->\n"

func (m *matrix) writeTable(t *testing.T) {
	t.Helper()
	path := filepath.Join(root, "docs", "reliability.md")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	head, rest, ok := strings.Cut(string(content), tableBegins)
	_, tail, ended := strings.Cut(rest, tableEnds)
	if !ok || !ended {
		t.Errorf("%s has no place for the table", path)
		return
	}
	if err := os.WriteFile(path, []byte(head+tableBegins+"\n"+m.table()+"\n"+tableEnds+tail), 0o600); err != nil {
		t.Error(err)
	}
}
