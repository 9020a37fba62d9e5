package main

import (
	"io"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"

	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/simulator/scenario"
)

// commandLine is all that the arguments and the environment can say.
type commandLine struct {
	app               *kingpin.Application
	flags             *config.Flags
	check, simulate   *kingpin.CmdClause
	scenario, address *string // of simulate
}

func newCommandLine(stdout io.Writer) *commandLine {
	app := kingpin.New(name, "Prometheus exporter for the usage export tasks of Alibaba Cloud CDN.").
		DefaultEnvars().Version(version.Print(name)).UsageWriter(stdout)
	app.HelpFlag.Short('h')
	for _, what := range []string{"help", "help-long", "help-man", "version", "completion-bash", "completion-script-bash", "completion-script-zsh"} {
		app.GetFlag(what).NoEnvar() // They print something instead of serving.
	}
	l := &commandLine{app: app, flags: config.AddFlags(app)}
	app.Command("serve", "Serve the metrics. The default.").Default()
	l.check = app.Command("check", "Try the configuration, the credentials, one page of each list and the clock; say what is wrong.")
	l.simulate = app.Command("simulate", "Serve a simulated API, to try the exporter without an account.")
	l.scenario = l.simulate.Flag("scenario", "What happens there: "+strings.Join(scenario.Names(), ", ")+".").
		Default("healthy").String()
	l.address = l.simulate.Flag("address", "Where it listens.").Default("127.0.0.1:10078").String()
	return l
}
