package image

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// builder runs buildah with a storage of its own, which is removed at the end of the test.
type builder struct {
	t       *testing.T
	storage []string // buildah's flags for the storage
}

func newBuilder(t *testing.T) *builder {
	t.Helper()
	dir := t.TempDir()
	b := &builder{t: t, storage: []string{"--storage-driver=vfs", "--root=" + dir + "/root", "--runroot=" + dir + "/run"}}
	t.Cleanup(func() { b.buildah("unmount", "--all") })
	return b
}

// buildah runs a command of buildah and returns what it prints.
func (b *builder) buildah(args ...string) string {
	b.t.Helper()
	return output(b.t, "buildah", slices.Concat(b.storage, args)...)
}

// from creates a container of an image and returns its name.
func (b *builder) from(image string) string {
	b.t.Helper()
	return strings.TrimSpace(b.buildah("from", "--pull=never", image))
}

// mount returns the directory with the files of an image.
func (b *builder) mount(image string) string {
	b.t.Helper()
	return strings.TrimSpace(b.buildah("mount", b.from(image)))
}

// makeBases makes stand-ins for the images that the Dockerfile builds upon: localhost/go, with this machine's Go and
// the programs that "make build" needs, and localhost/base, with the files that distroless's static image has.
func (b *builder) makeBases() {
	b.t.Helper()
	goroot := strings.TrimSpace(output(b.t, "go", "env", "GOROOT"))
	var paths []string
	for _, name := range []string{"bin", "pkg", "src", "lib", "go.env", "VERSION"} {
		paths = append(paths, filepath.Join(goroot, name))
	}
	for _, program := range []string{"/bin/bash", "/bin/sh", "/usr/bin/make", "/usr/bin/date", "/usr/bin/id"} {
		paths = append(paths, program)
		paths = append(paths, regexp.MustCompile(`/\S+`).FindAllString(output(b.t, "ldd", program), -1)...)
	}
	b.commit("go", paths, "--env=PATH="+goroot+"/bin:/usr/bin:/bin", "--env=GOTOOLCHAIN=local", "--env=HOME=/root")
	b.commit("base", []string{"/etc/ssl/certs/ca-certificates.crt"}, "--user=65532")
}

// commit makes an image of files of this machine, and an empty /tmp.
func (b *builder) commit(image string, paths []string, config ...string) {
	b.t.Helper()
	archive := filepath.Join(b.t.TempDir(), "files.tar")
	for i, path := range paths {
		paths[i] = strings.TrimPrefix(path, "/")
	}
	slices.Sort(paths)
	output(b.t, "tar", append([]string{"--create", "--dereference", "--file=" + archive, "--directory=/"},
		slices.Compact(paths)...)...)
	container := b.from("scratch")
	b.buildah("add", container, archive, "/")
	b.buildah("add", container, b.t.TempDir(), "/tmp")
	b.buildah(slices.Concat([]string{"config"}, config, []string{container})...)
	b.buildah("commit", "--quiet", container, "localhost/"+image)
	b.buildah("rm", container)
}
