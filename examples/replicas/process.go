package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"time"
)

// process is a replica as its parent sees it.
type process struct {
	name, addr string
	cmd        *exec.Cmd
	stdin      io.Closer
	ended      chan struct{}
}

// startReplica starts this program once more, and returns when it listens.
func startReplica(name string, cfg replicaConfig, out *lines, errs io.Writer) (*process, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{name: name, cmd: exec.Command(path, replicaArg), ended: make(chan struct{})}
	p.cmd.Stderr = errs
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	addr := make(chan string, 1)
	go p.read(stdout, addr, out)
	_ = json.NewEncoder(stdin).Encode(cfg) // a process that has ended is noticed next
	select {
	case p.addr = <-addr:
		out.say(name, "process %d listens on %s", p.cmd.Process.Pid, p.addr)
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("%s has ended: %w", name, errors.New(p.cmd.ProcessState.String()))
	}
}

// read passes on what the process says, after its address, until it has ended.
func (p *process) read(stdout io.Reader, addr chan<- string, out *lines) {
	said := bufio.NewScanner(stdout)
	if said.Scan() {
		addr <- said.Text()
	}
	for said.Scan() {
		out.say(p.name, "%s", said.Text())
	}
	_ = p.cmd.Wait()
	close(p.ended)
}

// stop ends it gracefully, or else by force.
func (p *process) stop() {
	_ = p.stdin.Close()
	select {
	case <-p.ended:
	case <-time.After(15 * time.Second):
		p.kill()
	}
}

// kill ends it at once: nothing is given back.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// balancer sends browsers to one replica, as long as that lives, and the webhooks to
// the other one. A balancer that knows nothing does so half of the time.
type balancer struct {
	replicas []*process
	out      *lines

	mu   sync.Mutex
	dead map[*process]bool
}

// route gives the replica for a path.
func (b *balancer) route(path string) *process {
	b.mu.Lock()
	defer b.mu.Unlock()
	var living []*process
	for _, p := range b.replicas {
		if !b.dead[p] {
			living = append(living, p)
		}
	}
	switch {
	case len(living) == 0:
		return b.replicas[0]
	case path == webhookPath:
		return living[len(living)-1]
	}
	return living[0]
}

// ServeHTTP passes a request on. What has reached nobody is answered 502: browsers
// and the API come again.
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := b.route(r.URL.Path)
	b.out.say("balancer", "%s %s → %s", r.Method, r.URL.Path, p.name)
	proxy := httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: p.addr}) },
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, _ error) {
			if r.Context().Err() == nil {
				b.mu.Lock()
				b.dead[p] = true
				b.mu.Unlock()
			}
			w.WriteHeader(http.StatusBadGateway)
		},
		ErrorLog: discard,
	}
	proxy.ServeHTTP(w, r)
}
