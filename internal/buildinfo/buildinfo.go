// Package buildinfo completes the variables of package version.
package buildinfo

import (
	"cmp"
	"runtime/debug"
	"strings"

	"github.com/prometheus/common/version"
)

// SetVersion sets the variables of package version that the linker flags of the Makefile
// did not set: Version to the version that the go command recorded in the program, the
// others to "unknown". Revision stays empty if version.GetRevision finds it itself.
//
// "go build" records the version of the repository, such as 1.2.3, or 1.2.3+dirty if files
// were changed. "go run" records none: then Version is "devel".
func SetVersion() {
	info, _ := debug.ReadBuildInfo()
	version.Version = cmp.Or(version.Version, moduleVersion(info))
	for _, variable := range []*string{&version.Branch, &version.BuildUser, &version.BuildDate} {
		*variable = cmp.Or(*variable, "unknown")
	}
}

// moduleVersion returns the version of the program's module, without the "v" of Go's
// versions. info may be nil.
func moduleVersion(info *debug.BuildInfo) string {
	if info == nil || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}
