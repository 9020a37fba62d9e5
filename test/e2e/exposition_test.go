package e2e_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"alicdn_export_exporter/internal/simulator/scenario"
)

// TestExposition reads the metrics as the strictest parsers do: those that refuse what
// Prometheus lets pass.
func TestExposition(t *testing.T) {
	t.Parallel()
	formats := map[string]string{
		"text":        "text/plain;version=0.0.4",
		"OpenMetrics": "application/openmetrics-text;version=1.0.0",
	}
	for _, s := range scenario.All() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			_, endpoint := serveScenario(t, s.Name)
			_, address := serve(t, keyEnv(defaultKey), "--api.endpoint="+endpoint, "--api.max-retries=0",
				"--collector.exports=usage,usage_detail", "--collector.task-info=3", "--refresh.timeout=5s")
			for _, when := range []string{"0.01", "10"} { // Before and after the first refresh.
				for format, accept := range formats {
					resp := do(t, http.MethodGet, address+"/metrics", scrapeTimeout(when),
						func(header http.Header) { header.Set("Accept", accept) })
					if resp.status != http.StatusOK {
						t.Errorf("%s: status %d", format, resp.status)
					}
					for _, mistake := range mistakes(resp.body, format == "OpenMetrics") {
						t.Errorf("%s, timeout %s: %s", format, when, mistake)
					}
				}
			}
		})
	}
}

func TestExpositionMistakes(t *testing.T) {
	const good = "# HELP a A.\n# TYPE a gauge\na{b=\"c\\\"d\"} 1\na{b=\"\"} NaN\n"
	for name, tc := range map[string]struct {
		page        string
		openMetrics bool
		want        string // part of the only mistake; empty for none
	}{
		"none":                         {good, false, ""},
		"none in OpenMetrics":          {good + "# HELP b_s B.\n# TYPE b_s counter\n# UNIT b_s s\nb_s_total 1.0\n# EOF\n", true, ""},
		"no end":                       {good, true, "# EOF"},
		"a family twice":               {good + "# HELP b B.\n# TYPE b gauge\nb 1\n" + good, false, "line 9"},
		"a gauge and a counter":        {"# HELP a A.\n# TYPE a gauge\na 1\n# HELP a A.\n# TYPE a counter\na_total 1\n# EOF\n", true, "line 5"},
		"the same in the text format":  {"# HELP a A.\n# TYPE a gauge\na 1\n# HELP a_total A.\n# TYPE a_total counter\na_total 1\n", false, "line 5"},
		"a gauge like a histogram's":   {"# HELP a A.\n# TYPE a histogram\na_sum 1\n# HELP a_sum A.\n# TYPE a_sum gauge\na_sum 1\n", false, "line 5"},
		"a series twice":               {good + "a{b=\"\"} 2\n", false, "repeated"},
		"a counter without its suffix": {"# HELP a A.\n# TYPE a counter\na 1\n# EOF\n", true, "a is not a sample of a"},
		"a sample without a type":      {"a 1\n", false, "a is not a sample of "},
		"a sample of another family":   {good + "b 1\n", false, "b is not a sample of a"},
		"no help":                      {"# TYPE a gauge\na 1\n", false, "line 1"},
		"an unknown type":              {"# HELP a A.\n# TYPE a meter\na 1\n", false, "line 2"},
		"a unit in the text format":    {good + "# UNIT a a\n", false, "line 5"},
		"a unit that is no suffix":     {"# HELP a A.\n# TYPE a gauge\n# UNIT a s\na 1\n# EOF\n", true, "line 3"},
		"a value":                      {"# HELP a A.\n# TYPE a gauge\na one\n", false, `value "one"`},
		"a label":                      {"# HELP a A.\n# TYPE a gauge\na{b=c} 1\n", false, "line 3"},
		"an escape":                    {"# HELP a A.\n# TYPE a gauge\na{b=\"\\x\"} 1\n", false, "line 3"},
		"an empty line":                {good + "\n", false, "line 5"},
	} {
		t.Run(name, func(t *testing.T) {
			found := mistakes(tc.page, tc.openMetrics)
			if tc.want == "" && len(found) > 0 || tc.want != "" && (len(found) != 1 || !strings.Contains(found[0], tc.want)) {
				t.Errorf("found %q, want %q", found, tc.want)
			}
		})
	}
}

