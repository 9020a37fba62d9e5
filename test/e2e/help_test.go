package e2e_test

import (
	"strings"
	"testing"
)

func TestHelp(t *testing.T) {
	t.Parallel()
	for args, wants := range map[string][]string{
		"--help": {
			"usage: alicdn_export_exporter", "--cache.ttl=50s", "$ALICDN_EXPORT_EXPORTER_CACHE_TTL", "check", "simulate", "serve",
		},
		"-h":              {"usage: alicdn_export_exporter"},
		"help":            {"usage: alicdn_export_exporter"},
		"check --help":    {"usage: alicdn_export_exporter check"},
		"simulate --help": {"--scenario", "forgotten-month"},
		"--version":       {"alicdn_export_exporter, version devel (branch: unknown, revision: unknown)\n", "go version"},
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := run(t, nil, strings.Fields(args)...)
			if status != 0 || stderr != "" {
				t.Errorf("exit status %d, want 0; stderr %q", status, stderr)
			}
			for _, want := range wants {
				if !strings.Contains(stdout, want) {
					t.Errorf("stdout lacks %q:\n%s", want, stdout)
				}
			}
		})
	}
}

func TestEnvironmentVariables(t *testing.T) {
	t.Parallel()
	t.Run("exist for every flag except --help and --version", func(t *testing.T) {
		t.Parallel()
		_, help, _ := run(t, []string{"COLUMNS=1000"}, "--help-long")
		for _, flag := range programFlags(t) {
			variable := "ALICDN_EXPORT_EXPORTER_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag.name))
			want := flag.name != "help" && flag.name != "version"
			if got := strings.Contains(help, "($"+variable+")"); got != want {
				t.Errorf("--%s has the variable %s: %t, want %t", flag.name, variable, got, want)
			}
		}
	})
	t.Run("cannot trigger --help or --version", func(t *testing.T) {
		t.Parallel()
		// Kubernetes could set such variables for services that are called like the program.
		env := []string{"ALICDN_EXPORT_EXPORTER_HELP=true", "ALICDN_EXPORT_EXPORTER_VERSION=1.2.3"}
		if _, stdout, _ := run(t, env, "check", "--demo"); !strings.HasPrefix(stdout, "This is a demo") {
			t.Errorf("stdout:\n%s", stdout)
		}
	})
}
