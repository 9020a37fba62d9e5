package accounts

import (
	"context"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/coverage"
	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/scenario"
)

// demo holds the simulated accounts of --demo. Each has an API on a loopback port, which
// its client calls over HTTP, like the real API.
type demo struct {
	servers  []*scenario.Server
	accounts []config.Account
}

// demoCredentials are what the accounts of the demo use instead of real ones.
var demoCredentials = apiclient.StaticCredentials{
	AccessKeyID:     simulator.DefaultAccessKeyID,
	AccessKeySecret: simulator.DefaultAccessKeySecret,
	Provider:        "the demo",
}

func startDemo(ctx context.Context, flags *config.Flags) (*demo, error) {
	d := new(demo)
	for _, s := range scenario.Demo() {
		if err := d.add(ctx, s, flags); err != nil {
			d.close()
			return nil, err
		}
	}
	return d, nil
}

// add starts a scenario and adds its account.
func (d *demo) add(ctx context.Context, s scenario.Scenario, flags *config.Flags) error {
	server, err := s.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.servers = append(d.servers, server)
	account := flags.Account
	account.Name = s.Name
	if account.Endpoint, err = apiclient.ParseEndpoint(server.URL()); err != nil {
		return err
	}
	account.Since = coverage.Date{Year: 2026, Month: time.January, Day: 1}
	if s.Name == "demo-fine" && flags.Given("collector.exports") == "" {
		account.Exports = apiclient.Exports()
	}
	for _, export := range account.Exports {
		expected, err := demoExpectation(export)
		if err != nil {
			return err
		}
		account.Expectations = append(account.Expectations, expected)
	}
	d.accounts = append(d.accounts, account)
	return nil
}

// demoExpectation returns the expectation of the demo's accounts for an export.
func demoExpectation(export apiclient.Export) (coverage.Expectation, error) {
	e := coverage.Expectation{Name: "monthly bill", Export: export, Every: coverage.Month, Grace: coverage.Duration(72 * time.Hour)}
	pattern := `usage-\d{4}-\d{2}`
	if export == apiclient.UsageDetail {
		e.Name, pattern = "monthly traffic details", `detail-flow-\d{4}-\d{2}`
	}
	return e, e.TaskName.UnmarshalText([]byte(pattern))
}

func (d *demo) close() {
	for _, server := range d.servers {
		server.Close()
	}
}
