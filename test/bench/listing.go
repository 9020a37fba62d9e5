package main

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// listingSpec is one reading of one list.
type listingSpec struct {
	Contender contender
	// URL is the API's address with its scheme.
	URL   string
	Tasks int
}

// listing is what one reading took.
type listing struct {
	Wall, CPU time.Duration
	// Bytes and Mallocs were allocated, in all; Kept are the bytes in use
	// afterwards that were not before.
	Bytes, Mallocs, Kept uint64
	// Peak is the process's peak resident memory, in bytes.
	Peak int64
	// Calls is what the API received.
	Calls calls `json:"-"`
}

// lister reads a whole list. It returns the tasks, whatever they are to it, and how
// many there are.
type lister func(context.Context) (tasks any, n int, err error)

// clients make listers, by name.
var clients = map[string]func(listingSpec) (lister, error){
	"ours":      newOurs,
	"sdk":       newSDK,
	"darabonba": newDarabonba,
}

// runListing is a child that reads a list once.
func runListing(ctx context.Context, spec listingSpec, answer func(any) error) error {
	list, err := clients[spec.Contender.Client](spec)
	if err != nil {
		return err
	}
	before := memory()
	cpu, began := processorTime(), time.Now()
	tasks, n, err := list(ctx)
	result := listing{Wall: time.Since(began), CPU: processorTime() - cpu}
	if err != nil {
		return err
	}
	if n != spec.Tasks {
		return fmt.Errorf("%s read %d tasks of %d", spec.Contender.Name, n, spec.Tasks)
	}
	if result.Peak, err = peakMemory("self"); err != nil {
		return err
	}
	after := memory()
	runtime.KeepAlive(tasks)
	result.Bytes, result.Mallocs = after.TotalAlloc-before.TotalAlloc, after.Mallocs-before.Mallocs
	result.Kept = max(after.HeapAlloc, before.HeapAlloc) - before.HeapAlloc
	return answer(result)
}

// memory counts what is in use after a collection, and what ever was.
func memory() runtime.MemStats {
	runtime.GC()
	runtime.GC() // The first one only marks what pools hold as old.
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m
}
