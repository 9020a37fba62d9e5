package e2e_test

import "testing"

func TestAccounts(t *testing.T) {
	t.Parallel()
	t.Run("do not affect each other", func(t *testing.T) {
		t.Parallel()
		_, healthy := serveScenario(t, "healthy")
		_, denied := serveScenario(t, "denied")
		_, down := serveScenario(t, "outage")
		file := writeFile(t, "exporter.yml", `accounts:
- {name: healthy, endpoint: %q}
- {name: denied, endpoint: %q, exports: [usage, usage_detail]}
- {name: down, endpoint: %q, time_zone: UTC}
`, healthy, denied, down)
		_, address := serve(t, keyEnv(defaultKey), "--config.file="+file, "--api.max-retries=0")
		expectSamples(t, scrape(t, address), map[string]string{
			`up{account="healthy",export="usage"}`:                                                        "1",
			`tasks{account="healthy",export="usage",status="failed"}`:                                     "1",
			`refresh_failures_total{account="healthy",export="usage"}`:                                    "0",
			`up{account="denied",export="usage"}`:                                                         "0",
			`up{account="denied",export="usage_detail"}`:                                                  "0",
			`up{account="healthy",export="usage_detail"}`:                                                 "",
			`api_errors_total{account="denied",class="denied",code="NoPermission",export="usage"}`:        "1",
			`api_errors_total{account="healthy",class="denied",code="NoPermission",export="usage"}`:       "0",
			`up{account="down",export="usage"}`:                                                           "0",
			`refresh_failures_total{account="down",export="usage"}`:                                       "1",
			`api_errors_total{account="healthy",class="server",code="ServiceUnavailable",export="usage"}`: "0",
		})
	})
	t.Run("start without a key", func(t *testing.T) {
		t.Parallel()
		_, endpoint := serveScenario(t, "healthy")
		file := writeFile(t, "exporter.yml", "accounts: [{name: a, endpoint: %q}]", endpoint)
		_, address := serve(t, nil, "--config.file="+file)
		expectSamples(t, scrape(t, address), map[string]string{
			`up{account="a",export="usage"}`: "0",
			`api_errors_total{account="a",class="credentials",code="credentials",export="usage"}`: "1",
		})
	})
}
