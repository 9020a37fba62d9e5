package faults_test

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// page is what a scrape returned.
type page struct {
	at     time.Time // when it arrived
	text   string
	values map[string]float64 // by name with labels, without the prefix alicdn_export_
}

func parsePage(text string) page {
	p := page{at: time.Now(), text: text, values: make(map[string]float64)}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		blank := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || blank < 0 {
			continue
		}
		if value, err := strconv.ParseFloat(line[blank+1:], 64); err == nil {
			p.values[strings.TrimPrefix(line[:blank], "alicdn_export_")] = value
		}
	}
	return p
}

// of returns the name of a metric of the account main.
func of(metric string) string { return metric + `{account="main",export="usage"}` }

func (p page) up() bool           { return p.values[of("up")] == 1 }
func (p page) refreshes() float64 { return p.values[of("refreshes_total")] }

// snapshot returns when the reading of the served list began; ok is false without one.
func (p page) snapshot() (began time.Time, ok bool) {
	seconds, ok := p.values[of("snapshot_timestamp_seconds")]
	return unixTime(seconds), ok
}

func unixTime(seconds float64) time.Time { return time.UnixMicro(int64(seconds * 1e6)) }

// tasks returns the number of tasks by status; nil if they are absent.
func (p page) tasks() map[string]int {
	var found map[string]int
	for _, status := range []string{"created", "success", "failed", "unknown"} {
		if n, ok := p.values[`tasks{account="main",export="usage",status="`+status+`"}`]; ok {
			if found == nil {
				found = make(map[string]int)
			}
			found[status] = int(n)
		}
	}
	return found
}

// errors returns the number of calls that failed with a code and a class, matched by regular expressions.
func (p page) errors(code, class string) (n float64) {
	pattern := regexp.MustCompile(`^api_errors_total\{account="main",class="(?:` + class + `)",code="(?:` + code + `)",export="usage"\}$`)
	for name, value := range p.values {
		if pattern.MatchString(name) {
			n += value
		}
	}
	return n
}

var taskInfo = regexp.MustCompile(`^task_info\{account="main",export="usage",status="([a-z]+)",task_id="([^"]*)",`)

// ids returns the status of each task that is shown, by id.
func (p page) ids() map[string]string {
	found := make(map[string]string)
	for name := range p.values {
		if match := taskInfo.FindStringSubmatch(name); match != nil {
			found[match[2]] = match[1]
		}
	}
	return found
}
