package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// measured contains the results of a contender for one list.
type measured struct {
	Contender contender
	Tasks     int
	Rounds    []listing
}

// median returns the median of a figure over the rounds.
func median[T cmp.Ordered](m measured, figure func(listing) T) T {
	var values []T
	for _, round := range m.Rounds {
		values = append(values, figure(round))
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

func (m measured) wall() time.Duration {
	return median(m, func(l listing) time.Duration { return l.Wall })
}

func (m measured) peak() int64 { return median(m, func(l listing) int64 { return l.Peak }) }

// cpuPerTask returns a median, like bytesPerTask, mallocsPerTask and keptPerTask.
func (m measured) cpuPerTask() time.Duration {
	return median(m, func(l listing) time.Duration { return l.CPU }) / time.Duration(m.Tasks)
}

func (m measured) bytesPerTask() float64 {
	return median(m, func(l listing) float64 { return float64(l.Bytes) / float64(m.Tasks) })
}

func (m measured) mallocsPerTask() float64 {
	return median(m, func(l listing) float64 { return float64(l.Mallocs) / float64(m.Tasks) })
}

func (m measured) keptPerTask() float64 {
	return median(m, func(l listing) float64 { return float64(l.Kept) / float64(m.Tasks) })
}

// listings contains the results by list of the plan and by contender.
type listings [3]map[string]measured

// measureListings reads every list with every contender. The contenders take turns in rounds, so that
// a disturbance of the machine affects all of them.
func measureListings(ctx context.Context, p plan, api *apiServer, progress io.Writer) (listings, error) {
	var all listings
	for i, size := range p.Sizes {
		all[i] = make(map[string]measured)
		for round := range p.Rounds[i] {
			for _, c := range p.contenders() {
				l, err := readOnce(ctx, api, listingSpec{Contender: c, URL: api.Plain[size], Tasks: size})
				if err != nil {
					return all, err
				}
				m := all[i][c.Name]
				all[i][c.Name] = measured{c, size, append(m.Rounds, l)}
				_, _ = fmt.Fprintf(progress, "%d tasks, round %d, %s: %.2f s\n",
					size, round+1, c.Name, l.Wall.Seconds())
			}
		}
	}
	return all, nil
}

// measureProtocols reads the middle list over TLS with HTTP/1.1 and HTTP/2.
func measureProtocols(ctx context.Context, p plan, api *apiServer, progress io.Writer) ([]measured, error) {
	size := p.Sizes[medium]
	protocols := []struct{ name, url string }{{"HTTP/1.1", api.HTTP1[size]}, {"HTTP/2", api.HTTP2[size]}}
	result := make([]measured, len(protocols))
	for range p.Rounds[medium] {
		for i, protocol := range protocols {
			c := contender{Name: protocol.name, Client: "ours", Concurrency: 16}
			l, err := readOnce(ctx, api, listingSpec{Contender: c, URL: protocol.url, Tasks: size})
			if err != nil {
				return nil, err
			}
			result[i] = measured{c, size, append(result[i].Rounds, l)}
			_, _ = fmt.Fprintf(progress, "%d tasks, TLS, %s: %.2f s\n", size, protocol.name, l.Wall.Seconds())
		}
	}
	return result, nil
}

// readOnce reads a list in a child process.
func readOnce(ctx context.Context, api *apiServer, spec listingSpec) (listing, error) {
	var l listing
	process, err := startChild(ctx, childSpec{Listing: &spec}, &l,
		"SSL_CERT_FILE="+api.certificateFile(), "SSL_CERT_DIR="+api.folder)
	if err != nil {
		return l, err
	}
	process.stop()
	l.Calls, err = api.taken(ctx, spec.Tasks, spec.Contender.Rate)
	return l, err
}
