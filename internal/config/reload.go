package config

import (
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

// Reload loads the configuration. Its error is load's own.
func (r *Reloader) Reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(); err != nil {
		r.successful.Set(0)
		return err
	}
	r.successful.Set(1)
	r.succeeded.SetToCurrentTime()
	return nil
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
