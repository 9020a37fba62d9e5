package credentialstest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// MetadataHost is the address of the ECS metadata service.
const MetadataHost = "100.100.100.200"

// Metadata is the metadata service of an ECS instance with a RAM role, in hardened mode: a client must first get a
// token and send it with every other request.
type Metadata struct {
	Service

	// RoleName is the name of the instance's role.
	RoleName string

	mu       sync.Mutex
	tokens   map[string]bool
	requests []string
}

// Requests returns the method and the path of each request, in order.
func (m *Metadata) Requests() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.requests)
}

// ServeHTTP answers a request for a token, for the role's name or for a key.
func (m *Metadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const roles = "/latest/meta-data/ram/security-credentials/"
	m.mu.Lock()
	m.requests = append(m.requests, r.Method+" "+r.URL.Path)
	hasToken := m.tokens[r.Header.Get("X-Aliyun-Ecs-Metadata-Token")]
	m.mu.Unlock()
	switch {
	case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
		m.serveToken(w, r)
	case r.Method != http.MethodGet || !hasToken:
		http.Error(w, "403 - Forbidden", http.StatusForbidden)
	case r.URL.Path == roles:
		_, _ = w.Write([]byte(m.RoleName)) //nolint:gosec // No browser shows it, and tests choose the name.
	case strings.HasPrefix(r.URL.Path, roles):
		switch {
		case m.countAndFail(w, r):
		case r.URL.Path != roles+m.RoleName:
			http.Error(w, "404 - Not Found", http.StatusNotFound)
		default:
			_ = json.NewEncoder(w).Encode(m.session("Success"))
		}
	default:
		http.NotFound(w, r)
	}
}

func (m *Metadata) serveToken(w http.ResponseWriter, r *http.Request) {
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
}
