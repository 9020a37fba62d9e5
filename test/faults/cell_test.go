package faults_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"

	"alicdn_export_exporter/internal/credentials/credentialstest"
	"alicdn_export_exporter/test/internal/program"
)

const (
	// scrapeTimeout is Prometheus' own timeout: what scrapers say in their headers, and how long they wait.
	scrapeTimeout = 10 * time.Second
	// drainTimeout is how long the program may take to end after a signal.
	drainTimeout = 8 * time.Second
	// burst is the number of calls that the rate limit lets through at once at the default concurrency.
	burst = 8
	// maxGrowth is how much more memory than an idle program a fault may cost.
	maxGrowth = 64 << 20
	// maxGoroutines is how many more goroutines than an idle program may be left.
	maxGoroutines = 1
	// recovery is how long two refreshes may take after a fault. A list that must be confirmed takes five seconds.
	recovery = 30 * time.Second
)

// cell is a fault in a scenario: a program and an API of its own.
type cell struct {
	*testing.T

	fault    fault
	scenario scenario
	world    *world
	key      credentialstest.Key
	keys     string // directory of the key's files
	file     string // the configuration
	reloads  int

	// What a fault may change before the program starts.
	endpoint    string
	credentials string // of the account, as YAML; files of the key by default
	more        string // more accounts, as YAML
	env         []string
	flags       map[string]string // values that differ from the usual ones
	webConfig   string            // file
	rate        float64
	command     func(args []string) *exec.Cmd
	closers     []func() // close connections that the program keeps open
	listen      string   // the program's address, if it cannot be read from the log
	launched    func()   // called when the program has been started; may be nil
	log         *os.File // of a program whose log is read by a pipe
	keyService  *credentialstest.Service

	network  *toxiproxy.Proxy // between the program and the API
	front    *front           // likewise
	secured  secured          // behind the front
	impostor string           // address of a server that stands in for the API
	hosts    string           // file with the names of hosts

	idle    idle
	program *program.Process
	address string
	header  http.Header // of scrapes
	config  string      // what the configuration file must have

	oddTimeouts atomic.Bool // whether scrapes have odd timeouts in their headers
	scrapes     atomic.Int64

	faultBegan, faultEnded time.Time
	mend                   func() // ends the fault

	mu sync.Mutex // guards what the API and the scrapers use: address, faultBegan and mend
}

func newCell(t *testing.T, f fault, s scenario) *cell {
	t.Helper()
	c := &cell{
		T: t, fault: f, scenario: s, keys: t.TempDir(), rate: 20, header: make(http.Header),
		flags: make(map[string]string),
		key: credentialstest.Key{
			ID: "LTAIcanaryAccessKeyId", Secret: "CanaryAccessKeySecret",
			Token: "CanarySecurityToken",
		},
	}
	if !f.ownIdle {
		c.idle = usualIdle(t)
	}
	c.world = newWorld(t, c.key)
	c.endpoint = c.world.server.URL
	c.credentials = fmt.Sprintf("{type: sts, access_key_id_file: %[1]s/id, access_key_secret_file: %[1]s/secret, security_token_file: %[1]s/token}", c.keys)
	c.command = func(args []string) *exec.Cmd { return exec.Command(exporter, args...) }
	c.file = filepath.Join(t.TempDir(), "exporter.yml")
	c.writeKey()
	if f.prepare != nil {
		f.prepare(c)
	}
	c.writeConfig()
	return c
}

// must reports an error of the test itself.
func (c *cell) must(err error) {
	c.Helper()
	if err != nil {
		c.Error(err)
	}
}

func (c *cell) write(path, text string) {
	c.Helper()
	c.must(os.WriteFile(path, []byte(text), 0o600))
}

// writeKey writes the key to the files that the account names.
func (c *cell) writeKey() {
	c.Helper()
	for name, secret := range map[string]string{"id": c.key.ID, "secret": c.key.Secret, "token": c.key.Token} {
		c.write(filepath.Join(c.keys, name), secret+"\n")
	}
}

// rotateKey replaces the key, first at the API, then in the files.
func (c *cell) rotateKey() {
	c.Helper()
	c.key.ID, c.key.Secret, c.key.Token = c.key.ID+"next", c.key.Secret+"Next", c.key.Token+"Next"
	c.world.setKey(c.key)
	c.writeKey()
}

// writeConfig writes a configuration whose account differs from the last one, so that a reload replaces it.
func (c *cell) writeConfig() {
	c.Helper()
	c.reloads++
	c.config = fmt.Sprintf("accounts:\n- {name: main, endpoint: %q, usage_delay: %dh, credentials: %s}\n%s",
		c.endpoint, c.reloads, c.credentials, c.more)
	c.write(c.file, c.config)
}

