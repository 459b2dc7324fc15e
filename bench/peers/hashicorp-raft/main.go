// Command hashicorp-raft runs one or more nodes of github.com/hashicorp/raft with its BoltDB store, for the bench. It takes
// one command a line from standard input, and answers each with one line of JSON on standard output.
//
//	hashicorp-raft DIRECTORY IDS-HERE ID=HOST:PORT...
//	hashicorp-raft memory NODES
//
// IDS-HERE, joined by commas, are those that run in this process: one, or all. The second form keeps so many nodes in this
// process, with the transport and the stores in memory that come with the library.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"../load"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb"
)

const (
	entryBytes     = 256
	cachedEntries  = 512 // as Consul does
	connections    = 3
	ioTimeout      = 10 * time.Second
	applyTimeout   = 30 * time.Second
	retryEvery     = time.Millisecond
	heartbeatAfter = time.Second
)

// counter is the state machine: it counts what was applied.
type counter struct{ applied uint64 }

func (c *counter) Apply(*raft.Log) interface{} { return atomic.AddUint64(&c.applied, 1) }

func (c *counter) Snapshot() (raft.FSMSnapshot, error) {
	return snapshot(atomic.LoadUint64(&c.applied)), nil
}

func (c *counter) Restore(from io.ReadCloser) error {
	defer from.Close()
	var applied uint64
	if err := binary.Read(from, binary.BigEndian, &applied); err != nil {
		return err
	}
	atomic.StoreUint64(&c.applied, applied)
	return nil
}

type snapshot uint64

func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if err := binary.Write(sink, binary.BigEndian, uint64(s)); err != nil {
		sink.Cancel()
		return err
	}
	return sink.Close()
}

func (s snapshot) Release() {}

type node struct {
	raft  *raft.Raft
	state *counter
}

func start(directory, id string, servers []raft.Server) (*node, error) {
	var address raft.ServerAddress
	for _, server := range servers {
		if string(server.ID) == id {
			address = server.Address
		}
	}
	ports, err := onDisk(filepath.Join(directory, id), string(address))
	if err != nil {
		return nil, err
	}
	return ports.start(id, servers)
}

// ports are what a node runs on.
type ports struct {
	logs      raft.LogStore
	stable    raft.StableStore
	snapshots raft.SnapshotStore
	transport raft.Transport
}

func onDisk(folder, address string) (*ports, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, err
	}
	// BoltDB syncs each transaction (fdatasync) unless it is told not to.
	store, err := raftboltdb.NewBoltStore(filepath.Join(folder, "raft.db"))
	if err != nil {
		return nil, err
	}
	logs, err := raft.NewLogCache(cachedEntries, store)
	if err != nil {
		return nil, err
	}
	snapshots, err := raft.NewFileSnapshotStore(folder, 1, os.Stderr)
	if err != nil {
		return nil, err
	}
	transport, err := raft.NewTCPTransport(address, nil, connections, ioTimeout, os.Stderr)
	if err != nil {
		return nil, err
	}
	return &ports{logs, store, snapshots, transport}, nil
}

func (p *ports) start(id string, servers []raft.Server) (*node, error) {
	config := raft.DefaultConfig()
	config.LocalID = raft.ServerID(id)
	config.LogLevel = "WARN"
	config.HeartbeatTimeout = heartbeatAfter
	config.ElectionTimeout = heartbeatAfter
	begun, err := raft.HasExistingState(p.logs, p.stable, p.snapshots)
	if err != nil {
		return nil, err
	}
	if !begun {
		configuration := raft.Configuration{Servers: servers}
		if err := raft.BootstrapCluster(config, p.logs, p.stable, p.snapshots, p.transport, configuration); err != nil {
			return nil, err
		}
	}
	state := &counter{}
	member, err := raft.NewRaft(config, state, p.logs, p.stable, p.snapshots, p.transport)
	if err != nil {
		return nil, err
	}
	return &node{member, state}, nil
}

