// Package faults_test tries faults of the network, the API, key services, clients and the machine on the built program.
// Each fault meets the program in five scenarios. A cell is a fault in a scenario. In every cell, the same invariants
// must hold; TestFaults lists them.
package faults_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"alicdn_export_exporter/test/internal/program"
)

// patience is how long a test waits for an event before it fails.
const patience = time.Minute

var (
	allCells = flag.Bool("all", false, "try every fault in every scenario, not only one cell of each kind")
	update   = flag.Bool("update", false, "write the table of cells into docs/reliability.md; needs -all")
)

// exporter is the path of the built program. It is built without the race detector, which needs more memory than the
// limit allows; test/e2e has it.
var exporter string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	flag.Parse()
	directory, err := os.MkdirTemp("", "faults")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(directory)
	if exporter, err = program.Build(directory, root); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// Cells mostly wait for a timeout.
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = f.Value.Set(strconv.Itoa(3 * runtime.GOMAXPROCS(0)))
	}
	return m.Run()
}

// root is the root of the repository.
const root = "../.."
