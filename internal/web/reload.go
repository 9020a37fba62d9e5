package web

import "net/http"

// newReloadHandler answers 200 only if the configuration was loaded.
func newReloadHandler(config Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !config.EnableLifecycle {
			http.Error(w, "Reloading over HTTP is not enabled: start with --web.enable-lifecycle, or send SIGHUP.", http.StatusForbidden)
			return
		}
		if err := config.Reload(); err != nil {
			http.Error(w, "The configuration is wrong, the one before it stays:\n"+err.Error(), http.StatusInternalServerError)
			return
		}
		answer("The configuration was loaded.\n")(w, r)
	})
}
