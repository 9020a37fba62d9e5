package keyservice

import (
	"encoding/json"
	"net/http"
)

// URI is a service behind a credentials URI.
type URI struct{ Issuer }

// ServeHTTP answers one call.
func (u *URI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if u.failed(w, r) {
		return
	}
	if r.Method != http.MethodGet {
		http.Error(w, "", http.StatusMethodNotAllowed)
		return
	}
	session := u.session()
	session.Code = "Success"
	_ = json.NewEncoder(w).Encode(session)
}
