package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/coverage"
)

// firstKeyTimeout bounds the search for a key when the program starts.
const firstKeyTimeout = 10 * time.Second

// account is one account at work.
type account struct {
	settings    config.Account // that it was made from
	endpoint    string
	credentials apiclient.CredentialsProvider
	client      *apiclient.Client
	watched     collector.Account
}

// newAccount returns an account that has asked the API for nothing yet. A demo
// takes the place of the API and of the credentials.
func (a *accounts) newAccount(settings config.Account) (*account, error) {
	watched, err := watch(settings)
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", settings.Name, err)
	}
	watched.API = collector.NewAPIMetrics(settings.Name, watched.Exports, a.logger)
	begun := &account{settings: settings, endpoint: settings.Endpoint, watched: watched}
	if a.demo != nil {
		begun.endpoint, begun.credentials = a.demo.endpoint, a.demo.credentials
	} else {
		begun.credentials = newCredentials(settings.Credentials, log.With(a.logger, "account", settings.Name))
	}
	begun.client, err = apiclient.New(apiclient.Config{
		Endpoint:    begun.endpoint,
		Credentials: begun.credentials,
		Timeout:     a.flags.APITimeout,
		RateLimit:   settings.RateLimit,
		Concurrency: a.flags.Concurrency,
		MaxRetries:  a.flags.MaxRetries,
		MaxTasks:    a.flags.MaxTasks,
		UserAgent:   name + "/" + version.Version,
		Observer:    watched.API,
		Transport:   a.connections,
	})
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", settings.Name, err)
	}
	begun.watched.Client = begun.client
	return begun, nil
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
		expectation := coverage.Expectation{Name: e.Name, Export: apiclient.Export(e.Export), Every: coverage.Interval(e.Every)}
		grace, err := e.GracePeriod()
		err = errors.Join(err, expectation.TaskName.UnmarshalText([]byte(e.TaskName)))
		if e.Since != "" {
			err = errors.Join(err, expectation.Since.UnmarshalText([]byte(e.Since)))
		}
		if err != nil {
			return collector.Account{}, err
		}
		expectation.Grace = coverage.Duration(grace)
		watched.Expectations = append(watched.Expectations, expectation)
	}
	return watched, nil
}

// findKey refuses to start where nothing at all can give the account a key; a
// source that is there but fails may recover, which is what up is for.
func (a *account) findKey(ctx context.Context, logger log.Logger) error {
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
