// Command bench measures the time, CPU and memory that the exporter needs to read long lists and to serve scrapes. It
// compares reading with the loops that a user of the official SDKs would write. It prints Markdown.
// docs/dev/benchmarks.md contains the last full run and explains it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	if child, ok := os.LookupEnv(childVariable); ok {
		os.Exit(runChild(child, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the command and returns its exit status.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	quick := flags.Bool("quick", false, "measure short lists for a short time, to test the benchmark itself")
	accounts := flags.Bool("accounts", false, "measure only daemons with many accounts")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	plan := fullPlan()
	if *quick {
		plan = quickPlan()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	measure := report
	if *accounts {
		measure = reportFleets
	}
	_, _ = fmt.Fprintf(stdout, "%s.\n", machine())
	if err := measure(ctx, plan, stdout, stderr); err != nil {
		_, _ = fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// report makes all measurements in the plan and prints the results.
func report(ctx context.Context, p plan, out, progress io.Writer) error {
	if err := reportFleets(ctx, p, out, progress); err != nil {
		return err
	}
	api, err := startAPI(ctx, apiSpec{Sizes: p.Sizes[:], Latency: p.Latency})
	if err != nil {
		return err
	}
	defer api.stop()
	listings, err := measureListings(ctx, p, api, progress)
	if err != nil {
		return err
	}
	printListings(out, p, listings)
	protocols, err := measureProtocols(ctx, p, api, progress)
	if err != nil {
		return err
	}
	printProtocols(out, p, protocols)
	daemon, err := measureDaemon(ctx, p, api, progress)
	if err != nil {
		return err
	}
	scrapes, err := measureHandler(ctx, p, api, progress)
	if err != nil {
		return err
	}
	printDaemon(out, p, daemon, scrapes)
	load, err := measureLoad(ctx, p, progress)
	if err != nil {
		return err
	}
	printLoad(out, p, load)
	printGoals(out, goals(p, listings, daemon, scrapes, load))
	_, _ = fmt.Fprintf(out, "\nLoad average afterwards: %s.\n", loadAverage())
	return nil
}

// reportFleets makes the measurements of daemons with many accounts and prints the results.
func reportFleets(ctx context.Context, p plan, out, progress io.Writer) error {
	fleets, err := measureFleets(ctx, p, progress)
	if err != nil {
		return err
	}
	printFleets(out, p, fleets)
	return nil
}
