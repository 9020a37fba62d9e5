package apiclient

import (
	"fmt"
	"runtime"
)

// PanicError returns an error for the value of a recovered panic. It quotes only errors of the
// Go runtime, because other values may contain a secret.
func PanicError(reason any) error {
	if known, ok := reason.(runtime.Error); ok {
		return fmt.Errorf("panic: %w: this is a bug, please report it", known)
	}
	return fmt.Errorf("panic: %T: this is a bug, please report it", reason)
}
