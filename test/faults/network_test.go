package faults_test

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strings"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// networkFaults are faults of the network between the program and the API.
func networkFaults() []fault {
	const page = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20000\r\n\r\n" +
		`{"UsageDataPerPage":{"TotalCount":90,"Data":{"DataItem":[{"TaskId":"ghost",`
	return []fault{
		throughNetwork(fault{kind: 1, name: "connection_refused", code: "connection"},
			(*toxiproxy.Proxy).Stop, func(p *toxiproxy.Proxy) error { return p.Start() }),
		nameFault(),
		{
			kind: 3, name: "reset_mid_body", want: refused, code: "connection", class: "network",
			answer: rawThen(page, func(conn net.Conn) {
				_ = conn.(*net.TCPConn).CloseWrite() // The page is sent before the reset.
				reset(conn)
			}),
		},
		toxic(fault{kind: 3, name: "end_mid_body", code: "connection"},
			`{"name":"t","type":"limit_data","attributes":{"bytes":9000}}`),
		toxic(fault{kind: 3, name: "reset_at_once", code: "connection"},
			`{"name":"t","type":"reset_peer","attributes":{"timeout":0}}`),
		toxic(fault{kind: 4, name: "black_hole", code: "timeout"},
			`{"name":"t","type":"timeout","attributes":{"timeout":0}}`),
		toxic(fault{kind: 4, name: "black_hole_of_requests", code: "timeout"},
			`{"name":"t","type":"timeout","stream":"upstream","attributes":{"timeout":0}}`),
		toxic(fault{kind: 5, name: "one_byte_a_second", code: "timeout"},
			`{"name":"t","type":"slicer","attributes":{"average_size":1,"size_variation":0,"delay":1000000}}`),
		{
			kind: 6, name: "header_never_finished", want: refused, code: "timeout", class: "network",
			answer: raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Half: "),
		},
		{kind: 6, name: "body_never_finished", want: refused, code: "timeout", class: "network", answer: raw(page)},
		{
			kind: 6, name: "endless_header", want: refused, code: "connection|timeout", class: "network",
			answer: endless("HTTP/1.1 200 OK\r\n", "X-Header: "+strings.Repeat("a", 1000)+"\r\n"),
		},
	}
}

// throughNetwork returns a fault of a proxy between the program and the API.
func throughNetwork(f fault, breaks func(*toxiproxy.Proxy), mends func(*toxiproxy.Proxy) error) fault {
	f.want, f.class = refused, "network"
	f.prepare = func(c *cell) {
		server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
		c.network = toxiproxy.NewProxy(server, "network", "127.0.0.1:0", c.world.server.Listener.Addr().String())
		c.must(c.network.Start())
		c.Cleanup(c.network.Stop)
		c.endpoint = "http://" + c.network.Listen
	}
	f.begin = func(c *cell) func() {
		breaks(c.network)
		return func() { c.must(mends(c.network)) }
	}
	return f
}

// toxic returns a fault that Toxiproxy makes.
func toxic(f fault, description string) fault {
	return throughNetwork(f, func(p *toxiproxy.Proxy) {
		if _, err := p.Toxics.AddToxicJson(strings.NewReader(description)); err != nil {
			panic(err) // The description is wrong.
		}
	}, func(p *toxiproxy.Proxy) error {
		// Removing a toxic waits for its timers. The connections would be of no use any more.
		p.Stop()
		p.Toxics.ResetToxics(context.Background())
		return p.Start()
	})
}

// nameFault is a name that cannot be resolved: in a mount namespace of its own, the program sees other files in /etc.
func nameFault() fault {
	const name = "cdn.test"
	f := fault{kind: 2, name: "dns_failure", want: refused, code: "connection", class: "network", settles: hostsCached}
	missing := exec.Command("unshare", "-rm", "sh", "-c", "mount --bind /etc/hosts /etc/hosts").Run() != nil
	if missing {
		f.not = make(map[scenario]string)
		for _, s := range allScenarios {
			f.not[s] = "this machine does not allow mount namespaces"
		}
		return f
	}
	f.prepare = func(c *cell) {
		c.front = newFront(c, c.serveTLS(name).address)
		c.endpoint = at(name, c.front.address())
		directory := c.TempDir()
		c.hosts = filepath.Join(directory, "hosts")
		resolver := filepath.Join(directory, "resolv.conf")
		c.write(c.hosts, "127.0.0.1 "+name+"\n")
		c.write(resolver, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
		c.command = func(args []string) *exec.Cmd {
			return exec.Command("unshare", append([]string{
				"-rm", "sh", "-c",
				`mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"`,
				"sh", c.hosts, resolver, exporter,
			}, args...)...)
		}
	}
	f.begin = func(c *cell) func() {
		c.write(c.hosts, "127.0.0.1 localhost\n")
		// Until the old name is no longer in the resolver's cache, connections end at once.
		end := c.front.breaks(func(net.Conn) {})
		return func() { c.write(c.hosts, "127.0.0.1 "+name+"\n"); end() }
	}
	f.during = func(c *cell, _ page) {
		c.scrapeUntil("a lookup that fails", func(page) bool {
			return strings.Contains(c.program.Stderr.String(), "lookup "+name)
		})
	}
	return f
}
