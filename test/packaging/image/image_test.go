// Package image builds the container image with buildah, from base images made on this machine, and runs it as its user.
//
// What this cannot prove: that the Dockerfile's real base images exist and suit it (their certificates, their user, their
// platforms), and that a container runtime admits the image. The release workflow does that.
package image

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// root is the root of the repository.
const root = "../../.."

// maxBytes is the greatest size of all files of the image.
const maxBytes = 25_000_000

// These are the build arguments of the image under test.
const (
	version  = "1.2.3-test"
	revision = "0123456789abcdef0123456789abcdef01234567"
	created  = "2026-11-01T02:03:04Z"
	source   = "https://code.example/alicdn_export_exporter"
)

const program = "usr/local/bin/alicdn_export_exporter"

func TestImage(t *testing.T) {
	b := newBuilder(t)
	b.makeBases()
	b.buildah("build", "--isolation=chroot", "--pull=never", "--tag=image",
		// The modules that this machine has downloaded take the place of a module proxy.
		"--volume="+strings.TrimSpace(output(t, "go", "env", "GOMODCACHE"))+"/cache/download:/modules:ro",
		"--build-arg=GOPROXY=file:///modules", "--build-arg=GO_IMAGE=localhost/go", "--build-arg=BASE_IMAGE=localhost/base",
		"--build-arg=TARGETOS=linux", "--build-arg=TARGETARCH="+strings.TrimSpace(output(t, "go", "env", "GOARCH")),
		"--build-arg=VERSION="+version, "--build-arg=REVISION="+revision, "--build-arg=BUILD_DATE="+created,
		"--build-arg=SOURCE="+source, root)
	files := b.mount("image")

	t.Run("adds only the program and its license to the base", func(t *testing.T) {
		added := listFiles(t, files)
		for path := range listFiles(t, b.mount("base")) {
			delete(added, path)
		}
		if got, want := slices.Sorted(maps.Keys(added)), []string{"licenses/LICENSE", program}; !slices.Equal(got, want) {
			t.Errorf("the image adds %q, want %q", got, want)
		}
	})
	t.Run("is small", func(t *testing.T) {
		var bytes int64
		for _, size := range listFiles(t, files) {
			bytes += size
		}
		t.Logf("%.1f MB", float64(bytes)/1e6)
		if bytes > maxBytes {
			t.Errorf("the files have %d bytes, want at most %d", bytes, maxBytes)
		}
	})
	t.Run("has a static program", func(t *testing.T) {
		file, err := elf.Open(filepath.Join(files, program))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		libraries, err := file.ImportedLibraries()
		if err != nil || len(libraries) > 0 {
			t.Errorf("the program needs %q, %v", libraries, err)
		}
		for _, segment := range file.Progs {
			if segment.Type == elf.PT_INTERP {
				t.Error("the program needs a dynamic linker")
			}
		}
	})
	t.Run("says who, what and how", func(t *testing.T) { checkConfig(t, b.config("image")) })
	t.Run("prints its version", func(t *testing.T) {
		stdout, err := inImage(t.Context(), files, "--version").Output()
		want := "alicdn_export_exporter, version " + version + " (branch: unknown, revision: " + revision + ")\n"
		if err != nil || !strings.HasPrefix(string(stdout), want) {
			t.Errorf("got %q, %v, want it to begin with %q", stdout, err, want)
		}
	})
	t.Run("serves, and exits with 0 after SIGTERM", func(t *testing.T) { checkDemo(t, files) })
}

