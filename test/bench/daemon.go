package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// daemon is the result for the complete program.
type daemon struct {
	// Peak is its peak resident memory in bytes after refreshes of the long list.
	Peak        int64
	ColdScrapes coldScrapes
	Served      []served
	// ServingCalls is the number of API calls while cached scrapes were served.
	ServingCalls int
}

// measureDaemon builds the program and measures two runs of it: one refreshes a long list while it is
// scraped; the other receives many scrapes at once before it has a snapshot.
func measureDaemon(ctx context.Context, p plan, api *apiServer, progress io.Writer) (daemon, error) {
	var d daemon
	_, _ = io.WriteString(progress, "the daemon: build, refreshes of the long list\n")
	program, err := build(ctx, api.folder)
	if err != nil {
		return d, err
	}
	if d.Peak, err = refreshes(ctx, p, api, program); err != nil {
		return d, fmt.Errorf("refreshes: %w", err)
	}
	_, _ = io.WriteString(progress, "the daemon: many scrapes at once, cached scrapes\n")
	size := p.Sizes[medium]
	running, err := startDaemon(ctx, program, api.Plain[size], nil,
		append(unlimited, "--cache.ttl=1h", "--cache.max-stale=2h")...)
	if err != nil {
		return d, err
	}
	defer running.stop()
	if _, err := api.taken(ctx, size, 0); err != nil {
		return d, err
	}
	if d.ColdScrapes, err = scrapeAtOnce(ctx, p.ColdScrapes, running.url); err != nil {
		return d, err
	}
	taken, err := api.taken(ctx, size, 0)
	if err != nil {
		return d, err
	}
	d.ColdScrapes.calls = taken.Count
	if d.Served, err = serve(ctx, "daemon", running.url, running.cmd.Process.Pid, p.Serving); err != nil {
		return d, err
	}
	taken, err = api.taken(ctx, size, 0)
	d.ServingCalls = taken.Count
	return d, err
}

// build builds the program like a release and returns its path.
func build(ctx context.Context, folder string) (string, error) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "alicdn_export_exporter")
	list.Stderr = os.Stderr
	module, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("finding the program's module: %w", err)
	}
	program := filepath.Join(folder, "alicdn_export_exporter")
	directory := strings.TrimSpace(string(module))
	//nolint:gosec // No argument comes from outside.
	compile := exec.CommandContext(ctx, "go", "build", "-C", directory, "-trimpath", "-ldflags=-s -w",
		"-o", program, ".")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	compile.Stderr = os.Stderr
	if err := compile.Run(); err != nil {
		return "", fmt.Errorf("building the program: %w", err)
	}
	return program, nil
}

// process is a running daemon.
type process struct {
	cmd *exec.Cmd
	url string
}

// listening matches the log line with the daemon's address.
var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// unlimited are flags with limits that do not slow the daemon down.
var unlimited = []string{"--api.rate-limit=1000", "--api.concurrency=16"}

func startDaemon(
	ctx context.Context, program, api string, environment []string, flags ...string,
) (*process, error) {
	flags = append([]string{"--web.listen-address=127.0.0.1:0", "--api.endpoint=" + api}, flags...)
	cmd := exec.CommandContext(ctx, program, flags...) //nolint:gosec // It is the program that was just built.
	cmd.Env = append(cleanEnvironment(),
		"ALIBABA_CLOUD_ACCESS_KEY_ID="+key.AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET="+string(key.AccessKeySecret))
	cmd.Env = append(cmd.Env, environment...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			p.url = "http://" + found[1] + "/metrics"
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return p, nil
		}
		_, _ = fmt.Fprintln(os.Stderr, lines.Text())
	}
	p.stop()
	return nil, errors.New("the daemon did not start")
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

// refreshes scrapes a daemon until it has refreshed the long list several times, and returns its peak
// memory in bytes. Each refresh compares the list with the previous one.
func refreshes(ctx context.Context, p plan, api *apiServer, program string) (int64, error) {
	running, err := startDaemon(ctx, program, api.Plain[p.Sizes[long]], nil, append(unlimited, "--cache.ttl=1s")...)
	if err != nil {
		return 0, err
	}
	defer running.stop()
	client := newScraper(1)
	for {
		found, err := samples(ctx, client, running.url)
		if err != nil {
			return 0, err
		}
		label := `{account="default",export="usage"}`
		if found["alicdn_export_refresh_failures_total"+label] != "0" {
			return 0, errors.New("a refresh failed")
		}
		ended, err := strconv.Atoi(found["alicdn_export_refreshes_total"+label])
		if err != nil {
			return 0, err
		}
		if ended >= p.Refreshes {
			return peakMemory(strconv.Itoa(running.cmd.Process.Pid))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// coldScrapes is the result of many scrapes at once: the number of scrapes that were served with a snapshot,
// the number that was canceled, and the number of API calls.
type coldScrapes struct{ served, canceled, calls int }

// scrapeAtOnce makes n scrapes at once and cancels every tenth soon after.
func scrapeAtOnce(ctx context.Context, n int, url string) (coldScrapes, error) {
	var (
		mu     sync.Mutex
		c      coldScrapes
		failed error
		done   sync.WaitGroup
	)
	client := newScraper(n)
	defer client.CloseIdleConnections()
	for i := range n {
		done.Go(func() {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			if i%10 == 0 {
				time.AfterFunc(time.Second/10, cancel)
			}
			found, err := samples(ctx, client, url)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, context.Canceled):
				c.canceled++
			case err != nil:
				failed = err
			case found[`alicdn_export_up{account="default",export="usage"}`] == "1":
				c.served++
			}
		})
	}
	done.Wait()
	return c, failed
}
