package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// load is the memory, in bytes, that a daemon with many accounts needs for scrapers.
type load struct {
	// Idle is the resident memory before. The others are the growth to the peak during scrapes at once,
	// during scrapes by clients that do not read, and during requests whose header does not end.
	Idle, Scrapers, Unread, Headers int64
	// Size is the size of one response in bytes, as plain text.
	Size int
}

// measureLoad measures a new daemon for each kind of scrapers.
func measureLoad(ctx context.Context, p plan, progress io.Writer) (load, error) {
	api, err := startAPI(ctx, apiSpec{Sizes: []int{p.FleetTasks}, Latency: p.Latency})
	if err != nil {
		return load{}, err
	}
	defer api.stop()
	program, err := build(ctx, api.folder)
	if err != nil {
		return load{}, err
	}
	file := filepath.Join(api.folder, "accounts.yml")
	if err := os.WriteFile(file, []byte(fleetConfig(p.Load.Accounts)), 0o600); err != nil {
		return load{}, err
	}
	var l load
	for _, kind := range []struct {
		growth *int64
		what   string
		n      int
		scrape func(ctx context.Context, n int, address string) error
	}{
		{&l.Scrapers, "scrapes at once", p.Load.Scrapers, scrapeInRounds},
		{&l.Unread, "clients that do not read", p.Load.Unread, scrapeUnread},
		{&l.Headers, "headers that do not end", p.Load.Headers, sendHeaders},
	} {
		_, _ = fmt.Fprintf(progress, "the daemon with %d accounts: %s\n", p.Load.Accounts, kind.what)
		running, err := startDaemon(ctx, program, api.Plain[p.FleetTasks], fleetEnvironment(p.Load.Accounts),
			"--config.file="+file, "--cache.ttl=1h", "--cache.max-stale=2h")
		if err != nil {
			return l, err
		}
		*kind.growth, err = l.measure(ctx, p, running, func(address string) error { return kind.scrape(ctx, kind.n, address) })
		running.stop()
		if err != nil {
			return l, fmt.Errorf("%s: %w", kind.what, err)
		}
	}
	return l, nil
}

// measure waits until a daemon has read all accounts, and returns how much its memory grows during
// scrapes.
func (l *load) measure(
	ctx context.Context, p plan, running *process, scrapes func(address string) error,
) (growth int64, err error) {
	client := newScraper(1)
	if _, err := scrapeUntilRefreshed(ctx, client, running.url, p.Load.Accounts, 1, func() {}); err != nil {
		return 0, err
	}
	var size byteCounter
	if err := scrape(ctx, client, running.url, plain, &size); err != nil {
		return 0, err
	}
	client.CloseIdleConnections()
	l.Size = int(size)
	process := strconv.Itoa(running.cmd.Process.Pid)
	if l.Idle, err = memoryOf(process, "VmRSS"); err != nil {
		return 0, err
	}
	if err := os.WriteFile("/proc/"+process+"/clear_refs", []byte("5"), 0); err != nil { // Resets the peak.
		return 0, err
	}
	if err := scrapes(running.url); err != nil {
		return 0, err
	}
	peak, err := peakMemory(process)
	return peak - l.Idle, err
}

// scrapeInRounds scrapes with n clients at once, several times. Half of the clients accept gzip.
func scrapeInRounds(ctx context.Context, n int, address string) error {
	client := newScraper(n)
	defer client.CloseIdleConnections()
	for range 5 {
		var round sync.WaitGroup
		failed := make(chan error, n)
		for i := range n {
			header := plain
			if i%2 == 0 {
				header = asPrometheus
			}
			round.Go(func() { failed <- scrape(ctx, client, address, header, io.Discard) })
		}
		round.Wait()
		for range n {
			if err := <-failed; err != nil {
				return err
			}
		}
	}
	return nil
}

// scrapeUnread makes n scrapes at once that read one byte of the response and no more. Then another
// client must be served.
func scrapeUnread(ctx context.Context, n int, address string) error {
	connections, err := sendAll(ctx, n, address, "\r\n")
	defer closeAll(connections)
	if err != nil {
		return err
	}
	for _, connection := range connections {
		if _, err := connection.Read(make([]byte, 1)); err != nil {
			return err
		}
	}
	client := newScraper(1)
	defer client.CloseIdleConnections()
	return scrape(ctx, client, address, plain, io.Discard)
}

// sendHeaders makes n requests with 60 kB of a header that does not end. Then another client must be
// served.
func sendHeaders(ctx context.Context, n int, address string) error {
	connections, err := sendAll(ctx, n, address, "X-Long: "+strings.Repeat("x", 60_000))
	defer closeAll(connections)
	if err != nil {
		return err
	}
	client := newScraper(1)
	defer client.CloseIdleConnections()
	return scrape(ctx, client, address, plain, io.Discard)
}

// sendAll sends the beginning of a scrape and the text on each of n connections. That the server refuses
// the text is no error.
func sendAll(ctx context.Context, n int, address, text string) ([]net.Conn, error) {
	target, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: time.Second, Control: smallReceiveBuffer}
	var connections []net.Conn
	for range n {
		connection, err := dialer.DialContext(ctx, "tcp", target.Host)
		if err != nil {
			return connections, err
		}
		connections = append(connections, connection)
		_, _ = fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: %s\r\n%s", target.Path, target.Host, text)
	}
	return connections, nil
}

func closeAll(connections []net.Conn) {
	for _, connection := range connections {
		_ = connection.Close()
	}
}

// smallReceiveBuffer keeps a connection's data out of the kernel's buffers.
func smallReceiveBuffer(_, _ string, connection syscall.RawConn) error {
	var failed error
	err := connection.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
	})
	return errors.Join(err, failed)
}

func printLoad(out io.Writer, p plan, l load) {
	title := fmt.Sprintf("Memory for scrapers, %d accounts, %d kB of plain text", p.Load.Accounts, l.Size/1000)
	table(out, title, [][]string{
		{"situation", "memory"},
		{"idle", megabytes(l.Idle)},
		{fmt.Sprintf("%d scrapers at once, half of them with gzip", p.Load.Scrapers), "+" + megabytes(l.Scrapers)},
		{fmt.Sprintf("%d clients that do not read", p.Load.Unread), "+" + megabytes(l.Unread)},
		{fmt.Sprintf("%d connections with 60 kB of a header that does not end", p.Load.Headers), "+" + megabytes(l.Headers)},
	})
}
