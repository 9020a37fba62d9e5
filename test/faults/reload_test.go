package faults_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
)

// reloadFaults are configurations that cannot be loaded.
func reloadFaults() []fault {
	file := func(name, text string) fault {
		return badFile(name, func(c *cell) { c.write(c.file, strings.ReplaceAll(text, "ENDPOINT", c.endpoint)) })
	}
	return []fault{
		file("unknown_key_in_the_file", "accounts:\n- {name: main, endpoint: ENDPOINT, color: red}\n"),
		file("two_accounts_of_one_name", "accounts:\n- {name: main}\n- {name: main}\n"),
		file("empty_file", ""),
		file("no_yaml", "accounts: [{name: main, endpoint: \"\x00\xff"),
		file("secrets_in_the_file",
			"accounts:\n- {name: main, credentials: {type: access_key, access_key_secret: CanaryInTheFile}}\n"),
		file("nested_10000_times", "accounts: "+strings.Repeat("[", 10_000)),
		file("aliases_that_explode",
			"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"+
				"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\naccounts: [*f,*f,*f]\n"),
		badFile("half_of_a_file", func(c *cell) { c.write(c.file, c.config[:len(c.config)/2]) }),
		badFile("file_missing", func(c *cell) { c.must(os.Remove(c.file)) }),
		badFile("file_is_a_directory", func(c *cell) {
			c.must(os.Remove(c.file))
			c.must(os.Mkdir(c.file, 0o700))
		}),
		badFile("file_is_a_pipe", func(c *cell) {
			c.must(os.Remove(c.file))
			c.must(syscall.Mkfifo(c.file, 0o600))
		}),
	}
}

// badFile is a fault of the configuration file. The accounts stay as they are.
func badFile(name string, spoil func(*cell)) fault {
	return fault{
		kind: 26, name: name, want: tolerated, ownReload: true,
		not: map[scenario]string{cold: "a configuration that is wrong at the start ends the program (TestStartErrors of test/e2e)"},
		begin: func(c *cell) func() {
			spoil(c)
			return func() {
				c.must(os.RemoveAll(c.file))
				c.write(c.file, c.config)
				c.reload()
			}
		},
		during: func(c *cell, _ page) {
			c.failReload()
			if p := c.glance(); p.values["config_last_reload_successful"] != 0 || !p.up() {
				c.Errorf("I2: after a reload that failed:\n%s", aboutMain(p.text))
			}
		},
	}
}

// failReload reloads a configuration that is wrong. The answer must say so.
func (c *cell) failReload() {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), drainTimeout)
	defer cancel()
	status, text, err := c.get(ctx, http.MethodPost, "/-/reload", nil)
	if err != nil || status != http.StatusInternalServerError || !strings.Contains(text, c.file) &&
		!strings.Contains(text, "exporter.yml") {
		c.Errorf("a reload of a wrong file answers with status %d, %v: %s", status, err, text)
	}
}

// failReloads reloads it many times at once.
func (c *cell) failReloads() {
	c.Helper()
	var reloads sync.WaitGroup
	for range 10 {
		reloads.Go(c.failReload)
	}
	reloads.Wait()
}
