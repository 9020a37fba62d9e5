package docs_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a command may take.
const patience = 5 * time.Minute

// Every block with the language sh is run with bash, from the root of a copy of the repository, as a reader would. The
// blocks of a page are one session: they are run in their order, and exported variables remain. The info after sh says
// what to expect:
//
//   - sh: the commands succeed.
//   - sh exit=2: the last command exits with this status.
//   - sh background: the command serves until the reader ends it. The next block begins once it listens.
func TestCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs for minutes")
	}
	t.Parallel()
	program := buildProgram(t)
	for _, p := range readPages(t) {
		var blocks []example
		for _, e := range p.examples() {
			if strings.HasPrefix(e.info, "sh") && !outside.MatchString(e.code) {
				blocks = append(blocks, e)
			}
		}
		if len(blocks) == 0 {
			continue
		}
		t.Run(p.path, func(t *testing.T) {
			t.Parallel()
			session := newSession(t, program)
			for _, block := range blocks {
				if err := session.run(block); err != nil {
					t.Fatalf("%s: %v\n\n%s", block.where(), err, block.code)
				}
			}
		})
	}
}

// buildProgram builds the exporter and returns its folder.
func buildProgram(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir, ".")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	return dir
}

// session is what a reader of a page has: a copy of the repository, an environment, and programs that run.
type session struct {
	t     *testing.T
	dir   string // the copy of the repository
	env   []string
	ports *strings.Replacer // replaces the ports in the documentation by free ones
}

// newSession copies the files that git knows.
func newSession(t *testing.T, program string) *session {
	t.Helper()
	tools, err := filepath.Abs(filepath.Join(root, ".tools"))
	if err != nil {
		t.Fatal(err)
	}
	dir, home := t.TempDir(), t.TempDir()
	exporter, simulator := freePort(t), freePort(t)
	s := &session{
		t: t, dir: dir,
		ports: strings.NewReplacer("10077", exporter, "10078", simulator,
			"localhost:9090", "localhost:"+freePort(t), "localhost:9093", "localhost:"+freePort(t),
			"localhost:5001", "localhost:"+freePort(t)),
		env: []string{
			"PATH=" + program + ":" + tools + ":" + os.Getenv("PATH"),
			"HOME=" + home,
			"GOCACHE=" + goEnv(t, "GOCACHE"), "GOMODCACHE=" + goEnv(t, "GOMODCACHE"), "GOFLAGS=" + goEnv(t, "GOFLAGS"),
			"GOPROXY=" + goEnv(t, "GOPROXY"), "GOSUMDB=" + goEnv(t, "GOSUMDB"),
			"ALICDN_EXPORT_EXPORTER_WEB_LISTEN_ADDRESS=127.0.0.1:" + exporter,
			"ALICDN_EXPORT_EXPORTER_ADDRESS=127.0.0.1:" + simulator,
			"ALIBABA_CLOUD_ECS_METADATA_DISABLED=true",
		},
	}
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	files, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(files), "\x00"), "\x00") {
		s.copy(name)
	}
	return s
}

// copy copies a file of the repository. In configuration files it replaces the ports.
func (s *session) copy(name string) {
	s.t.Helper()
	from, to := filepath.Join(root, name), filepath.Join(s.dir, name)
	info, err := os.Stat(from)
	if err != nil || info.IsDir() { // The file was deleted, but git still lists it; or it is a link to a folder.
		return
	}
	content, err := os.ReadFile(from)
	if err != nil {
		s.t.Fatal(err)
	}
	if extension := filepath.Ext(name); extension == ".yml" || extension == ".yaml" {
		content = []byte(s.ports.Replace(string(content)))
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(to, content, info.Mode()); err != nil {
		s.t.Fatal(err)
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	value, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(value))
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// listening matches what the programs print when they listen.
var listening = regexp.MustCompile(`Listening on|Serving the scenario|Server is ready to receive web requests`)

// run runs a block and compares its end with the block's info.
func (s *session) run(block example) error {
	s.t.Helper()
	// The variables of the session are in a file.
	variables := filepath.Join(s.dir, ".variables")
	script := fmt.Sprintf("[ ! -e '%s' ] || . '%s'\ntrap 'export -p > %s' EXIT\n%s",
		variables, variables, variables, s.ports.Replace(block.code))
	output := new(output)
	command := exec.Command("bash", "-euo", "pipefail", "-c", script)
	command.Dir, command.Env = s.dir, s.env
	command.Stdout, command.Stderr = output, output
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.WaitDelay = time.Second
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // ProcessState has the exit status.
		close(ended)
	}()
	end := func() {
		group := -command.Process.Pid
		_ = syscall.Kill(group, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = syscall.Kill(group, syscall.SIGKILL)
			<-ended
		}
	}

	_, expectation, _ := strings.Cut(block.info, " ")
	if expectation == "background" {
		s.t.Cleanup(end)
		return output.await(listening, ended)
	}
	want := 0
	if expectation != "" {
		var err error
		if want, err = strconv.Atoi(strings.TrimPrefix(expectation, "exit=")); err != nil {
			return fmt.Errorf("unknown info %q", block.info)
		}
	}
	select {
	case <-ended:
	case <-time.After(patience):
		end()
		return fmt.Errorf("no end after %s\n%s", patience, output)
	}
	if status := command.ProcessState.ExitCode(); status != want {
		return fmt.Errorf("exit status %d, want %d\n%s", status, want, output)
	}
	return nil
}

// output collects what a program prints.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

// await waits until the output matches, or the program has ended.
func (o *output) await(pattern *regexp.Regexp, ended <-chan struct{}) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(patience)
	for !pattern.MatchString(o.String()) {
		select {
		case <-ticker.C:
		case <-ended:
			return fmt.Errorf("it ended\n%s", o)
		case <-timeout:
			return fmt.Errorf("it does not listen after %s\n%s", patience, o)
		}
	}
	return nil
}

func TestSession(t *testing.T) {
	t.Parallel()
	s := &session{t: t, dir: t.TempDir(), env: []string{"PATH=" + os.Getenv("PATH")}, ports: strings.NewReplacer("10077", "7")}
	for _, block := range []example{
		{info: "sh", code: "export PORT=10077\n"},
		{info: "sh", code: `[ "$PORT" = 7 ]` + "\n"},
		{info: "sh exit=3", code: "exit 3\n"},
		{info: "sh background", code: "echo Listening on; sleep 60\n"},
	} {
		if err := s.run(block); err != nil {
			t.Errorf("%s %s: %v", block.info, block.code, err)
		}
	}
	for _, block := range []example{
		{info: "sh", code: "false\ntrue\n"},
		{info: "sh", code: "false | true\n"},
		{info: "sh exit=2", code: "true\n"},
		{info: "sh exit=2", code: "exit 1\n"},
		{info: "sh often", code: "true\n"},
		{info: "sh background", code: "true\n"},
	} {
		if err := s.run(block); err == nil {
			t.Errorf("%s %s: no error", block.info, block.code)
		}
	}
}
