package luavm

import (
	"container/list"
	"crypto/sha1"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
)

// Options are a pool's. The zero value works.
type Options struct {
	// Version is the version of Redis that scripts are told; the default is "7.2.0".
	Version string
	// Idle bounds the machines kept for later runs; the default is twice the number of processors. One takes about
	// 60 KiB.
	Idle int
	// Scripts bounds the compiled scripts kept that came with EVAL; the ones not used for longest go. Those of SCRIPT
	// LOAD stay. The default is 1000.
	Scripts int
	// Seed, if not zero, starts the sequence of random numbers that scripts get without a seed of their own.
	Seed uint64
}

// Pool keeps machines and compiled scripts. It is safe for concurrent use.
type Pool struct {
	options Options

	mu struct {
		sync.Mutex
		idle    []*machine
		scripts map[string]*cached
		recent  list.List // of *cached that may go, the one used last in front
		size    int64
		random  generator
	}
}

// cached is a script that is kept.
type cached struct {
	script *Script
	place  *list.Element // in recent; nil if it stays
}

// NewPool makes a pool; machines are made when they are needed.
func NewPool(o Options) *Pool {
	if o.Version == "" {
		o.Version = "7.2.0"
	}
	if o.Idle <= 0 {
		o.Idle = 2 * runtime.GOMAXPROCS(0)
	}
	if o.Scripts <= 0 {
		o.Scripts = 1000
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	p := &Pool{options: o}
	p.mu.scripts = make(map[string]*cached)
	p.mu.random = generator(o.Seed & generatorMask)
	return p
}

// take gives an idle machine or a new one.
func (p *Pool) take() *machine {
	p.mu.Lock()
	if n := len(p.mu.idle); n > 0 {
		vm := p.mu.idle[n-1]
		p.mu.idle[n-1] = nil
		p.mu.idle = p.mu.idle[:n-1]
		p.mu.Unlock()
		return vm
	}
	seeds := generator(p.mu.random.next())<<17 ^ generator(p.mu.random.next())
	p.mu.Unlock()
	return newMachine(p.options.Version, seeds)
}

// put takes a machine back, unless it is not worth keeping.
func (p *Pool) put(vm *machine) {
	if !vm.keepable() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.mu.idle) < p.options.Idle {
		p.mu.idle = append(p.mu.idle, vm)
	}
}

// Load compiles a script and keeps it: until Flush for keep, as SCRIPT LOAD does, else while it is among those used
// last, as EVAL does. If it is there already, nothing is compiled. The error is the text of the error reply.
func (p *Pool) Load(text []byte, keep bool) (*Script, error) {
	sha := digest(string(text))
	p.mu.Lock()
	s, ok := p.useLocked(p.mu.scripts[sha], keep)
	p.mu.Unlock()
	if ok {
		return s, nil
	}
	s, err := Compile(string(text))
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.mu.scripts[sha]; c != nil { // someone else was faster
		return c.script, nil
	}
	c := &cached{script: s}
	p.mu.scripts[sha] = c
	p.mu.size += int64(s.Size())
	if !keep {
		c.place = p.mu.recent.PushFront(c)
		for p.mu.recent.Len() > p.options.Scripts {
			p.dropLocked(p.mu.recent.Back().Value.(*cached))
		}
	}
	return s, nil
}

// Script gives a kept script by its SHA, in capital or small letters. It allocates nothing.
func (p *Pool) Script(sha []byte) (*Script, bool) {
	var small [shaSize]byte
	if len(sha) != shaSize {
		return nil, false
	}
	for i, c := range sha {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		small[i] = c
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.useLocked(p.mu.scripts[string(small[:])], false)
}

// shaSize is the length of the name of a script: SHA1 in hexadecimal.
const shaSize = 2 * sha1.Size

// useLocked counts a use of a script, if there is one; p.mu is held.
func (p *Pool) useLocked(c *cached, keep bool) (*Script, bool) {
	if c == nil {
		return nil, false
	}
	if c.place != nil {
		if keep {
			p.mu.recent.Remove(c.place)
			c.place = nil
		} else {
			p.mu.recent.MoveToFront(c.place)
		}
	}
	return c.script, true
}

// dropLocked forgets a script; p.mu is held.
func (p *Pool) dropLocked(c *cached) {
	delete(p.mu.scripts, c.script.sha)
	p.mu.size -= int64(c.script.Size())
	if c.place != nil {
		p.mu.recent.Remove(c.place)
	}
}

// Exists reports whether a script is kept, without counting that as a use.
func (p *Pool) Exists(sha string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.scripts[strings.ToLower(sha)] != nil
}

// Flush forgets all scripts and idle machines. Runs that have begun go on.
func (p *Pool) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.mu.scripts)
	p.mu.recent.Init()
	p.mu.size = 0
	p.mu.idle = nil
}

// Stats are a pool's numbers.
type Stats struct {
	// Scripts is the number of scripts kept, ScriptBytes what they hold by estimate.
	Scripts     int
	ScriptBytes int64
	// Idle is the number of machines waiting for a run.
	Idle int
}

// Stats gives the numbers of the moment.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Scripts: len(p.mu.scripts), ScriptBytes: p.mu.size, Idle: len(p.mu.idle)}
}
