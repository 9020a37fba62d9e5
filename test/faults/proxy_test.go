package faults_test

import (
	"net"
	"strings"

	"alicdn_export_exporter/internal/credentials/credentialstest"
)

// proxyFaults are proxies between the program and the API.
func proxyFaults() []fault {
	return []fault{
		overProxy("proxy_407", "proxy",
			says("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"CanaryRealm\"\r\nContent-Length: 0\r\n\r\n")),
		overProxy("proxy_403", "proxy", says("HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nCanaryBody")),
		overProxy("proxy_502", "proxy", says("HTTP/1.1 502 Bad Gateway by CanaryGateway\r\nContent-Length: 0\r\n\r\n")),
		overProxy("proxy_302", "proxy|connection|redirect",
			says("HTTP/1.1 302 Found\r\nLocation: https://example.com/Canary\r\nContent-Length: 0\r\n\r\n")),
		overProxy("proxy_garbage", "proxy", says("\x00\x01CanaryGarbage\r\n\r\n")),
		overProxy("proxy_garbage_behind_the_tunnel", "tls|connection|timeout",
			says("HTTP/1.1 200 Connection Established\r\n\r\nCanaryGarbage")),
		overProxy("proxy_endless_header", "proxy|connection|timeout", func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 4096))
			_, err := conn.Write([]byte("HTTP/1.1 200 OK\r\n"))
			for header := []byte("X-Canary: " + strings.Repeat("c", 1000) + "\r\n"); err == nil; {
				_, err = conn.Write(header)
			}
		}),
		overProxy("proxy_silent", "timeout", hold),
		overProxy("proxy_closes", "proxy", func(net.Conn) {}),
	}
}

// overProxy returns a fault of a proxy. The program knows the proxy's password.
func overProxy(name, code string, f func(net.Conn)) fault {
	// Only the proxy knows this name. Go sends no DNS query for .onion names (RFC 7686).
	const host = "cdn.example.onion"
	return fault{
		kind: 40, name: name, want: refused, code: code, class: "network",
		prepare: func(c *cell) {
			var proxy *credentialstest.Proxy
			proxy, c.front = c.proxied(credentialstest.Hosts{host: c.world})
			proxy.RequirePassword("canaryuser", "CanaryPassword")
			url := "http://canaryuser:CanaryPassword@" + c.front.address()
			c.env = append(c.env, "HTTPS_PROXY="+url, "https_proxy="+url)
			c.endpoint = host
		},
		begin: func(c *cell) func() { return c.front.breaks(f) },
	}
}
