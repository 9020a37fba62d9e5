package scenario

import (
	"fmt"
	"regexp"
	"strings"

	"alicdn_export_exporter/internal/simulator"
)

// usage is a format. Its arguments are the scenario's name, the URL, the scenario's description, the
// address, the program, and the two keys.
const usage = `Serving the scenario %[1]q at %[2]s: %[3]s

The exporter's key may only list exports. In another terminal:

  export ALIBABA_CLOUD_ACCESS_KEY_ID=%[6]s ALIBABA_CLOUD_ACCESS_KEY_SECRET=%[7]s
  %[5]s check --api.endpoint=%[2]s
  %[5]s --api.endpoint=%[2]s

A person's key may also create and delete exports, with Alibaba Cloud's command line. In a third terminal:

  export ALIBABA_CLOUD_ACCESS_KEY_ID=%[8]s ALIBABA_CLOUD_ACCESS_KEY_SECRET=%[9]s
  aliyun cdn DescribeUserUsageDataExportTask --region cn-hangzhou --endpoint %[4]s --insecure

The commands that check prints need the same three options.
`

// Usage returns how people can use the server: its two keys, and shell commands that use
// them. args0 is the name by which the exporter was started.
func (s *Server) Usage(args0 string) string {
	return fmt.Sprintf(usage, s.scenario.Name, s.URL(), s.scenario.Description, s.address, program(args0),
		simulator.DefaultAccessKeyID, simulator.DefaultAccessKeySecret,
		simulator.PersonAccessKeyID, simulator.PersonAccessKeySecret)
}

var (
	// "go run" starts a program that it has just linked, or one from Go's build cache.
	goRun = regexp.MustCompile(`/go-build[0-9]*/b001/exe/[^/]+$|/[0-9a-f]{2}/[0-9a-f]{64}-d/[^/]+$`)
	plain = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)
)

// program returns the shell command that starts the program again.
func program(args0 string) string {
	switch {
	case goRun.MatchString(args0):
		return "go run ."
	case plain.MatchString(args0):
		return args0
	default:
		return "'" + strings.ReplaceAll(args0, "'", `'\''`) + "'"
	}
}
