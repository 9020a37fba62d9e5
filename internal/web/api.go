package web

import (
	"bytes"
	"net/http"

	"github.com/go-kit/log/level"
)

// newExportsHandler serves the document as JSON: of all accounts, or of ?account=NAME.
func newExportsHandler(config Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		document, ok := documentOf(config, r)
		if !ok {
			http.Error(w, "There is no account with this name.", http.StatusNotFound)
			return
		}
		var body bytes.Buffer
		if err := document.WriteJSON(&body, ""); err != nil {
			_ = level.Error(config.Logger).Log("msg", "Encoding the exports failed", "err", err)
			http.Error(w, "Encoding the exports failed, see the log.", http.StatusInternalServerError)
			return
		}
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		_, _ = w.Write(body.Bytes())
	})
}
