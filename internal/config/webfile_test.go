package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestCheckWebFile(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	write := func(content string) string {
		file, err := os.CreateTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := file.WriteString(content); err != nil {
			t.Fatal(err)
		}
		return file.Name()
	}
	for path, want := range map[string]string{
		"": "",
		write("basic_auth_users: {a: $2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze}\n"): "",
		write("basic_auth_users: {a: b}\n"):           "crypto/bcrypt",
		write("a: [\n"):                               "yaml",
		write(""):                                     "is empty, so everybody would have access",
		write(" \n\n"):                                "is empty, so everybody would have access",
		write("# a comment\n---\n"):                   "is empty, so everybody would have access",
		write("null\n"):                               "is empty, so everybody would have access",
		write("{}\n"):                                 "is empty, so everybody would have access",
		write("basic_auth_users:\n"):                  `: "basic_auth_users" is empty`,
		write("basic_auth_users: {}\n"):               `: "basic_auth_users" is empty`,
		write("tls_server_config:\n"):                 `: "tls_server_config" is empty`,
		write("http_server_config: {http2: false}\n"): "",
		pipe:             "is not a regular file",
		dir + "/missing": "no such file",
	} {
		flags, err := parse("--web.config.file=" + path)
		if err != nil {
			t.Fatal(err)
		}
		err = flags.CheckWebFile()
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "--web.config.file: ")) {
			t.Errorf("error = %v, want %q", err, want)
		}
	}
}
