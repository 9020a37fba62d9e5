package monitoring

import (
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/test/internal/program"
)

// daemon is the running program, and how to run its check command with the same flags.
type daemon struct {
	url   string
	flags []string
}

// startDaemon starts the program. It reads its lists on each scrape.
func startDaemon(t *testing.T, flags ...string) daemon {
	t.Helper()
	flags = append(flags, "--cache.ttl=1ms", "--api.rate-limit=100")
	process := startProgram(t, append(flags, "--web.listen-address=127.0.0.1:0")...)
	return daemon{"http://" + process.Stderr.Await(t, program.Listening), flags}
}

// startProgram starts the program with a key that may only list tasks.
func startProgram(t *testing.T, args ...string) *program.Process {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, args...)
	command.Env = []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID=" + simulator.DefaultAccessKeyID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + simulator.DefaultAccessKeySecret,
	}
	return program.Start(t, command)
}

// configure writes a configuration file and returns the flag that names it.
func configure(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yml")
	write(t, file, content)
	return "--config.file=" + file
}

// get returns the body of a response. A scrape waits until all lists are read.
func (e daemon) get(t *testing.T, path string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "60")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v\n%s", path, response.Status, err, body)
	}
	return string(body)
}

// check runs the check command on some accounts, or on all. It returns its exit status and output.
func (e daemon) check(t *testing.T, args ...string) (status int, output string) {
	t.Helper()
	process := startProgram(t, slices.Concat([]string{"check"}, args, e.flags)...)
	status = process.Wait()
	if text := process.Stderr.String(); text != "" {
		t.Errorf("check %q writes to stderr:\n%s", args, text)
	}
	return status, process.Stdout.String()
}

// document is what the tests read of the JSON.
type document struct {
	State    string
	Accounts []struct {
		Account, State string
		Problems       []problem
		Exports        []struct {
			Export, State string
			Problems      []problem
		}
	}
}

type problem struct {
	Kind, Alert, Subject string
	Commands             []struct{ Command string }
}

func parseDocument(t *testing.T, text string) document {
	t.Helper()
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	return d
}

// alerts returns the alerts that correspond to the problems.
func (d document) alerts() []string {
	found := make(map[string]bool)
	for _, account := range d.Accounts {
		for _, p := range account.Problems {
			found[p.name(account.Account, "")] = true
		}
		for _, export := range account.Exports {
			for _, p := range export.Problems {
				found[p.name(account.Account, export.Export)] = true
			}
		}
	}
	return sortedKeys(found)
}

// name returns the account, the export, the alert and, if the alert has a label for it, the expectation or the month.
func (p problem) name(account, export string) string {
	switch p.Kind {
	case "overdue", "month_missing":
		return strings.Join([]string{account, export, p.Alert, p.Subject}, " ")
	default:
		return strings.Join([]string{account, export, p.Alert, ""}, " ")
	}
}

// commands returns the commands of an account, each once.
func (d document) commands(account string) []string {
	var all []string
	for _, a := range d.Accounts {
		for _, export := range a.Exports {
			for _, p := range export.Problems {
				for _, c := range p.Commands {
					if a.Account == account && c.Command != "" && !slices.Contains(all, c.Command) {
						all = append(all, c.Command)
					}
				}
			}
		}
	}
	return all
}
