package apiclient

import (
	"fmt"
	"runtime"
)

// PanicError returns the error for the value of a panic that was recovered. It repeats only
// texts of the Go runtime: another value may hold a secret.
func PanicError(reason any) error {
	if known, ok := reason.(runtime.Error); ok {
		return fmt.Errorf("panic: %w: this is a bug, please report it", known)
	}
	return fmt.Errorf("panic: %T: this is a bug, please report it", reason)
}
