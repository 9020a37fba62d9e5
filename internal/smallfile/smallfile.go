// Package smallfile reads small files whose names come from users: configuration, keys and tokens.
package smallfile

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// Read returns the contents of a regular file of at most maxBytes bytes. It follows symbolic links. It refuses all
// other files, because reading a pipe may block and a device may have no end. Its errors name the path.
func Read(path string, maxBytes int) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, notRegular(path)
	}
	// Opening does not block, even if a pipe has replaced the file since.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // The user chooses the file.
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, notRegular(path)
	}
	content, err := io.ReadAll(io.LimitReader(file, int64(maxBytes)+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxBytes {
		return nil, fmt.Errorf("%s is longer than %d KiB", path, maxBytes>>10)
	}
	return content, nil
}

func notRegular(path string) error { return fmt.Errorf("%s is not a regular file", path) }
