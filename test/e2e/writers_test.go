package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"alicdn_export_exporter/internal/credentials/credentialstest"
	"alicdn_export_exporter/test/internal/program"
)

// startWith starts the exporter with this stdout and stderr.
func startWith(t *testing.T, stdout, stderr *os.File, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.Command(exporter, args...)
	command.Env = []string{"HOME=" + t.TempDir(), "GORACE=atexit_sleep_ms=0"}
	command.Stdout, command.Stderr = stdout, stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill() })
	return command
}

// waitFor waits until a program exits.
func waitFor(t *testing.T, command *exec.Cmd) syscall.WaitStatus {
	t.Helper()
	kill := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
	defer kill.Stop()
	_ = command.Wait()
	return command.ProcessState.Sys().(syscall.WaitStatus)
}

// freeAddress returns an address on which a program can probably listen.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// A log that cannot be written must not end the program.
func TestLogThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	expectAlive := func(t *testing.T, p *exec.Cmd, address string) {
		t.Helper()
		for range 3 { // Each writes log lines.
			if err := p.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			if resp := do(t, http.MethodPost, address+"/-/reload"); resp.status != http.StatusOK {
				t.Errorf("reload: status %d", resp.status)
			}
			scrape(t, address)
		}
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		signaled := time.Now()
		if status := waitFor(t, p); !status.Exited() || status.ExitStatus() != 0 || time.Since(signaled) > drainTimeout {
			t.Errorf("it ended with %#x after %s, want exit status 0 within %s", status, time.Since(signaled), drainTimeout)
		}
	}
	flags := []string{"--demo", "--log.level=debug", "--web.enable-lifecycle", "--cache.ttl=0s"}

	for name, listen := range map[string]func(*testing.T) (reader io.ReadCloser, writer *os.File){
		"a pipe": func(t *testing.T) (io.ReadCloser, *os.File) {
			reader, writer, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			return reader, writer
		},
		"a socket": func(t *testing.T) (io.ReadCloser, *os.File) {
			pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
			if err != nil {
				t.Fatal(err)
			}
			return os.NewFile(uintptr(pair[0]), "reader"), os.NewFile(uintptr(pair[1]), "writer")
		},
	} {
		t.Run(name+" whose reader goes away", func(t *testing.T) {
			t.Parallel()
			reader, writer := listen(t)
			p := startWith(t, writer, writer, append(flags, "--web.listen-address=127.0.0.1:0")...)
			_ = writer.Close()
			pattern := regexp.MustCompile(program.Listening)
			var address string
			for lines := bufio.NewScanner(reader); address == "" && lines.Scan(); {
				if match := pattern.FindStringSubmatch(lines.Text()); match != nil {
					address = "http://" + match[1]
				}
			}
			_ = reader.Close()
			expectAlive(t, p, address)
		})
	}

	t.Run("a full disk", func(t *testing.T) {
		t.Parallel()
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip(err)
		}
		defer full.Close()
		address := freeAddress(t)
		p := startWith(t, full, full, append(flags, "--web.listen-address="+address)...)
		awaitServing(t, address)
		expectAlive(t, p, "http://"+address)
	})

	t.Run("the output of check", func(t *testing.T) {
		t.Parallel()
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = reader.Close()
		p := startWith(t, writer, writer, "check", "--demo")
		_ = writer.Close()
		if status := waitFor(t, p); !status.Exited() {
			t.Errorf("it ended with signal %v", status.Signal())
		}
	})
}

// awaitServing waits until a program accepts connections.
func awaitServing(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if connection, err := net.Dial("tcp", address); err == nil {
			_ = connection.Close()
			return
		}
	}
	t.Fatal("the program does not listen")
}

// Go's own logger prints the bytes of a connection that belong to no response. They may hold secrets.
func TestStrayBytes(t *testing.T) {
	t.Parallel()
	const page = `{"UsageDataPerPage":{"PageNumber":1,"TotalCount":0}}`
	stray := strings.Repeat("CanaryStray ", 20)
	for name, response := range map[string]string{
		"a Content-Length that is too short": fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s", len(page), page, stray),
		"a second answer": fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%sHTTP/1.1 200 OK\r\nX-Secret: %s\r\n\r\n",
			len(page), page, stray),
		"a body where none may be": "HTTP/1.1 204 No Content\r\n\r\n" + stray,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := serveBytes(t, response)
			p, address := serve(t, keyEnv(defaultKey), "--api.endpoint="+api, "--log.level=debug", "--cache.ttl=0s")
			var shown string
			for range 3 {
				shown += scrape(t, address) + shownBy(t, http.MethodGet, address+"/", "*/*")
			}
			p.Stop()
			expectHidden(t, shown+p.Stderr.String()+p.Stdout.String(), "Canary")
			_, stdout, stderr := run(t, keyEnv(defaultKey), "check", "--api.endpoint="+api)
			expectHidden(t, stdout+stderr, "Canary")
		})
	}

	t.Run("of a key service", func(t *testing.T) {
		t.Parallel()
		key := fmt.Sprintf(`{"AccessKeyId":%q,"AccessKeySecret":%q,"SecurityToken":%q,"Expiration":"2999-01-01T00:00:00Z"}`,
			canary.ID, canary.Secret, canary.Token)
		uri := serveBytes(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s", len(key), key, key))
		api := serveHandler(t, newEmptyAPI(canary))
		file := writeFile(t, "exporter.yml", "accounts: [{endpoint: %q, credentials: {type: credentials_uri, uri: %q}}]", api, uri)
		p, address := serve(t, nil, "--config.file="+file, "--log.level=debug", "--cache.ttl=0s")
		page := scrape(t, address)
		p.Stop()
		if up(page, "default") != "1" {
			t.Errorf("the key was not used:\n%s", page)
		}
		expectHidden(t, page+p.Stderr.String()+p.Stdout.String(), canary.ID, canary.Secret, canary.Token)
	})

	t.Run("of a program that gives keys", func(t *testing.T) {
		t.Parallel()
		home := t.TempDir()
		profile := `{"current":"default","profiles":[{"name":"default","mode":"External","process_command":"echo CanarySecret"}]}`
		if err := os.MkdirAll(home+"/.aliyun", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(home+"/.aliyun/config.json", []byte(profile), 0o600); err != nil {
			t.Fatal(err)
		}
		env := []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
		status, stdout, stderr := run(t, env, "check", "--api.endpoint="+serveHandler(t, newEmptyAPI(credentialstest.Key{})))
		if status != 1 || !strings.Contains(stdout, "the CLI profile") {
			t.Errorf("exit status %d:\n%s%s", status, stdout, stderr)
		}
		expectHidden(t, stdout+stderr, "Canary")
	})
}

// serveBytes answers every request on every connection with these bytes, and returns the server's URL.
func serveBytes(t *testing.T, response string) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				for requests := bufio.NewReader(connection); ; {
					if request, err := http.ReadRequest(requests); err != nil || request.Body.Close() != nil {
						return
					}
					if _, err := io.WriteString(connection, response); err != nil {
						return
					}
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}
