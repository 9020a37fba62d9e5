package credentialstest

import (
	"encoding/json"
	"net/http"
)

// URI is the service at a credentials URI.
type URI struct{ Service }

// ServeHTTP answers a request for a key.
func (u *URI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if u.countAndFail(w, r) {
		return
	}
	if r.Method != http.MethodGet {
		http.Error(w, "", http.StatusMethodNotAllowed)
		return
	}
	_ = json.NewEncoder(w).Encode(u.session("Success"))
}
