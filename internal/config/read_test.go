package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf16"

	"alicdn_export_exporter/internal/config"
)

func TestLoad(t *testing.T) {
	t.Run("reads regular files only", func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "config.yml")
		if err := os.WriteFile(file, []byte("accounts: [{name: a}]"), 0o600); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(dir, "link.yml") // Kubernetes mounts a ConfigMap like this.
		if err := os.Symlink(file, link); err != nil {
			t.Fatal(err)
		}
		if accounts, err := config.Load(link, defaults); err != nil || len(accounts) != 1 {
			t.Errorf("a link to a file: %d accounts, %v", len(accounts), err)
		}
		pipe := filepath.Join(dir, "pipe") // Nothing writes to it.
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]string{
			pipe:          "--config.file: " + pipe + " is not a regular file",
			"/dev/zero":   "--config.file: /dev/zero is not a regular file",
			dir:           "--config.file: " + dir + " is not a regular file",
			dir + "/none": "--config.file: open " + dir + "/none: no such file or directory",
		} {
			if _, err := config.Load(path, defaults); err == nil || err.Error() != want {
				t.Errorf("error %v, want %s", err, want)
			}
		}
	})

	t.Run("reads files up to a limit", func(t *testing.T) {
		const text = "accounts: [{name: a}]\n#"
		if _, err := load(t, text+strings.Repeat("x", 4<<20-len(text))); err != nil {
			t.Errorf("4 MiB: %v", err)
		}
		if _, err := load(t, text+strings.Repeat("x", 4<<20-len(text)+1)); err == nil || err.Error() != "--config.file: config.yml is longer than 4096 KiB" {
			t.Errorf("a byte more: %v", err)
		}
	})

	// A thousand accounts with ten expectations each are far below the limits.
	t.Run("has room for a thousand accounts", func(t *testing.T) {
		var file strings.Builder
		file.WriteString("accounts:\n")
		for i := range 1000 {
			fmt.Fprintf(&file, `- name: account-%d
  endpoint: cdn.aliyuncs.com
  time_zone: Asia/Shanghai
  exports: [usage, usage_detail]
  rate_limit: 20
  credentials: {type: access_key, access_key_id_file: /run/secrets/%[1]d/id, access_key_secret_file: /run/secrets/%[1]d/secret}
  expectations:
`, i)
			for n := range 10 {
				fmt.Fprintf(&file, "  - {name: usage %d, export: usage, task_name: usage-.*, every: month, grace: 72h, since: 2026-01-01}\n", n)
			}
		}
		if accounts, err := load(t, file.String()); err != nil || len(accounts) != 1000 {
			t.Errorf("%d accounts, %v", len(accounts), err)
		}
	})
}

func TestLoadErrors(t *testing.T) {
	t.Run("are bounded for a long file", func(t *testing.T) {
		var file strings.Builder
		file.WriteString("accounts:\n")
		for i := range 5000 {
			fmt.Fprintf(&file, "- {name: a%d, rate_limit: fast, exports: usage, time_zone: %s}\n", i, strings.Repeat("x", 500))
		}
		_, err := load(t, file.String())
		if err == nil {
			t.Fatal("no error")
		}
		lines := strings.Split(err.Error(), "\n")
		if want := "config.yml: and 14950 more"; len(lines) != 51 || lines[50] != want {
			t.Errorf("%d lines, the last %q, want %q", len(lines), lines[len(lines)-1], want)
		}
		if want := `config.yml:2: accounts[0].rate_limit: must be a number greater than 0 (got "fast")`; lines[0] != want {
			t.Errorf("the first line is %q, want %q", lines[0], want)
		}
		for _, line := range lines {
			if len(line) > 500 {
				t.Errorf("a line of %d bytes: %s", len(line), line)
			}
		}
	})

	t.Run("name the line of text that is not YAML", func(t *testing.T) {
		wide := "\xff\xfe"
		for _, unit := range utf16.Encode([]rune("accounts: [{name: a}]\n")) {
			wide += string([]byte{byte(unit), byte(unit >> 8)})
		}
		for _, tc := range []struct{ name, file, want string }{
			{"UTF-16 without a mark", wide[2:], "1: control characters are not allowed (value: 0)"},
			{"Latin-1", "accounts:\n- name: a\n- name: M\xfcller\n", "3: invalid leading UTF-8 octet (value: 252)"},
			{"a null byte", "accounts:\n- name: a\x00\n", "2: control characters are not allowed (value: 0)"},
			{"no character", "accounts:\n- name: a\uffff\n", "2: control characters are not allowed (value: 65535)"},
			{"an unknown anchor", "accounts:\n- name: a\n- *b\n", "3: unknown anchor; put a value that begins with * into quotes"},
			{"a mistake in the first line", "a: b: c", "1: mapping values are not allowed in this context"},
			{"a mistake in the second line", "x: y\na: b: c", "2: mapping values are not allowed in this context"},
			{"a wrong indent", "accounts:\n- name: a\n b: c\n", "3: did not find expected key, while parsing a block mapping; check the indentation and the brackets here and above"},
			{"a bracket too many", "accounts: []\n]\n", "2: did not find expected key, while parsing a block mapping; check the indentation and the brackets here and above"},
			{"a bracket that is missing", "accounts:\n- name: a\n  exports: [usage\n", "3: did not find expected ',' or ']', while parsing a flow sequence"},
			{"an unknown tag", "accounts: !x!y z\n", "1: found undefined tag handle, while parsing a node"},
			{"a tab before an item", "accounts:\n\t- name: a\n", "2: tabs are not allowed; indent with spaces"},
			{"a tab after an item's hyphen", "accounts:\n-\tname: a\n", "2: tabs are not allowed; indent with spaces"},
			{"a tab before a key", "accounts:\n- name: a\n\trate_limit: 3\n", "3: tabs are not allowed; indent with spaces"},
			{"a tab after blanks", "accounts:\n- name: a\n  limits:\n  \tpending_age: 1d\n", "4: tabs are not allowed; indent with spaces"},
			{"too many brackets", "accounts: " + strings.Repeat("[", 20_000), "1: exceeded max depth of 10000, while increasing flow level"},
			{"a mistake in a second document", "accounts:\n- name: a\n---\n- b: c: d\n", "4: mapping values are not allowed in this context"},
			{"a second document after a comment", "accounts:\n- name: a\n...\n# c\n---\n- b\n", "5: only one document is allowed"},
		} {
			expect(t, tc.name, tc.file, "config.yml:"+tc.want)
		}
		if accounts, err := load(t, wide); err != nil || len(accounts) != 1 {
			t.Errorf("UTF-16 with a mark: %v", err)
		}
		if accounts, err := load(t, "\ufeffaccounts:\r\n- name: a\ufffd\u0085\r\n"); err != nil || len(accounts) != 1 {
			t.Errorf("a file with all that is allowed: %v", err)
		}
	})
}