type nodes []*node

func (all nodes) leader() *node {
	for _, each := range all {
		if each.raft.State() == raft.Leader {
			return each
		}
	}
	return nil
}

type status struct {
	Role    string   `json:"role"`
	Leader  string   `json:"leader"`
	Applied []uint64 `json:"applied"`
}

func (all nodes) status() status {
	answer := status{Role: "follower", Leader: string(all[0].raft.Leader())}
	if all.leader() != nil {
		answer.Role = "leader"
	}
	for _, each := range all {
		answer.Applied = append(answer.Applied, atomic.LoadUint64(&each.state.applied))
	}
	return answer
}

// run proposes from so many goroutines at once, each again as soon as its last proposal was applied.
func (all nodes) run(clients int, length time.Duration) (*load.Window, error) {
	data := make([]byte, entryBytes)
	return all.loop(clients, length, func(leader *raft.Raft) error { return leader.Apply(data, applyTimeout).Error() })
}

// reads asks, from so many goroutines at once, whether the leader still leads, as each of its linearizable reads has to.
func (all nodes) reads(clients int, length time.Duration) (*load.Window, error) {
	return all.loop(clients, length, func(leader *raft.Raft) error { return leader.VerifyLeader().Error() })
}

func (all nodes) loop(clients int, length time.Duration, call func(leader *raft.Raft) error) (*load.Window, error) {
	leader := all.leader()
	if leader == nil {
		return nil, errors.New("this process does not lead")
	}
	return load.Run(clients, length, func(int) func() error { return func() error { return call(leader.raft) } })
}

type outcome struct {
	Committed bool `json:"committed"`
}

// first tries until a proposal of this process is committed, or the time is over.
func (all nodes) first(length time.Duration) outcome {
	data := make([]byte, entryBytes)
	for begun := time.Now(); time.Since(begun) < length; time.Sleep(retryEvery) {
		leader := all.leader()
		if leader != nil && leader.raft.Apply(data, applyTimeout).Error() == nil {
			return outcome{true}
		}
	}
	return outcome{}
}

func (all nodes) answer(command string) (interface{}, error) {
	var clients int
	var milliseconds int64
	if command == "status" {
		return all.status(), nil
	}
	if _, err := fmt.Sscanf(command, "first %d", &milliseconds); err == nil {
		return all.first(time.Duration(milliseconds) * time.Millisecond), nil
	}
	if _, err := fmt.Sscanf(command, "reads %d %d", &clients, &milliseconds); err == nil {
		return all.reads(clients, time.Duration(milliseconds)*time.Millisecond)
	}
	if _, err := fmt.Sscanf(command, "run %d %d", &clients, &milliseconds); err == nil {
		return all.run(clients, time.Duration(milliseconds)*time.Millisecond)
	}
	return nil, fmt.Errorf("unknown command %q", command)
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	all, err := begin(os.Args[1:])
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		answer, err := all.answer(input.Text())
		if err != nil {
			return err
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
	return input.Err()
}

func begin(arguments []string) (nodes, error) {
	if len(arguments) == 2 && arguments[0] == "memory" {
		return inMemory(arguments[1])
	}
	if len(arguments) < 3 {
		return nil, errors.New("usage: hashicorp-raft DIRECTORY IDS-HERE ID=HOST:PORT... or hashicorp-raft memory NODES")
	}
	var servers []raft.Server
	for _, argument := range arguments[2:] {
		id, address, found := strings.Cut(argument, "=")
		if !found {
			return nil, fmt.Errorf("%q is not ID=HOST:PORT", argument)
		}
		servers = append(servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(address)})
	}
	var all nodes
	for _, id := range strings.Split(arguments[1], ",") {
		started, err := start(arguments[0], id, servers)
		if err != nil {
			return nil, fmt.Errorf("starting %s: %w", id, err)
		}
		all = append(all, started)
	}
	return all, nil
}