// start starts the program.
func (c *cell) start() {
	c.Helper()
	address := cmp.Or(c.listen, "127.0.0.1:0")
	args := []string{"--config.file=" + c.file, "--web.listen-address=" + address, "--web.enable-lifecycle"}
	for name, value := range map[string]string{
		"log.level": "debug", "cache.ttl": "0s", "api.timeout": "3s", "refresh.timeout": "15s", "api.max-retries": "1",
		"scrape.timeout-offset": "5s", "collector.task-info": "100", "api.rate-limit": fmt.Sprint(c.rate),
	} {
		args = append(args, "--"+name+"="+cmp.Or(c.flags[name], value))
	}
	if c.webConfig != "" {
		args = append(args, "--web.config.file="+c.webConfig)
	}
	command := c.command(args)
	command.Env = append(command.Env, c.env...)
	c.program = program.Start(c, command)
	if c.launched != nil {
		c.launched()
	}
	if c.listen == "" {
		address = c.program.Stderr.Await(c, program.Listening)
	}
	c.mu.Lock()
	c.address = "http://" + address
	c.mu.Unlock()
	for began := time.Now(); c.listen != ""; {
		if _, _, err := c.get(c.Context(), http.MethodGet, "/-/healthy", nil); err == nil {
			return
		} else if time.Since(began) > patience {
			c.Fatal(err)
		}
	}
}

// get gets a page, which must not show a secret.
func (c *cell) get(ctx context.Context, method, path string, header http.Header) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, method, c.address+path, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	maps.Copy(request.Header, c.header)
	maps.Copy(request.Header, header)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	c.expectNoSecrets(fmt.Sprintln(path, resp.StatusCode, resp.Header) + string(text))
	return resp.StatusCode, string(text), err
}

func timeoutHeader(seconds string) http.Header {
	return http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {seconds}}
}

// scrape scrapes like Prometheus, which gives up after its timeout. What the page says must be true.
func (c *cell) scrape() page {
	c.Helper()
	if c.oddTimeouts.Load() {
		odd := oddTimeouts[c.scrapes.Add(1)%int64(len(oddTimeouts))]
		return c.scrapeWith(timeoutHeader(odd))
	}
	return c.scrapeWith(timeoutHeader(fmt.Sprint(scrapeTimeout.Seconds())))
}

// glance scrapes without waiting for a refresh.
func (c *cell) glance() page {
	c.Helper()
	return c.scrapeWith(timeoutHeader("0.001"))
}

// scrapeWith scrapes with a header, for as long as scrapeTimeout.
func (c *cell) scrapeWith(header http.Header) page {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), scrapeTimeout)
	defer cancel()
	status, text, err := c.get(ctx, http.MethodGet, "/metrics", header)
	if late := c.fault.late && errors.Is(err, context.DeadlineExceeded); !late && (err != nil ||
		status != http.StatusOK) {
		c.Errorf("I1: a scrape is not answered within %s: status %d, %v", scrapeTimeout, status, err)
	}
	p := parsePage(text)
	if err == nil {
		c.judge(p)
	}
	return p
}

func (c *cell) judge(p page) {
	c.Helper()
	for _, wrong := range c.world.model.wrong(p) {
		c.Errorf("I2: %s", wrong)
	}
}

// scrapeUntil scrapes until a page has what a test waits for.
func (c *cell) scrapeUntil(what string, has func(page) bool) page {
	c.Helper()
	for began := time.Now(); ; {
		p := c.scrape()
		if has(p) {
			return p
		}
		if c.program.HasEnded() {
			c.Fatalf("I1: the program has ended")
		}
		if time.Since(began) > patience {
			c.Fatalf("%s: not within %s:\n%s", what, patience, aboutMain(p.text))
		}
	}
}

// unimportant matches samples that explain no failure.
var unimportant = regexp.MustCompile(` 0\n$|task_info|_bucket|limit_|duration|newest_|month_|build_info|rate_limit_wait`)

// aboutMain returns the lines of a page that a report needs.
func aboutMain(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") && strings.HasPrefix(line, "alicdn_export_") &&
			!unimportant.MatchString(line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// scrapeAtOnce lets 50 scrapers in at once. A fifth of them is canceled; all others must be answered.
func (c *cell) scrapeAtOnce() {
	c.Helper()
	var scrapers sync.WaitGroup
	for n := range 50 {
		scrapers.Go(func() {
			if n%5 != 0 {
				c.scrape()
				return
			}
			ctx, cancel := context.WithTimeout(c.Context(), rand.N(500*time.Millisecond))
			defer cancel()
			_, text, err := c.get(ctx, http.MethodGet, "/metrics", timeoutHeader("10"))
			if err == nil {
				c.judge(parsePage(text))
			} else if !errors.Is(err, context.DeadlineExceeded) {
				c.Errorf("I1: a scrape is not answered: %v", err)
			}
		})
	}
	scrapers.Wait()
}

// reload reloads the configuration. It must succeed, while the API does not answer as well. Where connections are
// served late, it is a signal.
func (c *cell) reload() {
	c.Helper()
	if c.fault.late {
		const loaded = "Configuration loaded"
		n := strings.Count(c.program.Stderr.String(), loaded)
		c.program.Signal(syscall.SIGHUP)
		c.program.Stderr.Await(c, fmt.Sprintf("(?s)(?:%s.*){%d}", loaded, n+1))
		return
	}
	ctx, cancel := context.WithTimeout(c.Context(), drainTimeout)
	defer cancel()
	if status, text, err := c.get(ctx, http.MethodPost, "/-/reload", nil); err != nil || status != http.StatusOK {
		c.Errorf("I1: a reload answers with status %d, %v: %s", status, err, text)
	}
}

// isWell reports whether a page shows the list as it is, read after a moment.
func (c *cell) isWell(p page, since time.Time) bool {
	began, ok := p.snapshot()
	return p.up() && ok && !began.Before(since) && maps.Equal(p.tasks(), c.world.model.current()) &&
		p.values["config_last_reload_successful"] == 1
}
