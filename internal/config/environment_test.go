package config_test

import (
	"testing"

	"github.com/alecthomas/kingpin/v2"
	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/internal/config"
)

// newApp returns an application with the flags. It has parsed its arguments.
func newApp() (*kingpin.Application, error) {
	app := kingpin.New("alicdn_export_exporter", "").DefaultEnvars()
	config.AddFlags(app)
	app.Command("simulate", "").Flag("scenario", "").String()
	_, err := app.Parse([]string{"simulate"})
	return app, err
}

func TestUnknownVariables(t *testing.T) {
	app, err := newApp()
	if err != nil {
		t.Fatal(err)
	}
	const prefix = "ALICDN_EXPORT_EXPORTER_"
	got := config.UnknownVariables(app, []string{
		"HOME=/root", "ALICDN_EXPORT_EXPORTER=x", "OTHER_" + prefix + "X=y",
		prefix + "API_ENDPOINT=a", prefix + "SCENARIO=b", prefix + "WEB_LISTEN_ADDRESS=c", // Those of flags.
		prefix + "API_ENDPIONT=Canary", prefix + "CACHE_TTL_SECONDS=60", prefix + "COLOR=",
		// A Service with the name alicdn-export-exporter, and one with a longer name.
		prefix + "SERVICE_HOST=10.0.0.1", prefix + "SERVICE_PORT=10077", prefix + "SERVICE_PORT_HTTP_METRICS=10077",
		prefix + "PORT=tcp://10.0.0.1:10077", prefix + "PORT_10077_TCP=tcp://10.0.0.1:10077",
		prefix + "PORT_10077_TCP_PROTO=tcp", prefix + "PORT_10077_TCP_PORT=10077", prefix + "PORT_10077_TCP_ADDR=10.0.0.1",
		prefix + "METRICS_SERVICE_HOST=10.0.0.1", prefix + "METRICS_PORT_53_UDP_ADDR=10.0.0.1",
		prefix + "PORT_NUMBER=1",
	})
	if diff := cmp.Diff([]config.UnknownVariable{
		{prefix + "API_ENDPIONT", prefix + "API_ENDPOINT"},
		{prefix + "CACHE_TTL_SECONDS", ""},
		{prefix + "COLOR", ""},
		{prefix + "PORT_NUMBER", ""},
	}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestCheckBooleans(t *testing.T) {
	const prefix = "ALICDN_EXPORT_EXPORTER_"
	t.Setenv(prefix+"LOG_LEVEL", "yes")
	for _, value := range []string{"true", "0", ""} {
		t.Setenv(prefix+"DEMO", value)
		app, err := newApp()
		if err != nil || config.CheckBooleans(app) != nil {
			t.Errorf("%q: %v, %v", value, err, config.CheckBooleans(app))
		}
	}
	for value, want := range map[string]string{"yes": `(got "yes")`, "on": `(got "on")`, "2": `(got "2")`} {
		for flag, variable := range map[string]string{
			"demo": "DEMO", "web.enable-lifecycle": "WEB_ENABLE_LIFECYCLE", "web.systemd-socket": "WEB_SYSTEMD_SOCKET",
		} {
			t.Run(flag+"="+value, func(t *testing.T) {
				t.Setenv(prefix+variable, value)
				app, err := newApp()
				want := "--" + flag + " (" + prefix + variable + "): must be true or false " + want
				if got := config.CheckBooleans(app); err == nil || got == nil || got.Error() != want {
					t.Errorf("%v, want %s", got, want)
				}
			})
		}
	}
}
