package config

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Reloader loads the configuration, at the start and whenever it is told to, and
// shows how that went as other Prometheus daemons do. It is a prometheus.Collector.
type Reloader struct {
	load func() error

	mu         sync.Mutex // One load at a time.
	successful prometheus.Gauge
	succeeded  prometheus.Gauge
}

// NewReloader returns a Reloader that has loaded nothing yet. load takes what is
// configured now, or keeps all as it is and returns an error.
func NewReloader(load func() error) *Reloader {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "alicdn_export", Name: name, Help: help})
	}
	return &Reloader{
		load: load,
		successful: gauge("config_last_reload_successful",
			"1 if the configuration was loaded the last time that was tried, 0 if it is wrong and the one before it counts."),
		succeeded: gauge("config_last_reload_success_timestamp_seconds",
			"When the configuration was loaded last, in Unix time."),
	}
}

// Reload loads the configuration. Its error is load's own; a panic of load is an error
// as well, so that no configuration ends the process.
func (r *Reloader) Reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.survive(); err != nil {
		r.successful.Set(0)
		return err
	}
	r.successful.Set(1)
	r.succeeded.SetToCurrentTime()
	return nil
}

// survive is load, where a panic is an error. Of a panic's value only the runtime's own
// texts are told: any other could hold a secret.
func (r *Reloader) survive() (err error) {
	defer func() {
		reason := recover()
		if known, ok := reason.(runtime.Error); ok {
			err = fmt.Errorf("panic: %w: this is a bug, please report it", known)
		} else if reason != nil {
			err = fmt.Errorf("panic: %T: this is a bug, please report it", reason)
		}
	}()
	return r.load()
}

// Describe sends both descriptions.
func (r *Reloader) Describe(ch chan<- *prometheus.Desc) {
	r.successful.Describe(ch)
	r.succeeded.Describe(ch)
}

// Collect sends how the last load went.
func (r *Reloader) Collect(ch chan<- prometheus.Metric) {
	r.successful.Collect(ch)
	r.succeeded.Collect(ch)
}
