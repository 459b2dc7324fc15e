package main

import (
	"fmt"
	"strconv"

	"github.com/hashicorp/raft"
)

// inMemory starts so many nodes in this process, which reach each other and store everything in memory.
func inMemory(count string) (nodes, error) {
	size, err := strconv.Atoi(count)
	if err != nil || size < 1 {
		return nil, fmt.Errorf("%q is not a number of nodes", count)
	}
	var servers []raft.Server
	var transports []*raft.InmemTransport
	for i := 1; i <= size; i++ {
		address, transport := raft.NewInmemTransportWithTimeout("", ioTimeout)
		servers = append(servers, raft.Server{ID: raft.ServerID(fmt.Sprintf("n%d", i)), Address: address})
		transports = append(transports, transport)
	}
	var all nodes
	for i, server := range servers {
		for j, other := range transports {
			if i != j {
				transports[i].Connect(servers[j].Address, other)
			}
		}
		store := raft.NewInmemStore()
		memory := &ports{store, store, raft.NewInmemSnapshotStore(), transports[i]}
		started, err := memory.start(string(server.ID), servers)
		if err != nil {
			return nil, fmt.Errorf("starting %s: %w", server.ID, err)
		}
		all = append(all, started)
	}
	return all, nil
}
