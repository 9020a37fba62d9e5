package collector

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"alicdn_export_exporter/apiclient"
)

var apiErrors = prometheus.NewDesc(prometheus.BuildFQName(namespace, "", "api_errors_total"),
	"Failed attempts to call the API, by the API's code or the exporter's own, and by who has to act.",
	[]string{"account", "export", "code", "class"}, nil)

// knownErrors are all that can be counted, in the order in which a registry puts them.
var knownErrors = slices.SortedFunc(slices.Values(apiclient.ErrorKinds()), inOrder)

func inOrder(a, b apiclient.ErrorKind) int {
	return cmp.Or(strings.Compare(string(a.Class), string(b.Class)), strings.Compare(a.Code, b.Code))
}

// errorLabels are the labels of the knownErrors, class and code.
var errorLabels = func() (pairs [][2]*dto.LabelPair) {
	for _, known := range knownErrors {
		pairs = append(pairs, [2]*dto.LabelPair{labelPair("class", string(known.Class)), labelPair("code", known.Code)})
	}
	return pairs
}()

func labelPair(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

// errorCounters count the errors of an account. They are half of all series: those
// of a thousand accounts, as vectors with labels of their own, would take a third of
// the memory, and as long to sort as to gather. So they share their labels and are
// in the registry's order.
type errorCounters struct {
	exports  []apiclient.Export
	counters []errorCounter // for each of the knownErrors, of each export
}

func newErrorCounters(account string, exports []apiclient.Export) *errorCounters {
	c := &errorCounters{exports: slices.Sorted(slices.Values(exports))}
	ofAccount, began := labelPair("account", account), timestamppb.Now()
	var ofExport []*dto.LabelPair
	for _, export := range c.exports {
		ofExport = append(ofExport, labelPair("export", string(export)))
	}
	c.counters = make([]errorCounter, 0, len(knownErrors)*len(exports))
	for _, known := range errorLabels {
		for _, export := range ofExport {
			c.counters = append(c.counters, errorCounter{labels: [4]*dto.LabelPair{ofAccount, known[0], known[1], export}, began: began})
		}
	}
	return c
}

// count adds an error. What is not known counts as the API's other error.
func (c *errorCounters) count(export apiclient.Export, code apiclient.ErrorKind) {
	at, known := slices.BinarySearchFunc(knownErrors, code, inOrder)
	if !known {
		at, _ = slices.BinarySearchFunc(knownErrors, apiclient.ErrorKind{Code: apiclient.CodeOther, Class: apiclient.ClassServer}, inOrder)
	}
	c.counters[at*len(c.exports)+slices.Index(c.exports, export)].n.Add(1)
}

// Describe sends the one description.
func (*errorCounters) Describe(ch chan<- *prometheus.Desc) { ch <- apiErrors }

// Collect sends the counters.
func (c *errorCounters) Collect(ch chan<- prometheus.Metric) {
	for i := range c.counters {
		ch <- &c.counters[i]
	}
}

// errorCounter is a prometheus.Metric.
type errorCounter struct {
	labels [4]*dto.LabelPair // by their names
	began  *timestamppb.Timestamp
	n      atomic.Uint64
}

// Desc is that of all errors.
func (*errorCounter) Desc() *prometheus.Desc { return apiErrors }

// Write shares the labels, which nobody changes.
func (c *errorCounter) Write(out *dto.Metric) error {
	out.Label = c.labels[:]
	out.Counter = &dto.Counter{Value: new(float64(c.n.Load())), CreatedTimestamp: c.began}
	return nil
}
