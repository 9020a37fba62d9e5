package monitoring

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dashboard contains the fields of Grafana's classic JSON that the tests check.
type dashboard struct {
	ID            *int     `json:"id"`
	UID           string   `json:"uid"`
	Title         string   `json:"title"`
	Tags          []string `json:"tags"`
	SchemaVersion int      `json:"schemaVersion"`
	Editable      *bool    `json:"editable"`
	GraphTooltip  int      `json:"graphTooltip"`
	TimeZone      string   `json:"timezone"`
	Inputs        any      `json:"__inputs"`
	Links         []struct {
		Type string   `json:"type"`
		Tags []string `json:"tags"`
		URL  string   `json:"url"`
	} `json:"links"`
	Templating struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Name       string     `json:"name"`
			Datasource datasource `json:"datasource"`
			Expr       string     `json:"expr"`
			Target     target     `json:"target"`
		} `json:"list"`
	} `json:"annotations"`
	Panels []panel `json:"panels"`

	text string
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type variable struct {
	Name       string     `json:"name"`
	Label      string     `json:"label"`
	Type       string     `json:"type"`
	Definition string     `json:"definition"`
	Datasource datasource `json:"datasource"`
	Refresh    int        `json:"refresh"`
	Sort       int        `json:"sort"`
	Multi      bool       `json:"multi"`
	IncludeAll bool       `json:"includeAll"`
	AllValue   string     `json:"allValue"`
}

type target struct {
	Datasource datasource `json:"datasource"`
	Expr       string     `json:"expr"`
	RefID      string     `json:"refId"`
	Instant    bool       `json:"instant"`
	Legend     string     `json:"legendFormat"`
}

type panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Datasource  datasource `json:"datasource"`
	Targets     []target   `json:"targets"`
	Collapsed   bool       `json:"collapsed"`
	Panels      []panel    `json:"panels"`
	GridPos     struct{ X, Y, W, H int }
	Options     struct {
		Legend *struct {
			ShowLegend *bool `json:"showLegend"`
		} `json:"legend"`
	} `json:"options"`
	FieldConfig struct {
		Defaults struct {
			Unit       string           `json:"unit"`
			Links      []dataLink       `json:"links"`
			NoValue    string           `json:"noValue"`
			Thresholds json.RawMessage  `json:"thresholds"`
			Mappings   *json.RawMessage `json:"mappings"`
		} `json:"defaults"`
		Overrides []struct {
			Matcher struct {
				Options string `json:"options"`
			} `json:"matcher"`
			Properties []struct {
				ID    string          `json:"id"`
				Value json.RawMessage `json:"value"`
			} `json:"properties"`
		} `json:"overrides"`
	} `json:"fieldConfig"`
	Transformations []struct {
		ID      string `json:"id"`
		Options struct {
			RenameByName map[string]string `json:"renameByName"`
		} `json:"options"`
	} `json:"transformations"`
}

// dataLink is where a cell or a series leads.
type dataLink struct {
	Title       string `json:"title"`
	URL         string `json:"url"`
	TargetBlank bool   `json:"targetBlank"`
}

// override returns the value of a property for the field with a name.
func (p panel) override(t *testing.T, field, property string, into any) bool {
	t.Helper()
	for _, override := range p.FieldConfig.Overrides {
		for _, p := range override.Properties {
			if override.Matcher.Options == field && p.ID == property {
				if err := json.Unmarshal(p.Value, into); err != nil {
					t.Fatal(err)
				}
				return true
			}
		}
	}
	return false
}

// links returns the panel's data links: those of all its fields, and those of single ones by name.
func (p panel) links(t *testing.T) (all []dataLink, byField map[string][]dataLink) {
	t.Helper()
	byField = make(map[string][]dataLink)
	for _, override := range p.FieldConfig.Overrides {
		var links []dataLink
		if p.override(t, override.Matcher.Options, "links", &links) {
			byField[override.Matcher.Options] = links
		}
	}
	return p.FieldConfig.Defaults.Links, byField
}

// panels returns all panels except rows, including those in collapsed rows.
func (d *dashboard) panels() []panel {
	var shown []panel
	for _, p := range d.Panels {
		if p.Type == "row" {
			shown = append(shown, p.Panels...)
		} else {
			shown = append(shown, p)
		}
	}
	return shown
}

func (d *dashboard) queries() []string {
	var queries []string
	for _, p := range d.panels() {
		for _, target := range p.Targets {
			queries = append(queries, target.Expr)
		}
	}
	for _, annotation := range d.Annotations.List {
		queries = append(queries, annotation.Expr, annotation.Target.Expr)
	}
	return queries
}

func dashboards(t *testing.T) map[string]*dashboard {
	t.Helper()
	files, err := filepath.Glob(root + "/dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	all := make(map[string]*dashboard)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := &dashboard{text: string(content)}
		if err := json.Unmarshal(content, d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = d
	}
	return all
}

// expandVariables replaces Grafana's variables with values that keep the query's meaning.
func expandVariables(query string) string {
	return strings.NewReplacer("$__rate_interval", "5m",
		"$job|", ".*", "$instance|", ".*", "$account|", ".*", "$export|", ".*",
		"$job", ".+", "$instance", ".+", "$account", ".+", "$export", ".+").Replace(query)
}

// dashboardQueries returns the queries of all panels and annotations as PromQL.
func dashboardQueries(t *testing.T) []string {
	t.Helper()
	var queries []string
	for _, d := range dashboards(t) {
		for _, query := range d.queries() {
			queries = append(queries, expandVariables(query))
		}
	}
	return queries
}
