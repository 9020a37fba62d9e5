package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/check"
	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/simulator"
)

// firstKeyTimeout bounds the search for a key when the program starts.
const firstKeyTimeout = 10 * time.Second

// account is the one account that the flags and the file describe, at work.
type account struct {
	endpoint    string
	credentials apiclient.CredentialsProvider
	client      *apiclient.Client
	watched     collector.Account
	close       func()
}

// newAccount also starts the simulated API where the flags ask for it.
func newAccount(ctx context.Context, flags *config.Flags, metrics *collector.APIMetrics, logger log.Logger) (*account, error) {
	var known []string
	for _, export := range apiclient.Exports() {
		known = append(known, string(export))
	}
	settings, err := flags.Account(known)
	if err != nil {
		return nil, err
	}
	a := &account{endpoint: settings.Endpoint, close: func() {}}
	if a.watched, err = watch(settings); err != nil {
		return nil, err
	}
	if flags.Demo {
		if err := a.startDemo(ctx); err != nil {
			return nil, err
		}
	} else if err := a.findCredentials(ctx, logger); err != nil {
		return nil, err
	}
	client, err := apiclient.New(apiclient.Config{
		Endpoint:    a.endpoint,
		Credentials: a.credentials,
		Timeout:     flags.APITimeout,
		RateLimit:   settings.RateLimit,
		Concurrency: flags.Concurrency,
		MaxRetries:  flags.MaxRetries,
		MaxTasks:    flags.MaxTasks,
		UserAgent:   name + "/" + version.Version,
		Observer:    metrics.Observer(settings.Name, a.watched.Exports, logger),
	})
	if err != nil {
		a.close()
		return nil, fmt.Errorf("account %s: %w", settings.Name, err)
	}
	a.client, a.watched.Client = client, client
	stop := a.close
	a.close = func() { client.Close(); stop() }
	return a, nil
}

// watch translates settings, which are valid already, into what the collector wants.
func watch(settings config.Account) (collector.Account, error) {
	zone, err := time.LoadLocation(settings.TimeZone)
	if err != nil {
		return collector.Account{}, err
	}
	watched := collector.Account{Name: settings.Name, TimeZone: zone}
	for _, export := range settings.Exports {
		watched.Exports = append(watched.Exports, apiclient.Export(export))
	}
	for _, e := range settings.Expectations {
		export := apiclient.Export(e.Export)
		if !slices.Contains(watched.Exports, export) {
			return collector.Account{}, fmt.Errorf("the expectation %q is about the export %s, which is not watched", e.Name, export)
		}
		pattern, patternErr := e.Pattern()
		grace, graceErr := e.GracePeriod()
		since, sinceErr := e.Begin(zone)
		if err := errors.Join(patternErr, graceErr, sinceErr); err != nil {
			return collector.Account{}, err
		}
		watched.Expectations = append(watched.Expectations, collector.Expectation{
			Name: e.Name, Export: export, TaskName: pattern, Every: collector.Every(e.Every), Grace: grace, Since: since,
		})
	}
	return watched, nil
}

// findCredentials refuses to start where nothing at all can give a key; a source
// that is there but fails may recover, which is what up is for.
func (a *account) findCredentials(ctx context.Context, logger log.Logger) error {
	if slices.Contains(strings.Split(os.Getenv("DEBUG"), ","), "credential") {
		return errors.New("DEBUG=credential makes the credentials library print secrets: unset it")
	}
	a.credentials = apiclient.NewDefaultChain()
	ctx, cancel := context.WithTimeout(ctx, firstKeyTimeout)
	defer cancel()
	_, err := a.credentials.Credentials(ctx)
	switch {
	case err == nil:
	case !apiclient.KeySourceConfigured():
		return fmt.Errorf("%w: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or try --demo", err)
	default:
		_ = level.Warn(logger).Log("msg", "Starting without a key, it is tried again with each refresh", "err", err)
	}
	return nil
}

// startDemo serves a simulated account on a loopback port: all of the way to the
// API is the real one.
func (a *account) startDemo(ctx context.Context) error {
	api, err := simulator.Scenario("healthy", simulator.Options{})
	if err != nil {
		return err
	}
	address, closeServer, err := serveHTTP(ctx, "127.0.0.1:0", api)
	if err != nil {
		return err
	}
	a.endpoint = "http://" + address
	a.close = closeServer
	a.credentials = apiclient.StaticCredentials{
		AccessKeyID:     simulator.DefaultAccessKeyID,
		AccessKeySecret: simulator.DefaultAccessKeySecret,
		Provider:        "the demo",
	}
	return nil
}

// serveSimulator serves a scenario until the context ends.
func serveSimulator(ctx context.Context, scenario, address string, out io.Writer) error {
	api, err := simulator.Scenario(scenario, simulator.Options{})
	if err != nil {
		return err
	}
	served, closeServer, err := serveHTTP(ctx, address, api)
	if err != nil {
		return err
	}
	defer closeServer()
	_, err = fmt.Fprintf(out, `Serving the scenario %q. In another terminal:

  export ALIBABA_CLOUD_ACCESS_KEY_ID=%s ALIBABA_CLOUD_ACCESS_KEY_SECRET=%s
  %s --api.endpoint=http://%s
`, scenario, simulator.DefaultAccessKeyID, simulator.DefaultAccessKeySecret, os.Args[0], served)
	<-ctx.Done()
	return err
}

func serveHTTP(ctx context.Context, address string, handler http.Handler) (served string, closeServer func(), err error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // Always http.ErrServerClosed: nothing else ends it.
	}()
	return listener.Addr().String(), func() { _ = server.Close(); <-ended }, nil
}

// runCheck tries the account.
func runCheck(ctx context.Context, flags *config.Flags, out io.Writer) error {
	account, err := newAccount(ctx, flags, collector.NewAPIMetrics(), log.NewNopLogger())
	if err != nil {
		return err
	}
	defer account.close()
	ctx, cancel := context.WithTimeout(ctx, flags.RefreshTimeout)
	defer cancel()
	if !check.Run(ctx, out, check.Config{
		Account:     account.watched,
		Endpoint:    account.endpoint,
		Credentials: account.credentials,
		Client:      account.client,
		Now:         time.Now(),
	}) {
		return errors.New("not all is right, see above")
	}
	return nil
}
