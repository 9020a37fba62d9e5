package keyservice

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
)

// MetadataHost is where official clients look for the metadata service.
const MetadataHost = "100.100.100.200"

// Metadata is the metadata service of an ECS instance with a RAM role, in its
// hardened mode: all but a token is given for a token only.
type Metadata struct {
	Issuer

	// RoleName is the instance's role.
	RoleName string

	mu     sync.Mutex
	tokens map[string]bool
	asked  []string
}

// Asked lists what was asked for, in order.
func (m *Metadata) Asked() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.asked...)
}

// ServeHTTP answers one call.
func (m *Metadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const roles = "/latest/meta-data/ram/security-credentials/"
	m.mu.Lock()
	m.asked = append(m.asked, r.Method+" "+r.URL.Path)
	known := m.tokens[r.Header.Get("X-Aliyun-Ecs-Metadata-Token")]
	m.mu.Unlock()
	switch {
	case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
		if r.Header.Get("X-Aliyun-Ecs-Metadata-Token-Ttl-Seconds") == "" {
			http.Error(w, "400 - Bad Request", http.StatusBadRequest)
			return
		}
		token := rand.Text()
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.tokens == nil {
			m.tokens = make(map[string]bool)
		}
		m.tokens[token] = true
		_, _ = w.Write([]byte(token))
	case r.Method != http.MethodGet || !known:
		http.Error(w, "403 - Forbidden", http.StatusForbidden)
	case r.URL.Path == roles:
		_, _ = w.Write([]byte(m.RoleName)) //nolint:gosec // A made-up name for tests, and no page for a browser.
	case strings.HasPrefix(r.URL.Path, roles):
		if m.failed(w, r) {
			return
		}
		if r.URL.Path != roles+m.RoleName {
			http.Error(w, "404 - Not Found", http.StatusNotFound)
			return
		}
		session := m.session()
		session.Code = "Success"
		_ = json.NewEncoder(w).Encode(session)
	default:
		http.NotFound(w, r)
	}
}
