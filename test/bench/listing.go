package main

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// listingSpec describes one reading of one list.
type listingSpec struct {
	Contender contender
	// URL is the API's URL.
	URL   string
	Tasks int
}

// listing is the result of one reading.
type listing struct {
	Wall, CPU time.Duration
	// Bytes and Mallocs are the total allocations. Kept is the increase in heap bytes.
	Bytes, Mallocs, Kept uint64
	// Peak is the process's peak resident memory, in bytes.
	Peak int64
	// Calls are the calls that the API received.
	Calls calls `json:"-"`
}

// lister reads a whole list. It returns the tasks in the client's own type, and their number.
type lister func(context.Context) (tasks any, n int, err error)

// clients are constructors of listers, by the client's name.
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

// memory returns the memory statistics after a garbage collection.
func memory() runtime.MemStats {
	runtime.GC()
	runtime.GC() // sync.Pool releases its objects only at the second collection.
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m
}
