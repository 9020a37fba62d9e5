package web_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// unread is a response writer whose client does not read: a write ends when its
// deadline is set to a time in the past.
type unread struct {
	*httptest.ResponseRecorder
	cut chan struct{}
}

func newUnread() unread { return unread{httptest.NewRecorder(), make(chan struct{})} }

func (u unread) SetWriteDeadline(deadline time.Time) error {
	if deadline.Before(time.Now()) {
		close(u.cut)
	}
	return nil
}

func (u unread) Write([]byte) (int, error) {
	<-u.cut
	return 0, os.ErrDeadlineExceeded
}

// isCut reports whether the connection was cut.
func (u unread) isCut() bool {
	select {
	case <-u.cut:
		return true
	default:
		return false
	}
}

func TestOutbox(t *testing.T) {
	const megabyte = 1 << 20
	for name, tc := range map[string]struct {
		size    int // of a response
		clients int // that do not read, each with a response of its own
		cut     int // of them, the oldest first
	}{
		"small responses are kept":               {size: 100, clients: 200},
		"sixteen megabytes are kept":             {size: 2*megabyte - 1000, clients: 8},
		"above, the oldest connections are cut":  {size: 2*megabyte - 1000, clients: 10, cut: 2},
		"four responses are kept, however large": {size: 5 * megabyte, clients: 4},
		"of five large ones, the oldest is cut":  {size: 5 * megabyte, clients: 5, cut: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				handler := gatheringHandler(t, &gathering{padding: strings.Repeat("x", tc.size)})
				var scrapes sync.WaitGroup
				var clients []unread
				for range tc.clients {
					client := newUnread()
					clients = append(clients, client)
					scrapes.Go(func() { handler.ServeHTTP(client, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)) })
					synctest.Wait()
				}
				for i, client := range clients {
					if got, want := client.isCut(), i < tc.cut; got != want {
						t.Errorf("client %d is cut: %t, want %t", i, got, want)
					}
				}
				if answer := ask(handler, http.MethodGet, "/metrics"); answer.Code != http.StatusOK || answer.Body.Len() < tc.size {
					t.Errorf("answer %d with %d bytes to a client that reads", answer.Code, answer.Body.Len())
				}
				for _, client := range clients {
					if !client.isCut() {
						close(client.cut)
					}
				}
				scrapes.Wait()
			})
		})
	}

	t.Run("all clients of a shared response are cut, and none that has read it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &gathering{hold: make(chan struct{}), padding: strings.Repeat("x", 5*megabyte)}
			handler := gatheringHandler(t, g)
			var scrapes sync.WaitGroup
			scrape := func(w http.ResponseWriter) {
				scrapes.Go(func() { handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)) })
				synctest.Wait()
			}
			scrape(httptest.NewRecorder()) // Makes the others wait.
			clients := []unread{newUnread(), newUnread(), newUnread()}
			reader := newUnread()
			for _, client := range clients {
				scrape(client)
			}
			scrape(struct {
				deadlineSetter
				http.ResponseWriter
			}{reader, httptest.NewRecorder()})
			close(g.hold)
			synctest.Wait()
			if got := g.gathered.Load(); got != 2 {
				t.Fatalf("gathered %d times, want 2", got)
			}
			later := []unread{newUnread(), newUnread(), newUnread(), newUnread()}
			for _, client := range later {
				scrape(client)
			}
			for _, client := range clients {
				if !client.isCut() {
					t.Error("a client of the oldest response is not cut")
				}
			}
			if reader.isCut() {
				t.Error("a client is cut that has read its response")
			}
			for _, client := range later {
				close(client.cut)
			}
			scrapes.Wait()
		})
	})
}

type deadlineSetter interface{ SetWriteDeadline(time.Time) error }
