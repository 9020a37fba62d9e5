package smallfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"alicdn_export_exporter/internal/smallfile"
)

func TestRead(t *testing.T) {
	const limit = 2048
	dir := t.TempDir()
	write := func(name, content string) (path string) {
		t.Helper()
		path = filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := func(name, target string) (path string) {
		t.Helper()
		path = filepath.Join(dir, name)
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing")
	const notExist = ": no such file or directory"
	largest := strings.Repeat("x", limit)
	empty, full, tooLarge := write("empty", ""), write("full", largest), write("too-large", largest+"x")
	linkToFile, linkToPipe := link("link-to-file", full), link("link-to-pipe", pipe)
	danglingLink := link("dangling-link", missing)

	for name, tc := range map[string]struct{ path, want, wantErr string }{
		"a file":                            {path: write("file", "id\n"), want: "id\n"},
		"an empty file":                     {path: empty},
		"a file of the largest size":        {path: full, want: largest},
		"a file with one byte too many":     {path: tooLarge, wantErr: tooLarge + " is longer than 2 KiB"},
		"a directory":                       {path: dir, wantErr: dir + " is not a regular file"},
		"a pipe without a writer":           {path: pipe, wantErr: pipe + " is not a regular file"},
		"a device without an end":           {path: "/dev/zero", wantErr: "/dev/zero is not a regular file"},
		"a symbolic link to a file":         {path: linkToFile, want: largest},
		"a symbolic link to a pipe":         {path: linkToPipe, wantErr: linkToPipe + " is not a regular file"},
		"a symbolic link to a missing file": {path: danglingLink, wantErr: "open " + danglingLink + notExist},
		"a missing file":                    {path: missing, wantErr: "open " + missing + notExist},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := smallfile.Read(tc.path, limit)
			if tc.wantErr != "" {
				if err == nil || err.Error() != tc.wantErr || got != nil {
					t.Errorf("Read = %d bytes, %v, want %s", len(got), err, tc.wantErr)
				}
				return
			}
			if err != nil || string(got) != tc.want {
				t.Errorf("Read = %d bytes, %v, want %d bytes", len(got), err, len(tc.want))
			}
		})
	}

	t.Run("a missing file is fs.ErrNotExist", func(t *testing.T) {
		if _, err := smallfile.Read(missing, limit); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error = %v", err)
		}
	})
}
