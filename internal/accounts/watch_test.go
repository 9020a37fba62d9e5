package accounts_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	one    = "accounts: [{name: a}]"
	two    = "accounts: [{name: a}, {name: b}]"
	broken = "accounts: [{nam: a}]"
)

// watch runs test in fake time while the file of f is watched. The file first contains one.
func watch(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, one)
		if err := f.Reload(f.collector); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			f.Watch(ctx, f.collector)
			close(done)
		}()
		defer func() {
			cancel()
			<-done
		}()
		f.expectReloads(1, 0)
		test(t, f)
	})
}

// expectReloads checks how often the log says that the configuration was loaded, or that it could not be.
func (f *fixture) expectReloads(loaded, failed int) {
	f.t.Helper()
	synctest.Wait()
	log := f.log.String()
	gotLoaded, gotFailed := strings.Count(log, `msg="Configuration loaded"`), strings.Count(log, `msg="Reload failed`)
	if gotLoaded != loaded || gotFailed != failed {
		f.t.Errorf("%d times loaded and %d times failed, want %d and %d:\n%s", gotLoaded, gotFailed, loaded, failed, log)
	}
}

func TestWatch(t *testing.T) {
	t.Run("loads a changed file within 30 seconds", func(t *testing.T) {
		for _, offset := range []time.Duration{0, 1, 5 * time.Second, 10*time.Second - 1, 10 * time.Second} {
			watch(t, func(_ *testing.T, f *fixture) {
				time.Sleep(offset)
				f.write(two)
				time.Sleep(30 * time.Second)
				f.expectReloads(2, 0)
				f.expect("1")
				if !strings.Contains(f.log.String(), "accounts=2 added_or_changed=1") {
					f.t.Errorf("log:\n%s", f.log.String())
				}
			})
		}
	})

	// Kubernetes mounts a ConfigMap like this: config.yml → ..data/config.yml, ..data → a directory, which is
	// replaced.
	t.Run("loads a file behind a replaced symbolic link", func(t *testing.T) {
		watch(t, func(t *testing.T, f *fixture) {
			dir := filepath.Dir(f.path)
			link := func(target, name string) {
				if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			rename := func(from, to string) {
				if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
					t.Fatal(err)
				}
			}
			publish := func(version, content string) {
				if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
					t.Fatal(err)
				}
				name := filepath.Join(dir, version, filepath.Base(f.path))
				if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				link(version, "..data_tmp")
				rename("..data_tmp", "..data")
			}
			publish("..1", one)
			link(filepath.Join("..data", filepath.Base(f.path)), "link")
			rename("link", filepath.Base(f.path))
			time.Sleep(time.Minute)
			f.expectReloads(1, 0) // The content is the same.
			publish("..2", two)
			time.Sleep(30 * time.Second)
			f.expectReloads(2, 0)
		})
	})

	t.Run("tries a broken file once and changes nothing", func(t *testing.T) {
		watch(t, func(_ *testing.T, f *fixture) {
			f.write(broken)
			time.Sleep(time.Hour)
			f.expectReloads(1, 1)
			f.expect("0")
			f.write(broken + " # still")
			time.Sleep(time.Hour)
			f.expectReloads(1, 2)
			if err := os.Remove(f.path); err != nil {
				f.t.Fatal(err)
			}
			time.Sleep(time.Hour)
			f.expectReloads(1, 3)
			f.expect("0")
			f.write(one) // The content that was loaded last.
			time.Sleep(30 * time.Second)
			f.expectReloads(2, 3)
			f.expect("1")
			if !strings.Contains(f.log.String(), "accounts=1 added_or_changed=0 removed_or_changed=0") {
				f.t.Errorf("the account was not kept:\n%s", f.log.String())
			}
		})
	})

	t.Run("does not load half of a file", func(t *testing.T) {
		watch(t, func(_ *testing.T, f *fixture) {
			time.Sleep(10*time.Second - 1)
			f.write("accounts:\n- {name: a}\n")
			time.Sleep(2 * time.Nanosecond) // Watch has seen the first half.
			f.write("accounts:\n- {name: a}\n- {name: b}\n- {name: c}\n")
			time.Sleep(30 * time.Second)
			f.expectReloads(2, 0)
			if !strings.Contains(f.log.String(), "accounts=3 added_or_changed=2 removed_or_changed=0") {
				f.t.Errorf("log:\n%s", f.log.String())
			}
		})
	})

	t.Run("leaves a file alone that something else has loaded, or that is only touched", func(t *testing.T) {
		watch(t, func(_ *testing.T, f *fixture) {
			f.write(two)
			if err := f.Reload(f.collector); err != nil {
				f.t.Fatal(err)
			}
			time.Sleep(time.Minute)
			f.write(two)
			time.Sleep(time.Minute)
			f.expectReloads(2, 0)
			f.write(broken)
			if err := f.Reload(f.collector); err == nil {
				f.t.Error("a broken file was loaded")
			}
			time.Sleep(time.Minute)
			f.expectReloads(2, 1)
		})
	})
}