// checkConfig checks what a container runtime reads: user, command, port, labels.
func checkConfig(t *testing.T, config imageConfig) {
	t.Helper()
	if config.User != "65532:65532" {
		t.Errorf("the user is %q, want 65532:65532", config.User)
	}
	if want := []string{"/" + program}; !slices.Equal(config.Entrypoint, want) || len(config.Cmd) > 0 {
		t.Errorf("the command is %q %q, want %q", config.Entrypoint, config.Cmd, want)
	}
	if _, ok := config.ExposedPorts["10077/tcp"]; !ok || len(config.ExposedPorts) != 1 {
		t.Errorf("the ports are %v, want 10077/tcp", config.ExposedPorts)
	}
	for key, want := range map[string]string{
		"title": "alicdn_export_exporter", "licenses": "Apache-2.0", "version": version, "revision": revision,
		"created": created, "source": source, "url": source, "documentation": source, "base.name": "localhost/base",
		"description": "Prometheus exporter for the usage export tasks of Alibaba Cloud CDN",
		"vendor":      "The alicdn_export_exporter authors", "authors": "The alicdn_export_exporter authors",
	} {
		if got := config.Labels["org.opencontainers.image."+key]; got != want {
			t.Errorf("the label %s is %q, want %q", key, got, want)
		}
	}
}

var listening = regexp.MustCompile(`msg="Listening on" .*address=(127\.0\.0\.1:\d+)`)

// checkDemo starts the demo from the image, scrapes it, and ends it.
func checkDemo(t *testing.T, files string) {
	t.Helper()
	command := inImage(t.Context(), files, "--demo", "--web.listen-address=127.0.0.1:0")
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	var address string
	for chunk := make([]byte, 4096); address == ""; {
		n, err := stderr.Read(chunk)
		log.Write(chunk[:n])
		if found := listening.FindSubmatch(log.Bytes()); found != nil {
			address = string(found[1])
		} else if err != nil {
			t.Fatalf("%v, %v, log:\n%s", err, command.Wait(), log.Bytes())
		}
	}
	metrics := get(t, "http://"+address+"/metrics")
	for _, want := range []string{
		`alicdn_export_build_info{.*revision="` + revision + `".*version="` + version + `"} 1`, `alicdn_export_up{.*} 1`,
	} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(metrics) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	get(t, "http://"+address+"/-/healthy")
	get(t, "http://"+address+"/-/ready")
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(&log, stderr)
	if err := command.Wait(); err != nil {
		t.Errorf("%v, log:\n%s", err, log.Bytes())
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v\n%s", url, response.Status, err, body)
	}
	return string(body)
}

// inImage returns a command that runs the image's program on the image's files, as the image's user: without
// capabilities, and without the right to write to any of them.
func inImage(ctx context.Context, files string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "/"+program, args...)
	command.Path, command.Err = "/"+program, nil // In files, not on this machine.
	command.Dir = "/"
	command.Env = []string{"ALIBABA_CLOUD_ECS_METADATA_DISABLED=true"}
	command.SysProcAttr = &syscall.SysProcAttr{
		Chroot: files, Credential: &syscall.Credential{Uid: 65532, Gid: 65532, Groups: []uint32{}},
	}
	command.WaitDelay = 10 * time.Second
	return command
}

// listFiles returns the sizes of the files below a directory, by their relative path.
func listFiles(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	sizes := make(map[string]int64)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		sizes[relative] = info.Size()
		return err
	})
	if err != nil || len(sizes) == 0 {
		t.Fatalf("%s has %d files, %v", dir, len(sizes), err)
	}
	return sizes
}

// output returns what a command prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	command := exec.Command(name, args...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdout, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s\n%s", command, err, stdout, stderr.Bytes())
	}
	return string(stdout)
}

// imageConfig is the part of an image's configuration that this test reads.
type imageConfig struct {
	User            string
	Entrypoint, Cmd []string
	ExposedPorts    map[string]struct{}
	Labels          map[string]string
}

func (b *builder) config(image string) imageConfig {
	b.t.Helper()
	var inspected struct {
		OCIv1 struct {
			Config imageConfig `json:"config"`
		}
	}
	if err := json.Unmarshal([]byte(b.buildah("inspect", "--type=image", image)), &inspected); err != nil {
		b.t.Fatal(err)
	}
	return inspected.OCIv1.Config
}
