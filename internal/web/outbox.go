package web

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	// maxUnread is the maximum size in bytes of all responses that clients have not read
	// yet.
	maxUnread = 16 << 20
	// minUnread is the number of responses that are kept regardless of their size, because
	// several Prometheus servers may each read a different one.
	minUnread = 4
)

// outbox sends responses. When clients read so slowly that too many responses are kept
// for them, it closes the connections of those that read the oldest response. Slow
// clients therefore cost bounded memory, and never delay the others.
type outbox struct {
	mu   sync.Mutex
	sent []*sending // the oldest first
}

// sending is a response on its way to clients that share it.
type sending struct {
	response *response
	clients  map[*http.ResponseController]struct{}
}

// send writes a response. It returns an error if the client has gone or was too slow.
func (o *outbox) send(w http.ResponseWriter, r *response) error {
	client := http.NewResponseController(w)
	o.add(client, r)
	defer o.remove(client)
	maps.Copy(w.Header(), r.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(r.body)))
	w.WriteHeader(r.status)
	_, err := w.Write(r.body)
	return err
}

// add adds a client, and removes the oldest responses until the others are small enough.
func (o *outbox) add(client *http.ResponseController, r *response) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.sent, func(s *sending) bool { return s.response == r })
	if i < 0 {
		i = len(o.sent)
		o.sent = append(o.sent, &sending{r, make(map[*http.ResponseController]struct{})})
	}
	o.sent[i].clients[client] = struct{}{}
	size := 0
	for _, s := range o.sent {
		size += len(s.response.body)
	}
	for len(o.sent) > minUnread && size > maxUnread {
		size -= len(o.sent[0].response.body)
		o.sent[0].cut()
		o.sent = slices.Delete(o.sent, 0, 1)
	}
}

// cut makes the writes to the clients fail, which closes their connections.
func (s *sending) cut() {
	for client := range s.clients {
		_ = client.SetWriteDeadline(time.Unix(1, 0)) // Only tests have writers without deadlines.
	}
}

// remove removes a client. After that, its connection is not cut, because it may serve
// another request.
func (o *outbox) remove(client *http.ResponseController) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = slices.DeleteFunc(o.sent, func(s *sending) bool {
		delete(s.clients, client)
		return len(s.clients) == 0
	})
}