const familyName = `([a-zA-Z_:][a-zA-Z0-9_:]*)`

var (
	sampleLine = regexp.MustCompile(`^` + familyName + `(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\["\\n])*",?)*\})? (\S+)$`)
	helpLine   = regexp.MustCompile(`^# HELP ` + familyName + ` \S.*$`)
	typeLine   = regexp.MustCompile(`^# TYPE ` + familyName + ` (\w+)$`)
	unitLine   = regexp.MustCompile(`^# UNIT ` + familyName + ` (\w+)$`)
)

// suffixes are the suffixes of a family's samples, by type. A family without _total at
// its end takes the names with all of them, and its own.
var suffixes = map[string][]string{
	"gauge": {""}, "counter": {"_total", "_created"}, "unknown": {""}, "untyped": {""},
	"histogram": {"_bucket", "_sum", "_count", "_created"}, "summary": {"", "_sum", "_count", "_created"},
}

// exposition is a page of metrics that is being read.
type exposition struct {
	openMetrics        bool
	help, family, kind string          // of the current family
	taken              map[string]bool // names of families and their samples
	series             map[string]bool
	found              []string // mistakes
}

// mistakes returns what is wrong with a page of metrics, up to the first mistake in the
// declaration of a family.
func mistakes(page string, openMetrics bool) []string {
	e := exposition{openMetrics: openMetrics, taken: make(map[string]bool), series: make(map[string]bool)}
	body, ended := strings.CutSuffix(page, "# EOF\n")
	if ended != openMetrics {
		e.mistake("ends with # EOF: %t", ended)
	}
	number := 0
	for line := range strings.Lines(body) {
		number++
		line = strings.TrimSuffix(line, "\n")
		ok := true
		if match := helpLine.FindStringSubmatch(line); match != nil {
			e.help = match[1]
		} else if match := typeLine.FindStringSubmatch(line); match != nil {
			ok = e.declare(match[1], match[2])
		} else if match := unitLine.FindStringSubmatch(line); match != nil && openMetrics {
			ok = match[1] == e.family && strings.HasSuffix(e.family, "_"+match[2])
		} else if match := sampleLine.FindStringSubmatch(line); match != nil {
			e.sample(match[1], match[2], match[3])
		} else {
			ok = false
		}
		if !ok {
			e.mistake("line %d: %q", number, line)
			break
		}
	}
	return e.found
}

func (e *exposition) mistake(format string, values ...any) {
	e.found = append(e.found, fmt.Sprintf(format, values...))
}

// declare begins a family.
func (e *exposition) declare(family, kind string) (ok bool) {
	e.family, e.kind = family, kind
	if suffixes[kind] == nil || e.help != family {
		return false
	}
	base := strings.TrimSuffix(family, "_total")
	for _, suffix := range append(suffixes[kind], "") {
		if e.taken[base+suffix] {
			return false
		}
	}
	for _, suffix := range append(suffixes[kind], "") {
		e.taken[base+suffix] = true
	}
	return true
}

// sample checks a sample of the current family.
func (e *exposition) sample(name, labels, value string) {
	allowed := suffixes[e.kind]
	if e.kind == "counter" && !e.openMetrics { // The family's name has the suffix too.
		allowed = []string{""}
	}
	suffix, ok := strings.CutPrefix(name, e.family)
	if !ok || !slices.Contains(allowed, suffix) {
		e.mistake("%s is not a sample of %s", name, e.family)
	}
	if e.series[name+labels] {
		e.mistake("%s%s is repeated", name, labels)
	}
	e.series[name+labels] = true
	if _, err := strconv.ParseFloat(value, 64); err != nil {
		e.mistake("%s%s has the value %q", name, labels, value)
	}
}
