package buildinfo

import (
	"runtime/debug"
	"testing"

	"github.com/prometheus/common/version"
)

func TestModuleVersion(t *testing.T) {
	t.Parallel()
	for recorded, want := range map[string]string{
		"v1.2.3":                             "1.2.3",
		"v1.2.3+dirty":                       "1.2.3+dirty",
		"v0.0.0-20261128034658-8898f453d1a2": "0.0.0-20261128034658-8898f453d1a2",
		"(devel)":                            "devel",
		"":                                   "devel",
	} {
		if got := moduleVersion(&debug.BuildInfo{Main: debug.Module{Version: recorded}}); got != want {
			t.Errorf("%q: got %q, want %q", recorded, got, want)
		}
	}
	t.Run("of a program without build information", func(t *testing.T) {
		t.Parallel()
		if got := moduleVersion(nil); got != "devel" {
			t.Errorf("got %q, want devel", got)
		}
	})
}

func TestSetVersion(t *testing.T) {
	stamps := []*string{&version.Version, &version.Branch, &version.BuildUser, &version.BuildDate}
	set := func(value string) {
		for _, stamp := range stamps {
			*stamp = value
		}
	}
	t.Cleanup(func() { set("") })
	t.Run("keeps what the linker set", func(t *testing.T) {
		set("stamped")
		SetVersion()
		for _, stamp := range stamps {
			if *stamp != "stamped" {
				t.Errorf("got %q, want stamped", *stamp)
			}
		}
	})
	t.Run("leaves nothing empty", func(t *testing.T) {
		set("")
		SetVersion()
		for i, stamp := range stamps {
			if *stamp == "" {
				t.Errorf("variable %d is empty", i)
			}
		}
	})
}
