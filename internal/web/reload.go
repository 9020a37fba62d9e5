package web

import "net/http"

// newReloadHandler responds with 200 only if the configuration was loaded.
func newReloadHandler(config Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !config.EnableLifecycle {
			http.Error(w, "Reloading over HTTP is not enabled: start with --web.enable-lifecycle, or send SIGHUP.",
				http.StatusForbidden)
			return
		}
		if err := config.Reload(); err != nil {
			text := "Reload failed, keeping the current configuration:\n" + err.Error()
			http.Error(w, text, http.StatusInternalServerError)
			return
		}
		respond("The configuration was loaded.\n")(w, r)
	})
}
