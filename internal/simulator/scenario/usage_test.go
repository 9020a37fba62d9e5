package scenario

import (
	"strings"
	"testing"

	"alicdn_export_exporter/internal/simulator"
)

func TestUsage(t *testing.T) {
	for args0, want := range map[string]string{
		"alicdn_export_exporter":                                 "alicdn_export_exporter",
		"./alicdn_export_exporter":                               "./alicdn_export_exporter",
		"/opt/my tools/alicdn_export_exporter":                   "'/opt/my tools/alicdn_export_exporter'",
		"/opt/it's/exporter":                                     `'/opt/it'\''s/exporter'`,
		"/tmp/go-build134976301/b001/exe/alicdn_export_exporter": "go run .",
		"/cache/f6/f6c8dd6d4430bd012d9056c593bed40f67d2a7bb07a4533a35430cac566b8a8b-d/alicdn_export_exporter": "go run .",
	} {
		s, err := Find("stuck")
		if err != nil {
			t.Fatal(err)
		}
		server := &Server{scenario: s, address: "127.0.0.1:10078"}
		text := server.Usage(args0)
		var commands []string
		for line := range strings.Lines(text) {
			if command, ok := strings.CutPrefix(line, "  "); ok {
				commands = append(commands, strings.TrimSuffix(command, "\n"))
			}
		}
		wantCommands := []string{
			"export ALIBABA_CLOUD_ACCESS_KEY_ID=" + simulator.DefaultAccessKeyID +
				" ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + simulator.DefaultAccessKeySecret,
			want + " check --api.endpoint=http://127.0.0.1:10078",
			want + " --api.endpoint=http://127.0.0.1:10078",
			"export ALIBABA_CLOUD_ACCESS_KEY_ID=" + simulator.PersonAccessKeyID +
				" ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + simulator.PersonAccessKeySecret,
			"aliyun cdn DescribeUserUsageDataExportTask --region cn-hangzhou --endpoint 127.0.0.1:10078 --insecure",
		}
		if got := strings.Join(commands, "\n"); got != strings.Join(wantCommands, "\n") {
			t.Errorf("started as %s, the commands are:\n%s\nwant\n%s", args0, got, strings.Join(wantCommands, "\n"))
		}
		if strings.Contains(text, "%!") || !strings.Contains(text, s.Description) {
			t.Errorf("usage:\n%s", text)
		}
	}
}

func TestHelp(t *testing.T) {
	help := Help()
	for _, s := range All() {
		alerts := "No alert."
		if len(s.Alerts) > 0 {
			alerts = "Alerts: " + strings.Join(s.Alerts, ", ") + "."
		}
		if want := " " + s.Description + " " + alerts + "\n"; !strings.Contains(help, "\n  "+s.Name+" ") || !strings.Contains(help, want) {
			t.Errorf("the help lacks a line with %s and %q:\n%s", s.Name, want, help)
		}
	}
}

func TestReachable(t *testing.T) {
	for bound, want := range map[string]string{
		"[::]:10078":      "127.0.0.1:10078",
		"0.0.0.0:10078":   "127.0.0.1:10078",
		"[::1]:10078":     "[::1]:10078",
		"127.0.0.2:10078": "127.0.0.2:10078",
	} {
		if got := reachable(bound); got != want {
			t.Errorf("a listener on %s is reached at %s, want %s", bound, got, want)
		}
	}
}
