package config_test

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"alicdn_export_exporter/internal/config"
)

func TestHowTheLastLoadWentIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wrong error
		reloader := config.NewReloader(func() error { return wrong })
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(reloader)
		expect := func(successful, succeeded float64) {
			t.Helper()
			families, err := registry.Gather()
			if err != nil || len(families) != 2 {
				t.Fatalf("%d families, %v", len(families), err)
			}
			got := [2]float64{families[1].GetMetric()[0].GetGauge().GetValue(), families[0].GetMetric()[0].GetGauge().GetValue()}
			if want := [2]float64{successful, succeeded}; got != want {
				t.Errorf("the last load is shown as %v, want %v", got, want)
			}
		}
		began := float64(time.Now().Unix())
		if err := reloader.Reload(); err != nil {
			t.Error(err)
		}
		expect(1, began)
		time.Sleep(time.Minute)
		wrong = errors.New("wrong")
		if err := reloader.Reload(); !errors.Is(err, wrong) {
			t.Errorf("error %v, want the load's own", err)
		}
		expect(0, began)
		time.Sleep(time.Minute)
		wrong = nil
		if err := reloader.Reload(); err != nil {
			t.Error(err)
		}
		expect(1, began+120)
		if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
			t.Errorf("%v, %v", problems, err)
		}
	})
}

func TestTheConfigurationIsLoadedOnceAtATime(t *testing.T) {
	loading, most := 0, 0
	reloader := config.NewReloader(func() error { // The race detector looks on as well.
		loading++
		runtime.Gosched()
		most = max(most, loading)
		loading--
		return nil
	})
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { _ = reloader.Reload() })
	}
	all.Wait()
	if most != 1 {
		t.Errorf("%d loads at the same time", most)
	}
}

func TestALoadThatPanicsIsAnError(t *testing.T) {
	var items []string
	for want, load := range map[string]func() error{
		"panic: runtime error: index out of range [7] with length 0: this is a bug, please report it": func() error { return errors.New(items[7]) },
		"panic: *errors.errorString: this is a bug, please report it":                                 func() error { panic(errors.New("S3cr3t")) },
		"panic: string: this is a bug, please report it":                                              func() error { panic("S3cr3t") },
	} {
		now := func() error { return nil }
		reloader := config.NewReloader(func() error { return now() })
		if err := reloader.Reload(); err != nil {
			t.Fatal(err)
		}
		now = load
		if err := reloader.Reload(); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		if shown := successful(t, reloader); shown != 0 {
			t.Errorf("the load is shown as %v", shown)
		}
		now = func() error { return nil }
		if err := reloader.Reload(); err != nil || successful(t, reloader) != 1 {
			t.Errorf("the load after it: %v", err)
		}
	}
}

func successful(t *testing.T, reloader *config.Reloader) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(reloader)
	families, err := registry.Gather()
	if err != nil || len(families) != 2 {
		t.Fatalf("%d families, %v", len(families), err)
	}
	return families[1].GetMetric()[0].GetGauge().GetValue()
}
